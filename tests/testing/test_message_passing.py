"""The slow ways of message passing that backbones are held to answer as the fast ones do."""

from __future__ import annotations

import pytest
import torch

from graphrec.testing import small_graph
from graphrec.testing.message_passing import MessagePassing, attention_by_message_passing


@pytest.mark.parametrize("scaling", ["sum", "mean", "symmetric"])
@pytest.mark.parametrize("self_loops", [False, True])
def test_message_passing_answers_as_the_propagator_does(scaling: str, self_loops: bool) -> None:
    graph = small_graph()
    pairs, users, items = graph.pairs("click"), graph.num_users, graph.num_items
    fast = graph.propagator("click", scaling, self_loops=self_loops)
    slow = MessagePassing(pairs, users, items, scaling, self_loops=self_loops)
    x = torch.randn(users + items, 3, dtype=torch.float64)
    keep = torch.arange(len(pairs)) % 3 > 0
    for propagator, message_passing in ((fast, slow), (fast.edge_subgraph(keep), slow.edge_subgraph(keep))):
        torch.testing.assert_close(propagator(x), message_passing(x))
        torch.testing.assert_close(propagator.to_users(x[users:]), message_passing.to_users(x[users:]))
        torch.testing.assert_close(propagator.to_items(x[:users]), message_passing.to_items(x[:users]))
    assert not torch.equal(fast(x), fast.edge_subgraph(keep)(x))


def test_attention_by_message_passing_answers_as_sorted_edges_do() -> None:
    edges = small_graph().edges_to_users("click")
    x, y = (torch.randn(size, 3, dtype=torch.float64, requires_grad=True) for size in edges.shape)

    def answers() -> list[torch.Tensor]:
        logits = edges.dot_products(x, y).masked_fill(edges.source % 3 == 0, -torch.inf)
        weights = edges.softmax(logits)
        heard = edges.sum(weights, y)
        return [weights, heard, *torch.autograd.grad(heard.square().sum(), (x, y))]

    fast = answers()
    with attention_by_message_passing():
        slow = answers()
    for answer, expected in zip(fast, slow):
        torch.testing.assert_close(answer, expected)
    assert [type(tensor.grad_fn) for tensor in fast[:2]] != [type(tensor.grad_fn) for tensor in slow[:2]]
    assert torch.equal(answers()[1], fast[1]), "it ends with the block"
