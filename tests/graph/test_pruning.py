"""The edges of an epoch: their number and their distribution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import permutations

import pytest
import torch
from scipy.stats import chisquare

from graphrec.errors import DataError, RecipeError
from graphrec.graph.pruning import degree_sensitive_mask, uniform_mask

PAIRS = torch.tensor([[0, 0], [1, 0], [2, 0], [2, 1], [2, 2]])
"""Item 0 and user 2 have three pairs each, so that pair (2, 0) is the likeliest to go."""
RATE = [3**-0.5, 3**-0.5, 9**-0.5, 3**-0.5, 3**-0.5]
DRAWS = 4_000


def kept_sets(draw: Callable[[torch.Generator], torch.Tensor]) -> Counter[tuple[int, ...]]:
    generator = torch.Generator().manual_seed(3)
    return Counter(tuple(draw(generator).nonzero().squeeze(1).tolist()) for _ in range(DRAWS))


def chance_of_sets(rate: list[float], size: int) -> dict[tuple[int, ...], float]:
    """The law of drawing pairs one after the other without replacement, by enumeration."""
    law: dict[tuple[int, ...], float] = {}
    for order in permutations(range(len(rate)), size):
        chance, left = 1.0, sum(rate)
        for pair in order:
            chance, left = chance * rate[pair] / left, left - rate[pair]
        law[tuple(sorted(order))] = law.get(tuple(sorted(order)), 0.0) + chance
    return law


def fit(counts: Counter[tuple[int, ...]], law: dict[tuple[int, ...], float]) -> float:
    assert set(counts) <= set(law)
    return chisquare([counts[edges] for edges in law], [DRAWS * chance for chance in law.values()]).pvalue


def test_the_law_is_that_of_drawing_without_replacement() -> None:
    counts = kept_sets(lambda generator: degree_sensitive_mask(PAIRS, 3, 3, 0.4, generator))
    assert fit(counts, chance_of_sets(RATE, 3)) > 1e-3
    assert fit(counts, chance_of_sets([1.0] * 5, 3)) < 1e-6, "the test distinguishes the two distributions"


def test_uniform_dropout_keeps_every_set_equally_often() -> None:
    counts = kept_sets(lambda generator: uniform_mask(5, 0.4, generator))
    assert fit(counts, chance_of_sets([1.0] * 5, 3)) > 1e-3


@pytest.mark.parametrize(("drop", "left"), [(0.0, 1000), (0.1, 900), (0.8, 200), (0.9, 100), (0.9994, 1)])
def test_the_share_of_remaining_pairs_is_exact(drop: float, left: int) -> None:
    pairs = torch.stack([torch.arange(1000) % 40, torch.arange(1000) // 40], dim=1)
    generator = torch.Generator().manual_seed(0)
    for keep in (degree_sensitive_mask(pairs, 40, 25, drop, generator), uniform_mask(1000, drop, generator)):
        assert keep.dtype == torch.bool and keep.shape == (1000,)
        assert int(keep.sum()) == left


def test_the_generator_decides() -> None:
    draws = [
        degree_sensitive_mask(PAIRS, 3, 3, 0.6, torch.Generator().manual_seed(seed)) for seed in (1, 1, *range(2, 9))
    ]
    assert torch.equal(draws[0], draws[1])
    assert any(not torch.equal(draws[0], other) for other in draws[2:])


def test_no_pairs_at_all() -> None:
    nothing = torch.empty(0, 2, dtype=torch.int64)
    assert degree_sensitive_mask(nothing, 3, 3, 0.5, torch.Generator()).shape == (0,)


@pytest.mark.parametrize("drop", [-0.1, 1.0, float("nan")])
def test_a_share_out_of_range_is_refused(drop: float) -> None:
    for draw in (
        lambda: degree_sensitive_mask(PAIRS, 3, 3, drop, torch.Generator()),
        lambda: uniform_mask(5, drop, torch.Generator()),
    ):
        with pytest.raises(RecipeError, match="0 <= drop < 1"):
            draw()


@pytest.mark.parametrize("pair", [[-1, 0], [3, 0], [0, 3]])
def test_a_pair_out_of_range_is_refused(pair: list[int]) -> None:
    with pytest.raises(DataError, match="users 0 to 2, items 0 to 2"):
        degree_sensitive_mask(torch.cat([PAIRS, torch.tensor([pair])]), 3, 3, 0.5, torch.Generator())
