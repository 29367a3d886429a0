"""Edges sorted by the node that hears: what attention among neighbours is made of, at the price of sparse products."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function

from graphrec.graph.pairs import require_pairs
from graphrec.graph.sparse import csr_tensor, weighted_bags


class SortedEdges:
    """Edges from C neighbours to R nodes as the entries of a sparse matrix `[R, C]`, sorted by node, then neighbour.

    With a number an edge that is computed or learned, such as attention, for each edge e from w to v:

        dots       l_e = x_v . y_w
        softmax    a_e = exp(l_e) / sum of exp(l) over the edges into v
        sum        z_v = sum over the edges into v of a_e y_w

    No tensor has a row of width d for each edge, forward or backward: the gradients of `sum` are `dots` and the `sum`
    over the transpose `T`, and those of `dots` are two such sums.

    Args:
        index: `[2, E]` neighbour and node of each edge, each pair once, in any order: PyG's edge index.
        nodes, neighbours: R and C.

    Raises:
        DataError: not such an index, or a number that is no node's or no neighbour's.
    """

    source: Tensor
    """`[E]` the neighbour of each edge, in the order of whatever is given or taken an edge."""
    target: Tensor
    """`[E]` the node, rising."""
    T: SortedEdges
    """The same edges the other way, sorted likewise."""
    _turn: Tensor
    """`[E]` the place here of each edge of `T`."""

    def __init__(self, index: Tensor, nodes: int, neighbours: int) -> None:
        require_pairs(index.T, neighbours, nodes, "neighbours", "nodes")
        source, target = index
        order = torch.argsort(target * neighbours + source)
        self._take(source[order], target[order], nodes, neighbours)
        self.T = other = object.__new__(SortedEdges)
        turn = torch.argsort(self.source * nodes + self.target)
        other._take(self.target[turn], self.source[turn], neighbours, nodes)
        other.T, other._turn, self._turn = self, turn.argsort(), turn

    def _take(self, source: Tensor, target: Tensor, nodes: int, neighbours: int) -> None:
        self.source, self.target, self.shape = source, target, (nodes, neighbours)
        self._start = target.new_zeros(nodes + 1)
        self._start[1:] = torch.bincount(target, minlength=nodes).cumsum(0)

    def turned(self, values: Tensor) -> Tensor:
        """`[E]` in the order of these edges to `[E]` in that of `T`."""
        return values.index_select(0, self._turn)

    def dots(self, x: Tensor, y: Tensor) -> Tensor:
        """`[R, d]` and `[C, d]` to `[E]`, differentiable in both."""
        return _Dots.apply(x, y, self)

    def softmax(self, logits: Tensor) -> Tensor:
        """`[E] -> [E]`, differentiable. Minus infinity becomes zero, also where a node hears nothing else."""
        return _Softmax.apply(logits, self)

    def sum(self, weights: Tensor, y: Tensor) -> Tensor:
        """`[E]` and `[C, d]` to `[R, d]`, differentiable in both; zeros for a node without edges."""
        return _Sum.apply(weights, y, self)

    def _sum(self, weights: Tensor, y: Tensor) -> Tensor:
        return weighted_bags(self._start, self.source, weights, y)

    def _dots(self, x: Tensor, y: Tensor) -> Tensor:
        pattern = csr_tensor(self._start, self.source, x.new_zeros(len(self.source)), self.shape)
        return torch.sparse.sampled_addmm(pattern, x, y.T, beta=0.0).values()

    def _of_its_node(self, values: Tensor, reduce: str) -> Tensor:
        """`[E] -> [E]`: to each edge the maximum or sum over all that go into the same node."""
        return torch.segment_reduce(values, reduce, offsets=self._start).index_select(0, self.target)


class _Dots(Function):
    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor, edges: SortedEdges) -> Tensor:
        x, y = x.contiguous(), y.contiguous()
        ctx.save_for_backward(x, y)
        ctx.edges = edges
        return edges._dots(x, y)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        (x, y), edges = ctx.saved_tensors, ctx.edges
        gradient = gradient.contiguous()
        return edges._sum(gradient, y), edges.T._sum(edges.turned(gradient), x), None


class _Sum(Function):
    @staticmethod
    def forward(ctx, weights: Tensor, y: Tensor, edges: SortedEdges) -> Tensor:
        weights, y = weights.contiguous(), y.contiguous()
        ctx.save_for_backward(weights, y)
        ctx.edges = edges
        return edges._sum(weights, y)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        (weights, y), edges = ctx.saved_tensors, ctx.edges
        gradient = gradient.contiguous()
        return edges._dots(gradient, y), edges.T._sum(edges.turned(weights), gradient), None


class _Softmax(Function):
    @staticmethod
    def forward(ctx, logits: Tensor, edges: SortedEdges) -> Tensor:
        finite = edges._of_its_node(logits, "max").clamp_(min=torch.finfo(logits.dtype).min)
        weights = (logits - finite).exp_()
        weights /= edges._of_its_node(weights, "sum").clamp_(min=1)  # less than 1 only where nothing is heard
        ctx.save_for_backward(weights)
        ctx.edges = edges
        return weights

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors
        along = weights * gradient
        return along.addcmul(weights, ctx.edges._of_its_node(along, "sum"), value=-1), None
