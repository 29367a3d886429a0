"""CR: Wang et al., SIGIR 2021, on its own copy of MMGCN; the title is seen before the click, all three after it.

The losses are means, in nats; the authors' code sums them, in bits.
"""

from __future__ import annotations

import numpy as np
from fidelity.equations import Tensors, bpr, record, sigmoid
from fidelity.equations_mmgcn import CR, graph_inputs, logits, start

name = "cr"
ALPHA = 0.7
SEEN, ALL = ("title",), ("visual", "acoustic", "title")


def tensors() -> Tensors:
    data = graph_inputs(seed=8)
    w = start(CR, data, ALL, seed=8)

    def fused(w: Tensors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        post, pre = logits(CR, w, ALL, data), logits(CR, w, SEEN, data)
        return post * sigmoid(pre), post, pre

    def loss(w: Tensors) -> np.ndarray:
        score, _, pre = fused(w)
        return bpr(score, data) + ALPHA * bpr(pre, data)

    score, post, pre = fused(w)
    effect = (post - post.mean(1, keepdims=True)) * sigmoid(pre)
    return record(data, w, loss, score=score, effect=effect)
