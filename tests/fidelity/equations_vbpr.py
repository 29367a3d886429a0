"""VBPR: CausalRec's Eq. 5 without the terms that cancel in BPR, and Eq. 14."""

from __future__ import annotations

import numpy as np
from fidelity.equations import FEATURES, ITEMS, USERS, WIDTH, Tensors, bpr, inputs, record, weights

name = "vbpr"


def tensors() -> Tensors:
    data = inputs(seed=1)
    w = weights(
        seed=1,
        beta_item=(ITEMS,),
        gamma_user=(USERS, WIDTH),
        gamma_item=(ITEMS, WIDTH),
        theta_user=(USERS, WIDTH),
        E=(FEATURES, WIDTH),
    )

    def score(w: Tensors) -> np.ndarray:
        match = w["beta_item"] + w["gamma_user"] @ w["gamma_item"].T
        return match + w["theta_user"] @ (data["input/features"] @ w["E"]).T

    effect = w["beta_item"] - w["beta_item"].mean() + w["gamma_user"] @ (w["gamma_item"] - w["gamma_item"].mean(0)).T
    return record(data, w, lambda w: bpr(score(w), data), score=score(w), effect=effect)
