"""Propagation over some of the pairs, and one half of a step, against the whole."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphrec.errors import DataError
from graphrec.graph.propagator import Propagator, Scaling

NUM_USERS, NUM_ITEMS = 6, 9
RANDOM = torch.Generator().manual_seed(0)
PAIRS = (torch.rand(NUM_USERS - 1, NUM_ITEMS - 1, generator=RANDOM) < 0.5).nonzero()
PAIRS = PAIRS[torch.randperm(len(PAIRS), generator=RANDOM)]
"""In no order; the last user and the last item have none."""
KEEP = torch.rand(len(PAIRS), generator=RANDOM) < 0.5

everywhere = pytest.mark.parametrize("scaling", ["sum", "mean", "symmetric"])
with_loops = pytest.mark.parametrize("self_loops", [False, True])


def propagator(scaling: Scaling, self_loops: bool, pairs: Tensor = PAIRS) -> Propagator:
    return Propagator(pairs, NUM_USERS, NUM_ITEMS, scaling, self_loops=self_loops)


def table(rows: int = NUM_USERS + NUM_ITEMS) -> Tensor:
    return torch.randn(rows, 3, dtype=torch.float64, requires_grad=True)


def assert_same(left: Propagator, other: Propagator) -> None:
    """Equal outputs and gradients of the whole step and of both halves."""
    for name, rows in (("__call__", NUM_USERS + NUM_ITEMS), ("to_users", NUM_ITEMS), ("to_items", NUM_USERS)):
        x = table(rows)
        ours, theirs = getattr(left, name)(x), getattr(other, name)(x)
        assert torch.equal(ours, theirs), name
        upstream = torch.randn_like(ours)
        assert torch.equal(*(torch.autograd.grad(y, x, upstream)[0] for y in (ours, theirs))), name


@everywhere
@with_loops
def test_a_subgraph_propagates_as_a_graph_of_its_pairs_alone(scaling: Scaling, self_loops: bool) -> None:
    whole = propagator(scaling, self_loops)
    part = whole.edge_subgraph(KEEP)
    assert_same(part, propagator(scaling, self_loops, PAIRS[KEEP]))
    assert_same(whole, propagator(scaling, self_loops))
    again = torch.arange(part.num_pairs) % 2 == 0
    assert_same(part.edge_subgraph(again), propagator(scaling, self_loops, PAIRS[KEEP][again]))


@with_loops
def test_a_mask_may_keep_all_pairs_or_none(self_loops: bool) -> None:
    whole = propagator("symmetric", self_loops)
    assert_same(whole.edge_subgraph(torch.ones_like(KEEP)), whole)
    assert_same(whole.edge_subgraph(torch.zeros_like(KEEP)), propagator("symmetric", self_loops, PAIRS[:0]))


def test_a_subgraph_does_not_reuse_the_half_steps_of_the_whole_graph() -> None:
    whole = propagator("mean", False)
    x = table(NUM_ITEMS)
    before = whole.to_users(x)
    assert not torch.equal(whole.edge_subgraph(KEEP).to_users(x), before)
    assert torch.equal(whole.to("cpu").to_users(x), before)


@pytest.mark.parametrize("keep", [KEEP[1:], KEEP.long(), KEEP.unsqueeze(1), KEEP.nonzero().squeeze(1)])
def test_a_mask_of_another_form_is_refused(keep: Tensor) -> None:
    with pytest.raises(DataError, match="a mask of training pairs"):
        propagator("mean", False).edge_subgraph(keep)


@everywhere
@with_loops
def test_a_half_step_gives_what_the_whole_step_brings_from_the_other_side(scaling: Scaling, self_loops: bool) -> None:
    propagate = propagator(scaling, self_loops)
    users, items = table(NUM_USERS), table(NUM_ITEMS)
    none = torch.zeros(NUM_USERS, 3, dtype=torch.float64), torch.zeros(NUM_ITEMS, 3, dtype=torch.float64)
    for half, whole, x in (
        (propagate.to_users(items), propagate(torch.cat([none[0], items]))[:NUM_USERS], items),
        (propagate.to_items(users), propagate(torch.cat([users, none[1]]))[NUM_USERS:], users),
    ):
        assert half.abs().sum() > 0
        assert torch.equal(half, whole)
        upstream = torch.randn_like(half)
        ours, theirs = (torch.autograd.grad(y, x, upstream)[0] for y in (half, whole))
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


@everywhere
def test_without_self_loops_the_halves_are_the_rows_of_the_whole_step(scaling: Scaling) -> None:
    propagate, x = propagator(scaling, False), table()
    users, items = x[:NUM_USERS], x[NUM_USERS:]
    assert torch.equal(torch.cat([propagate.to_users(items), propagate.to_items(users)]), propagate(x))


@everywhere
def test_gradients_of_a_half_step_agree_with_finite_differences(scaling: Scaling) -> None:
    propagate = propagator(scaling, True).edge_subgraph(KEEP)
    assert torch.autograd.gradcheck(propagate.to_users, table(NUM_ITEMS))
    assert torch.autograd.gradcheck(propagate.to_items, table(NUM_USERS))
