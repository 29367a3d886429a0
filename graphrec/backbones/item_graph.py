"""Item graphs of the modalities: each item and its nearest items by features. They are computed once, not learned."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import torch
from scipy import sparse
from torch import Tensor

from graphrec.graph.build import InteractionGraph
from graphrec.graph.neighbours import Neighbours, Weights
from graphrec.graph.sparse import ConstantCSR


class FrozenItemGraphs:
    """D^-1/2 S_m D^-1/2, where S_m has each item's cosine similarities to its nearest items, itself included.

    They follow from the features alone and are no parameters. They are cached as long as the interaction graph returns
    the same neighbours.

    Args:
        entries: `cosine`, or `equal` for ones in place of the similarities.

    Example:
        >>> from graphrec.testing.small_graph import small_graph
        >>> FrozenItemGraphs()(small_graph(), "visual", count=3).shape
        (11, 11)
    """

    def __init__(self, entries: Weights = "cosine") -> None:
        self.entries: Weights = entries
        self._matrices: dict[str, tuple[Neighbours, ConstantCSR]] = {}
        self._maximum: tuple[list[ConstantCSR], ConstantCSR] | None = None

    def __call__(self, graph: InteractionGraph, modality: str, count: int) -> ConstantCSR:
        """`[I, I]`, with the `count` nearest items of each item."""
        neighbours = graph.neighbours(modality, count)
        cached = self._matrices.get(modality)
        # `is` and not `==`: the graph caches its neighbours, so another object means other features or another count.
        if cached is None or cached[0] is not neighbours:
            cached = self._matrices[modality] = neighbours, neighbours.matrix(self.entries, "symmetric")
        return cached[1]

    def maximum(self, graph: InteractionGraph, counts: Mapping[str, int]) -> ConstantCSR:
        """`[I, I]`, the entrywise maximum of the graphs of the modalities in `counts`."""
        matrices = [self(graph, modality, count) for modality, count in counts.items()]
        cached = self._maximum
        if cached is None or len(cached[0]) != len(matrices) or any(a is not b for a, b in zip(cached[0], matrices)):
            cached = self._maximum = matrices, _maximum(matrices).to(graph.device)
        return cached[1]

    def propagate_mean(
        self, graph: InteractionGraph, weights: Mapping[str, float | Tensor], count: int, x: Tensor
    ) -> Tensor:
        """One step over the graphs of several modalities, `[I, d] -> [I, d]`: the weighted mean over an item's own
        modalities, or zeros.

        Where every item has all modalities and the weights sum to one, this is sum_m w_m S_m x.
        """
        total, weight_sum = torch.zeros_like(x), x.new_zeros(len(x), 1)
        for name, weight in weights.items():
            total = total + weight * (self(graph, name, count) @ x)
            has_modality = graph.neighbours(name, count).index[:, :1] >= 0  # an item is its own first neighbour
            weight_sum = weight_sum + weight * has_modality
        return total / weight_sum.clamp(min=torch.finfo(x.dtype).tiny)


def _maximum(matrices: list[ConstantCSR]) -> ConstantCSR:
    tensors = [matrix.matrix.tensor.cpu() for matrix in matrices]
    arrays = [
        sparse.csr_array((csr.values().numpy(), csr.col_indices().numpy(), csr.crow_indices().numpy()), csr.shape)
        for csr in tensors
    ]
    # Entries that are not stored count as zero; no stored entry is below zero, so the maximum stays sparse.
    largest = reduce(lambda left, right: left.maximum(right), arrays)
    largest.sort_indices()
    crow, col = (torch.from_numpy(numbers).long() for numbers in (largest.indptr, largest.indices))
    return ConstantCSR(crow, col, torch.from_numpy(largest.data), largest.shape[1])
