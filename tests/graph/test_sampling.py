"""Negative samplers: what they may draw, and how evenly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor

from graphrec.errors import DataError
from graphrec.graph.sampling import ComplementSampler, MemberSampler, MixedSampler, negative_sampler

NUM_USERS, NUM_ITEMS = 6, 9
CLICKS = torch.tensor(
    [
        [0, 0],
        [0, 1],
        [0, 8],
        [1, 4],
        [2, 3],
        [2, 4],
        [2, 5],
        [4, 0],
        [4, 2],
        [4, 7],
        *([5, i] for i in range(9)),
    ]
)
LIKES = torch.tensor([[0, 1], [1, 4], [2, 3], [2, 5], [4, 0], [4, 2], [4, 7], [5, 0]])
"""User 3 has nothing; users 1 and 4 like all that they clicked; user 5 clicked everything."""


def draws(sampler, user: int, count: int = 4000, seed: int = 0) -> np.ndarray:
    users = torch.full((count,), user)
    return sampler.sample(users, torch.Generator().manual_seed(seed)).numpy()


def row(pairs: Tensor, user: int) -> set[int]:
    return set(pairs[pairs[:, 0] == user, 1].tolist())


def assert_uniform(drawn: np.ndarray, allowed: set[int]) -> None:
    values, counts = np.unique(drawn, return_counts=True)
    assert set(values.tolist()) == allowed
    assert chisquare(counts).pvalue > 0.01


@pytest.mark.parametrize("user", [0, 1, 2, 3, 4])
def test_the_complement_is_drawn_evenly_and_a_member_never(user: int) -> None:
    sampler = ComplementSampler(CLICKS, NUM_USERS, NUM_ITEMS)
    assert_uniform(draws(sampler, user), set(range(NUM_ITEMS)) - row(CLICKS, user))


def test_the_complement_of_large_random_rows_has_no_member() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.random((300, 500)) < rng.random((300, 1))
    matrix[:, 0] = False
    pairs = torch.from_numpy(np.argwhere(matrix))
    users = torch.from_numpy(rng.integers(300, size=50_000))
    items = ComplementSampler(pairs, 300, 500).sample(users, torch.Generator().manual_seed(0))
    assert not matrix[users, items].any()
    assert items.min() >= 0 and items.max() < 500


def test_a_user_who_has_every_item_is_a_data_error() -> None:
    sampler = ComplementSampler(CLICKS, NUM_USERS, NUM_ITEMS)
    with pytest.raises(DataError, match="1 such users, the first with dense number 5"):
        sampler.sample(torch.tensor([0, 5]), torch.Generator())


def test_members_are_drawn_evenly_and_empty_rows_by_the_other_sampler() -> None:
    otherwise = ComplementSampler(LIKES, NUM_USERS, NUM_ITEMS)
    sampler = MemberSampler(CLICKS, NUM_USERS, otherwise)
    for user in (0, 2, 5):
        assert_uniform(draws(sampler, user), row(CLICKS, user))
    assert_uniform(draws(sampler, 3), set(range(NUM_ITEMS)))


def test_a_user_with_every_item_needs_no_complement_while_there_are_members() -> None:
    full = ComplementSampler(CLICKS, NUM_USERS, NUM_ITEMS)
    drawn = draws(MemberSampler(CLICKS, NUM_USERS, full), 5)
    assert_uniform(drawn, set(range(NUM_ITEMS)))


def test_mixed_takes_half_from_each() -> None:
    nobody = ComplementSampler(torch.tensor([[0, 0]]), 1, 1)
    first, second = (MemberSampler(torch.tensor([[0, item]]), 1, nobody) for item in (3, 7))
    drawn = draws(MixedSampler(first, second), 0)
    assert set(drawn.tolist()) == {3, 7}
    assert abs((drawn == 3).mean() - 0.5) < 0.03


@pytest.mark.parametrize(
    ("kind", "user", "allowed"),
    [
        ("unclicked", 0, set(range(9)) - {0, 1, 8}),
        ("unliked", 0, set(range(9)) - {1}),
        ("clicked", 0, {0, 8}),
        ("clicked", 5, set(range(1, 9))),
        ("clicked", 4, set(range(9)) - {0, 2, 7}),
        ("clicked", 3, set(range(9))),
        ("mixed", 2, set(range(9)) - {3, 5}),
        ("mixed", 1, set(range(9)) - {4}),
    ],
)
def test_each_kind_draws_what_it_promises(kind, user: int, allowed: set[int]) -> None:
    sampler = negative_sampler(kind, CLICKS, LIKES, NUM_USERS, NUM_ITEMS)
    assert set(draws(sampler, user).tolist()) == allowed


def test_mixed_is_half_clicked_and_half_unclicked() -> None:
    sampler = negative_sampler("mixed", CLICKS, LIKES, NUM_USERS, NUM_ITEMS)
    drawn = draws(sampler, 0)
    clicked = np.isin(drawn, [0, 8])
    assert abs(clicked.mean() - 0.5) < 0.03
    assert_uniform(drawn[clicked], {0, 8})
    assert_uniform(drawn[~clicked], set(range(9)) - {0, 1, 8})


@pytest.mark.parametrize("kind", ["clicked", "mixed"])
def test_without_clicks_that_are_not_likes_the_unclicked_serve(kind) -> None:
    sampler = negative_sampler(kind, LIKES, LIKES, NUM_USERS, NUM_ITEMS)
    for user in range(NUM_USERS):
        assert set(draws(sampler, user).tolist()) == set(range(NUM_ITEMS)) - row(LIKES, user)


def test_the_same_generator_state_gives_the_same_draws() -> None:
    sampler = negative_sampler("mixed", CLICKS, LIKES, NUM_USERS, NUM_ITEMS)
    assert (draws(sampler, 2, seed=4) == draws(sampler, 2, seed=4)).all()
    assert (draws(sampler, 2, seed=4) != draws(sampler, 2, seed=5)).any()
