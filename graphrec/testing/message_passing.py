"""Propagation and attention by PyG's message passing over an edge list: slow, and independent of sparse products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import torch
from torch import Tensor
from torch_geometric.nn import SimpleConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm
from torch_geometric.utils import softmax

from graphrec.graph.propagator import Scaling
from graphrec.graph.sorted_edges import SortedEdges


class MessagePassing:
    """Replaces `graphrec.graph.propagator.Propagator` in a test, with the same arguments and methods.

    Args:
        pairs: `[E, 2]` user and item numbers.
        num_users, num_items: U and I.
        scaling: of the adjacency matrix.
        self_loops: whether every node is its own neighbour, too.

    User 0 has items 0 and 1, whose mean it receives:

    >>> passing = MessagePassing(torch.tensor([[0, 0], [0, 1]]), num_users=1, num_items=2)
    >>> passing.to_users(torch.tensor([[2.0], [4.0]]))
    tensor([[3.]])
    """

    def __init__(
        self, pairs: Tensor, num_users: int, num_items: int, scaling: Scaling = "mean", *, self_loops: bool = False
    ) -> None:
        self.pairs, self.num_users, self.num_items = pairs, num_users, num_items
        self.num_nodes = num_users + num_items
        self.scaling, self.self_loops = scaling, self_loops
        users, items = pairs[:, 0], pairs[:, 1] + num_users
        self.edges = torch.stack([torch.cat([users, items]), torch.cat([items, users])])
        if self_loops:
            self.edges = torch.cat([self.edges, torch.arange(self.num_nodes).expand(2, -1)], dim=1)

    def __call__(self, x: Tensor) -> Tensor:
        """`[U + I, d] -> [U + I, d]`."""
        if self.scaling != "symmetric":
            return SimpleConv(aggr=self.scaling)(x, self.edges)
        edges, weight = gcn_norm(self.edges, num_nodes=self.num_nodes, add_self_loops=False, dtype=x.dtype)
        return SimpleConv(aggr="sum")(x, edges, weight)

    def edge_subgraph(self, mask: Tensor) -> MessagePassing:
        """The same over the pairs for which `mask` `[E]` is true."""
        return MessagePassing(
            self.pairs[mask], self.num_users, self.num_items, self.scaling, self_loops=self.self_loops
        )

    def to_users(self, x: Tensor) -> Tensor:
        """`[I, d] -> [U, d]`: what the users receive from the items."""
        return self(torch.cat([x.new_zeros(self.num_users, x.shape[1]), x]))[: self.num_users]

    def to_items(self, x: Tensor) -> Tensor:
        """`[U, d] -> [I, d]`: what the items receive from the users."""
        return self(torch.cat([x, x.new_zeros(self.num_items, x.shape[1])]))[self.num_users :]


@contextmanager
def attention_by_message_passing() -> Iterator[None]:
    """While it lasts, `SortedEdges` passes messages edge by edge.

    >>> from graphrec.testing import small_graph
    >>> edges = small_graph().edges_to_users("click")
    >>> logits = torch.zeros(len(edges.source))
    >>> with attention_by_message_passing():
    ...     slow = edges.softmax(logits)
    >>> torch.allclose(slow, edges.softmax(logits))
    True
    """
    with patch.multiple(SortedEdges, dot_products=_dot_products, softmax=_softmax, sum=_sum):
        yield


def _dot_products(edges: SortedEdges, x: Tensor, y: Tensor) -> Tensor:
    return (x[edges.target] * y[edges.source]).sum(1)


def _softmax(edges: SortedEdges, logits: Tensor) -> Tensor:
    # An edge with logit -inf has weight 0. PyG's softmax would give NaN where a node has only such edges.
    finite = logits > -torch.inf
    weights = softmax(logits[finite], edges.target[finite], num_nodes=edges.shape[0])
    return torch.zeros_like(logits).masked_scatter(finite, weights)


def _sum(edges: SortedEdges, weights: Tensor, y: Tensor) -> Tensor:
    index, size = torch.stack([edges.source, edges.target]), edges.shape[::-1]
    return SimpleConv(aggr="sum")((y, None), index, weights, size=size)
