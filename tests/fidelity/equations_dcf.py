"""DCF: Wang et al., RecSys 2020, on matrix factorisation, with the factors of the exposure model given.

    y_ui = theta_u . beta_i + gamma_u (pi_u . lambda_i) (+ b0)

fitted by squared error over the exposures, as the paper, or by BPR.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fidelity.equations import ITEMS, USERS, WIDTH, Tensors, bpr, inputs, record, weights

FACTORS = 2


@dataclass(frozen=True)
class Method:
    name: str
    squared: bool
    seed: int

    def tensors(self) -> Tensors:
        data, rng = inputs(self.seed), np.random.default_rng(self.seed)
        data |= {
            "input/pi": rng.gamma(0.5, size=(USERS, FACTORS)),
            "input/lambda": rng.gamma(0.5, size=(ITEMS, FACTORS)),
            "input/liked": (np.arange(ITEMS) % 3 > 0).astype(np.float64),
        }
        w = weights(self.seed, theta=(USERS, WIDTH), beta=(ITEMS, WIDTH), gamma=(USERS, 1))
        if self.squared:
            w |= weights(self.seed, b0=(1,))

        def score(w: Tensors) -> np.ndarray:
            product = w["theta"] @ w["beta"].T + w["gamma"] * (data["input/pi"] @ data["input/lambda"].T)
            return product + w["b0"] if self.squared else product

        def loss(w: Tensors) -> np.ndarray:
            if not self.squared:
                return bpr(score(w), data)
            return ((data["input/liked"] - score(w)[data["input/users"], data["input/positives"]]) ** 2).mean()

        return record(data, w, loss, score=score(w))


METHODS = (Method("dcf_bpr", squared=False, seed=9), Method("dcf_squared", squared=True, seed=10))
