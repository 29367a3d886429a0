"""The common code of the independent implementations: plain numpy in double precision, without torch and this package.

Gradients are complex-step derivatives, Im f(x + ih) / h (Squire and Trapp, SIAM Review 1998): as central differences,
they need the loss alone; unlike them they subtract nothing, so they are exact to rounding. Every loss must therefore be
written in functions that numpy extends to complex numbers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Tensors = dict[str, np.ndarray]

USERS, ITEMS, FEATURES, WIDTH = 4, 6, 5, 3
STEP_SIZE = 0.1


def inputs(seed: int) -> Tensors:
    """Features `[I, D]` and a batch in which every item is a positive once, so that every item occurs in training."""
    rng = np.random.default_rng(seed)
    positives = rng.permutation(ITEMS)
    return {
        "input/features": rng.normal(size=(ITEMS, FEATURES)),
        "input/users": np.arange(ITEMS) % USERS,
        "input/positives": positives,
        "input/negatives": (positives + 1 + rng.integers(0, ITEMS - 1, ITEMS)) % ITEMS,
    }


def weights(seed: int, **shapes: tuple[int, ...]) -> Tensors:
    """Random weights under the papers' symbols."""
    rng = np.random.default_rng(seed + 1000)
    return {name: 0.7 * rng.normal(size=shape) for name, shape in shapes.items()}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def bpr(score: np.ndarray, data: Tensors) -> np.ndarray:
    """Mean of -ln sigmoid(y_ui - y_uj) over the batch, for scores `[U, I]`. The papers have sums: another step size."""
    users = data["input/users"]
    margin = score[users, data["input/positives"]] - score[users, data["input/negatives"]]
    return np.log(1 + np.exp(-margin)).mean()


def gradient(loss: Callable[[Tensors], np.ndarray], at: Tensors) -> Tensors:
    """The derivative of `loss` with respect to every entry of every array."""
    tiny = 1e-30
    derivatives = {name: np.empty_like(value) for name, value in at.items()}
    for name, value in at.items():
        for index in np.ndindex(value.shape):
            shifted = value.astype(complex)
            shifted[index] += 1j * tiny
            derivatives[name][index] = np.imag(loss({**at, name: shifted})) / tiny
    return derivatives


def stepped(loss: Callable[[Tensors], np.ndarray], at: Tensors) -> Tensors:
    """Weights after one step of gradient descent."""
    slope = gradient(loss, at)
    return {name: value - STEP_SIZE * slope[name] for name, value in at.items()}


def record(data: Tensors, w: Tensors, loss: Callable[[Tensors], np.ndarray], **results: np.ndarray) -> Tensors:
    """Everything that is stored of one method, by kind: input, weight, result, stepped."""
    return {
        **data,
        **{f"weight/{name}": value for name, value in w.items()},
        **{f"result/{name}": value for name, value in results.items()},
        "result/loss": np.asarray(loss(w)),
        **{f"stepped/{name}": value for name, value in stepped(loss, w).items()},
    }
