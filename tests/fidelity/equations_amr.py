"""AMR: CausalRec's Eq. 7 and 15; the move of Tang et al. (TKDE 2020), epsilon = 2 along the gradient, lambda = 1."""

from __future__ import annotations

import numpy as np
from fidelity.equations import FEATURES, ITEMS, USERS, WIDTH, Tensors, bpr, gradient, inputs, record, weights

name = "amr"
EPSILON, LAMBDA = 2.0, 1.0


def tensors() -> Tensors:
    data = inputs(seed=2)
    w = weights(seed=2, gamma_user=(USERS, WIDTH), gamma_item=(ITEMS, WIDTH), E=(FEATURES, WIDTH))
    features = data["input/features"]

    def score(w: Tensors, features: np.ndarray) -> np.ndarray:
        return w["gamma_user"] @ (w["gamma_item"] + features @ w["E"]).T

    slope = gradient(lambda at: bpr(score(w, at["features"]), data), {"features": features})["features"]
    delta = EPSILON * slope / np.linalg.norm(slope, axis=1, keepdims=True)

    def loss(w: Tensors) -> np.ndarray:
        return bpr(score(w, features), data) + LAMBDA * bpr(score(w, features + delta), data)

    effect = w["gamma_user"] @ (w["gamma_item"] - w["gamma_item"].mean(0)).T
    return record(data, w, loss, score=score(w, features), effect=effect, delta=delta)
