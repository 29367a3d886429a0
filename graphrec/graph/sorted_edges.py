"""Edges sorted by their target node: attention over neighbours at the cost of sparse products."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import Function

from graphrec.graph.pairs import require_pairs
from graphrec.graph.sparse import csr_tensor, weighted_bags


class SortedEdges:
    """Edges from C source nodes to R target nodes, as the entries of a sparse matrix `[R, C]` sorted by row and column.

    For an edge e from source w to target v, with one computed number per edge such as an attention weight:

        dot_products   l_e = x_v . y_w
        softmax        a_e = exp(l_e) / sum of exp(l) over the edges into v
        sum            z_v = sum over the edges into v of a_e y_w

    No tensor has a row of width d for each edge, forward or backward. The gradients of `sum` are `dot_products` and the
    `sum` over the transpose `T`. The gradients of `dot_products` are two such sums.

    Args:
        index: `[2, E]` source and target of each edge, in any order, each pair once: PyG's edge index.
        nodes: R.
        neighbours: C.

    Raises:
        DataError: `index` has another form, or names a node out of range.

    Example:
        >>> import torch
        >>> edges = SortedEdges(torch.tensor([[0, 1, 1], [0, 0, 1]]), nodes=2, neighbours=2)
        >>> attention = edges.softmax(torch.zeros(3))  # equal logits: the mean over each node's neighbours
        >>> edges.sum(attention, torch.tensor([[2.0], [4.0]])).squeeze(1).tolist()
        [3.0, 4.0]
    """

    source: Tensor
    """`[E]` source node of each edge; all `[E]` arguments and results are in this order."""
    target: Tensor
    """`[E]` target node of each edge, in rising order."""
    T: SortedEdges
    """The same edges in the other direction, sorted in the same way."""
    _transpose_order: Tensor
    """`[E]` the position in this order of each edge of `T`."""

    def __init__(self, index: Tensor, nodes: int, neighbours: int) -> None:
        require_pairs(index.T, neighbours, nodes, "neighbours", "nodes")
        source, target = index
        order = torch.argsort(target * neighbours + source)
        self._set_edges(source[order], target[order], nodes, neighbours)
        self.T = transpose = object.__new__(SortedEdges)  # past __init__, which would build a transpose in turn
        order = torch.argsort(self.source * nodes + self.target)
        transpose._set_edges(self.target[order], self.source[order], neighbours, nodes)
        transpose.T, transpose._transpose_order, self._transpose_order = self, order.argsort(), order

    def _set_edges(self, source: Tensor, target: Tensor, nodes: int, neighbours: int) -> None:
        self.source, self.target, self.shape = source, target, (nodes, neighbours)
        self._start = target.new_zeros(nodes + 1)
        self._start[1:] = torch.bincount(target, minlength=nodes).cumsum(0)

    def to_transpose_order(self, values: Tensor) -> Tensor:
        """`[E]` numbers in the order of these edges to the order of the edges of `T`."""
        return values.index_select(0, self._transpose_order)

    def dot_products(self, x: Tensor, y: Tensor) -> Tensor:
        """`[R, d]` and `[C, d]` to `[E]`, differentiable in both."""
        return _DotProducts.apply(x, y, self)

    def softmax(self, logits: Tensor) -> Tensor:
        """`[E] -> [E]`, differentiable. Minus infinity becomes zero, even where a node has no other edge."""
        return _Softmax.apply(logits, self)

    def sum(self, weights: Tensor, y: Tensor) -> Tensor:
        """`[E]` and `[C, d]` to `[R, d]`, differentiable in both; zeros for a node without edges."""
        return _Sum.apply(weights, y, self)

    def _sum(self, weights: Tensor, y: Tensor) -> Tensor:
        return weighted_bags(self._start, self.source, weights, y)

    def _dot_products(self, x: Tensor, y: Tensor) -> Tensor:
        # The values play no role, as beta is 0: the matrix says which products are computed.
        pattern = csr_tensor(self._start, self.source, x.new_zeros(len(self.source)), self.shape)
        return torch.sparse.sampled_addmm(pattern, x, y.T, beta=0.0).values()

    def _reduce_by_target(self, values: Tensor, reduce: str) -> Tensor:
        """`[E] -> [E]`: for each edge the maximum or the sum over all edges into the same target."""
        return torch.segment_reduce(values, reduce, offsets=self._start).index_select(0, self.target)


class _DotProducts(Function):
    @staticmethod
    def forward(ctx, x: Tensor, y: Tensor, edges: SortedEdges) -> Tensor:
        x, y = x.contiguous(), y.contiguous()
        ctx.save_for_backward(x, y)
        ctx.edges = edges
        return edges._dot_products(x, y)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        (x, y), edges = ctx.saved_tensors, ctx.edges
        gradient = gradient.contiguous()
        return edges._sum(gradient, y), edges.T._sum(edges.to_transpose_order(gradient), x), None


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
        return edges._dot_products(gradient, y), edges.T._sum(edges.to_transpose_order(weights), gradient), None


class _Softmax(Function):
    @staticmethod
    def forward(ctx, logits: Tensor, edges: SortedEdges) -> Tensor:
        # Where every edge of a node has a logit of minus infinity, the maximum is minus infinity too, and their
        # difference would be nan. The clamp makes it minus infinity, whose exponential is zero.
        maximum = edges._reduce_by_target(logits, "max").clamp_(min=torch.finfo(logits.dtype).min)
        weights = (logits - maximum).exp_()
        # The largest term is exp(0) = 1, so the sum is below 1 only where all terms are zero; the clamp keeps them so.
        weights /= edges._reduce_by_target(weights, "sum").clamp_(min=1)
        ctx.save_for_backward(weights)
        ctx.edges = edges
        return weights

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        (weights,) = ctx.saved_tensors
        product = weights * gradient
        return product.addcmul(weights, ctx.edges._reduce_by_target(product, "sum"), value=-1), None
