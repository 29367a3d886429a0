"""CausalRec as its authors' code has it: Y = s(m + n) s(m) s(n) with an item bias and one tanh layer, lambda2 = 0.8.

    m = beta_i + g_u . g_i + g_u . (g_i o tanh(E_ind f_i + b))        n = t_u . E f_i

E_ind is of the form E W here, b is zero there; the tanh on the notice and its f_i . beta' are left out. What i* is made
of is the mean over items of beta, g and the visual features before the tanh.
"""

from __future__ import annotations

import numpy as np
from fidelity.equations import FEATURES, ITEMS, USERS, WIDTH, Tensors, bpr, inputs, record, sigmoid, weights

name = "causalrec_author"
LAMBDA2 = 0.8


def tensors() -> Tensors:
    data = inputs(seed=4)
    w = weights(
        seed=4,
        beta_item=(ITEMS,),
        gamma_user=(USERS, WIDTH),
        gamma_item=(ITEMS, WIDTH),
        theta_user=(USERS, WIDTH),
        E=(FEATURES, WIDTH),
        W=(WIDTH, WIDTH),
        b=(WIDTH,),
    )

    def match(w: Tensors, bias: np.ndarray, item: np.ndarray, visual: np.ndarray) -> np.ndarray:
        bounded = np.tanh(visual @ w["W"].T + w["b"])
        return bias + w["gamma_user"] @ item.T + w["gamma_user"] @ (item * bounded).T

    def logits(w: Tensors) -> tuple[np.ndarray, np.ndarray]:
        visual = data["input/features"] @ w["E"]
        return match(w, w["beta_item"], w["gamma_item"], visual), w["theta_user"] @ visual.T

    def joint(m: np.ndarray, n: np.ndarray) -> np.ndarray:
        return sigmoid(m + n) * sigmoid(m) * sigmoid(n)

    def loss(w: Tensors) -> np.ndarray:
        m, n = logits(w)
        return bpr(joint(m, n), data) + bpr(m, data) + bpr(n, data)

    m, n = logits(w)
    visual = (data["input/features"] @ w["E"]).mean(0)
    m_star = match(w, w["beta_item"].mean(), w["gamma_item"].mean(0), visual)[:, None]
    return record(data, w, loss, score=joint(m, n), effect=joint(m, n) - LAMBDA2 * joint(m_star, n))
