"""CausalRec as published: Eq. 19 to 22, and Eq. 28 with lambda2 = 0.8.

One deviation, which is also the authors' own code's: the two auxiliary terms of Eq. 23 compare logits, not sigmoids.
"""

from __future__ import annotations

import numpy as np
from fidelity.equations import FEATURES, ITEMS, USERS, WIDTH, Tensors, bpr, inputs, record, sigmoid, weights

name = "causalrec"
LAMBDA2 = 0.8


def tensors() -> Tensors:
    data = inputs(seed=3)
    w = weights(
        seed=3,
        gamma_user=(USERS, WIDTH),
        gamma_item=(ITEMS, WIDTH),
        theta_user=(USERS, WIDTH),
        E=(FEATURES, WIDTH),
    )

    def logits(w: Tensors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        visual = data["input/features"] @ w["E"]
        return (
            w["gamma_user"] @ w["gamma_item"].T,
            w["gamma_user"] @ (w["gamma_item"] * visual).T,
            w["theta_user"] @ visual.T,
        )

    def loss(w: Tensors) -> np.ndarray:
        m, m_visual, n = logits(w)
        return bpr(sigmoid(m) * sigmoid(m_visual) * sigmoid(n), data) + bpr(n, data) + bpr(m + m_visual, data)

    m, m_visual, n = logits(w)
    item, visual = w["gamma_item"].mean(0), (data["input/features"] @ w["E"]).mean(0)
    c = sigmoid(w["gamma_user"] @ item) * sigmoid(w["gamma_user"] @ (item * visual))
    score = sigmoid(m) * sigmoid(m_visual) * sigmoid(n)
    effect = score - LAMBDA2 * c[:, None] * sigmoid(n)
    return record(data, w, loss, score=score, effect=effect)
