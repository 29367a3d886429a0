"""The frozen item graphs of the modalities: nearest items by their features."""

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
    """D^-1/2 S_m D^-1/2, where S_m holds each item's cosine similarities to its nearest items, itself among them.

    Made of the features alone, they are no parameters; they are kept as long as the graph gives the same neighbours.

    Args:
        entries: `equal` holds ones in place of the similarities.
    """

    def __init__(self, entries: Weights = "cosine") -> None:
        self.entries: Weights = entries
        self._made: dict[str, tuple[Neighbours, ConstantCSR]] = {}
        self._maximum: tuple[list[ConstantCSR], ConstantCSR] | None = None

    def __call__(self, graph: InteractionGraph, modality: str, count: int) -> ConstantCSR:
        """`[I, I]`, of the `count` nearest items of each."""
        near = graph.neighbours(modality, count)
        known = self._made.get(modality)
        if known is None or known[0] is not near:
            known = self._made[modality] = near, near.matrix(self.entries, "symmetric")
        return known[1]

    def maximum(self, graph: InteractionGraph, counts: Mapping[str, int]) -> ConstantCSR:
        """`[I, I]`, entry by entry the greatest of the modalities' graphs; `counts` as above, by modality."""
        graphs = [self(graph, modality, count) for modality, count in counts.items()]
        known = self._maximum
        if known is None or len(known[0]) != len(graphs) or any(a is not b for a, b in zip(known[0], graphs)):
            known = self._maximum = graphs, _maximum(graphs).to(graph.device)
        return known[1]

    def propagate_mean(
        self, graph: InteractionGraph, weights: Mapping[str, float | Tensor], count: int, x: Tensor
    ) -> Tensor:
        """One step over the modalities' graphs together, `[I, d] -> [I, d]`: for each item the weighted mean over the
        modalities that it has, or zeros. Where all items have all of them and the weights sum to one, this is the sum
        of w_m S_m x."""
        total, share = torch.zeros_like(x), x.new_zeros(len(x), 1)
        for name, weight in weights.items():
            total = total + weight * (self(graph, name, count) @ x)
            share = share + weight * (graph.neighbours(name, count).index[:, :1] >= 0)
        return total / share.clamp(min=torch.finfo(x.dtype).tiny)


def _maximum(graphs: list[ConstantCSR]) -> ConstantCSR:
    tensors = [one.matrix.tensor.cpu() for one in graphs]
    matrices = [
        sparse.csr_array((one.values().numpy(), one.col_indices().numpy(), one.crow_indices().numpy()), one.shape)
        for one in tensors
    ]
    found = reduce(lambda one, other: one.maximum(other), matrices)  # no entry is below the zeros that are not stored
    found.sort_indices()
    crow, col = (torch.from_numpy(one).long() for one in (found.indptr, found.indices))
    return ConstantCSR(crow, col, torch.from_numpy(found.data), found.shape[1])
