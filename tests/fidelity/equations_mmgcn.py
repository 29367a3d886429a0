"""MMGCN: Wei et al., ACM MM 2019, Eq. 1 and 5, in the three published forms; the graph is a dense matrix.

With A the mean over a node's neighbours, P users' preferences, F item features, E ids, for each modality:

    H = rownorm([P ; F])
    h = leaky(A (H W1))        or leaky(rownorm(A (H W1) + b1)), A with self loops       CR's copy
    g = leaky(H W2 + b2) + E
    H = leaky((h W3 + b3) + g) or leaky([h, g] W3 + b3)                                  the official code

Nodes are users, then items; a logit is the inner product of the means over modalities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from fidelity.equations import ITEMS, USERS, WIDTH, Tensors, bpr, inputs, record, weights


@dataclass(frozen=True)
class Form:
    """What the published versions differ in; `projected` has widths of 2 in place of 128 or 256."""

    layers: int
    concat: bool
    projected: tuple[str, ...]
    as_cr: bool


PAPER = Form(layers=2, concat=False, projected=(), as_cr=False)
OFFICIAL = Form(layers=3, concat=True, projected=("visual",), as_cr=False)
CR = Form(layers=2, concat=False, projected=("visual", "acoustic", "title"), as_cr=True)
PROJECTION, WORDS = 2, 4


def graph_inputs(seed: int) -> Tensors:
    """The common inputs, two more modalities (`title` a bag of seven words), and clicks `[E, 2]` beyond the batch."""
    data, rng = inputs(seed), np.random.default_rng(seed + 2000)
    words = rng.integers(0, 3, (ITEMS, 7)) + np.eye(ITEMS, 7)
    batch = np.stack([data["input/users"], data["input/positives"]], axis=1)
    more = np.stack([rng.integers(0, USERS, 8), rng.integers(0, ITEMS, 8)], axis=1)
    return data | {
        "input/clicks": np.unique(np.concatenate([batch, more]), axis=0),
        "input/acoustic": rng.normal(size=(ITEMS, 3)),
        "input/title": words / words.sum(1, keepdims=True),
    }


def features(data: Tensors) -> Tensors:
    return {"visual": data["input/features"], "acoustic": data["input/acoustic"], "title": data["input/title"]}


def start(form: Form, data: Tensors, modalities: tuple[str, ...], seed: int) -> Tensors:
    shapes: dict[str, tuple[int, ...]] = {"E": (USERS + ITEMS, WIDTH)}
    for m in modalities:
        raw = features(data)[m].shape[1]
        if m == "title":
            raw, shapes[f"{m}.words"] = WORDS, (raw, WORDS)
        wide = PROJECTION if m in form.projected else raw
        shapes[f"{m}.P"] = (USERS, wide)
        if m in form.projected:
            shapes |= {f"{m}.W": (raw, wide), f"{m}.b": (wide,)}
        for layer in range(form.layers):
            shapes |= {f"{m}.{layer}.W1": (wide, wide), f"{m}.{layer}.W2": (wide, WIDTH), f"{m}.{layer}.b2": (WIDTH,)}
            shapes |= {f"{m}.{layer}.b1": (wide,)} if form.as_cr else {}
            shapes |= {f"{m}.{layer}.W3": (wide + WIDTH * form.concat, WIDTH), f"{m}.{layer}.b3": (WIDTH,)}
            wide = WIDTH
    return weights(seed, **shapes)


def representation(form: Form, w: Tensors, m: str, data: Tensors) -> np.ndarray:
    """`[U + I, d]` under modality m."""
    near = np.eye(USERS + ITEMS) * form.as_cr
    for user, item in data["input/clicks"]:
        near[user, USERS + item] = near[USERS + item, user] = 1
    mean = near / near.sum(1, keepdims=True)
    visual = features(data)[m]
    if m == "title":
        visual = visual @ w["title.words"]
    if m in form.projected:
        visual = visual @ w[f"{m}.W"] + w[f"{m}.b"]
    x = rownorm(np.concatenate([w[f"{m}.P"], visual]))
    for layer in range(form.layers):
        at = f"{m}.{layer}"
        h = mean @ (x @ w[f"{at}.W1"])
        h = leaky(rownorm(h + w[f"{at}.b1"]) if form.as_cr else h)
        g = leaky(x @ w[f"{at}.W2"] + w[f"{at}.b2"]) + w["E"]
        combined = np.concatenate([h, g], axis=1) @ w[f"{at}.W3"] if form.concat else h @ w[f"{at}.W3"] + g
        x = leaky(combined + w[f"{at}.b3"])
    return x


def logits(form: Form, w: Tensors, modalities: tuple[str, ...], data: Tensors) -> np.ndarray:
    """`[U, I]` of the modalities' mean."""
    x = sum(representation(form, w, m, data) for m in modalities) / len(modalities)
    return x[:USERS] @ x[USERS:].T


def rownorm(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).sum(1, keepdims=True))


def leaky(x: np.ndarray) -> np.ndarray:
    return np.where(np.real(x) > 0, x, 0.01 * x)


@dataclass(frozen=True)
class Method:
    """BPR on the logits of one form, over a picture and a sound."""

    name: str
    form: Form
    seed: int

    def tensors(self) -> Tensors:
        data, modalities = graph_inputs(self.seed), ("visual", "acoustic")
        w = start(self.form, data, modalities, self.seed)

        def score(w: Tensors) -> np.ndarray:
            return logits(self.form, w, modalities, data)

        return record(data, w, lambda w: bpr(score(w), data), score=score(w))


METHODS = (Method("mmgcn_paper", PAPER, 5), Method("mmgcn_official", OFFICIAL, 6), Method("mmgcn_cr", CR, 7))
