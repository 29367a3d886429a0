"""The propagator's steps by PyG's message passing over an edge list: slow, and independent of the sparse products."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.nn import SimpleConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphrec.graph.propagator import Scaling


class MessagePassing:
    """Stands in for `graphrec.graph.propagator.Propagator` in a test, with the same arguments and calls."""

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

    def kept(self, keep: Tensor) -> MessagePassing:
        """The same over the pairs for which `keep` `[E]` is true."""
        return MessagePassing(
            self.pairs[keep], self.num_users, self.num_items, self.scaling, self_loops=self.self_loops
        )

    def to_users(self, x: Tensor) -> Tensor:
        """`[I, d] -> [U, d]`: what the users hear of the items."""
        return self(torch.cat([x.new_zeros(self.num_users, x.shape[1]), x]))[: self.num_users]

    def to_items(self, x: Tensor) -> Tensor:
        """`[U, d] -> [I, d]`: what the items hear of the users."""
        return self(torch.cat([x, x.new_zeros(self.num_items, x.shape[1])]))[self.num_users :]
