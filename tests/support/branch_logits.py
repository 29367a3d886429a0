"""Random logits of branches, and the ranking of scores."""

from __future__ import annotations

import torch


def logits(seed: int, names: str, shape=(4, 9), scale=2.0, dtype=torch.float64):
    """Factual [b, I] and reference [b, 1] logits."""
    make = torch.Generator().manual_seed(seed)
    factual = {name: scale * torch.randn(shape, generator=make, dtype=dtype) for name in names.split()}
    reference = {name: scale * torch.randn(shape[0], 1, generator=make, dtype=dtype) for name in names.split()}
    return factual, reference


def ranking(scores):
    return scores.argsort(dim=-1, descending=True, stable=True).tolist()
