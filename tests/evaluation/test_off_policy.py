"""Off-policy estimates in a world whose every like is known: unbiased, and intervals that cover as they say."""

from __future__ import annotations

import numpy as np
import pytest

from graphrec.data.exposures import Exposures
from graphrec.evaluation.intervals import interval
from graphrec.evaluation.off_policy import off_policy_values
from graphrec.evaluation.scorer import TableScorer

ITEMS, K, SHOWN = 40, 8, 12
ESTIMATES = [f"{name}@{K}" for name in ("ips", "snips", "dr")]


def world(seed: int, users: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray, Exposures]:
    """P(like) `[U, I]`, scores that know a part of it, the pairs that cannot be listed, and a random showing.

    The last five items are never shown to anyone, and scored highest by everyone.
    """
    rng = np.random.default_rng(seed)
    quality = np.linspace(-2.5, 1.0, ITEMS)  # the same in every world: the users are its sample
    chance = 1 / (1 + np.exp(-(quality + rng.standard_normal((users, ITEMS)))))
    scores = np.log(chance) + rng.standard_normal((users, ITEMS))
    scores[:, -5:] += 10
    kind = rng.random((users, ITEMS))
    excluded = np.argwhere(kind < 0.1)
    pool = np.arange(ITEMS) < ITEMS - 5
    pairs = []
    for user in range(users):
        free = np.flatnonzero(pool & (kind[user] >= 0.1))
        pairs += [(user, item) for item in np.sort(rng.choice(free, SHOWN, replace=False))]
    pairs = np.array(pairs)
    liked = rng.random(len(pairs)) < chance[pairs[:, 0], pairs[:, 1]]
    return chance, scores, excluded, Exposures(pairs, liked, excluded, pool)


def true_value(chance: np.ndarray, scores: np.ndarray, exposures: Exposures) -> float:
    masked = np.where(exposures.pool, scores, -np.inf)
    masked[exposures.excluded[:, 0], exposures.excluded[:, 1]] = -np.inf
    best = np.argsort(-masked, axis=1)[:, :K]
    return float(np.take_along_axis(chance, best, 1).mean())


def estimate(scores: np.ndarray, exposures: Exposures, cutoffs: tuple[int, ...] = (K,), bytes_per_user: int = 10**6):
    return off_policy_values(TableScorer(scores, bytes_per_user=bytes_per_user), exposures, cutoffs)


def test_estimates_are_unbiased_and_their_intervals_cover_the_truth() -> None:
    chance, scores, _, exposures = world(10_000, users=4000)
    target = true_value(chance, scores, exposures)
    inside, estimates = np.zeros(3), []
    trials = 100
    for trial in range(trials):
        _, scores, _, exposures = world(trial, users=100)
        table = estimate(scores, exposures)
        estimates.append([table[name].mean() for name in ESTIMATES])
        for number, name in enumerate(ESTIMATES):
            low, high = interval(table[name].to_numpy(), resamples=200, seed=trial)
            inside[number] += low <= target <= high
    estimates = np.array(estimates)
    error, spread = estimates.mean(0) - target, estimates.std(0)
    assert (np.abs(error) < 4 * spread / np.sqrt(trials)).all(), (error, spread)
    assert ((inside / trials > 0.88) & (inside / trials < 0.995)).all(), inside / trials
    assert spread[1] < spread[0] and spread[2] < spread[0], "self-normalisation and the reward model pay here"


def test_the_naive_like_rate_of_what_was_shown_is_not_the_policys_value() -> None:
    """The test can fail: what it recovers is far from the showing's own rate, and from that of unreachable lists."""
    chance, scores, _, exposures = world(0, users=3000)
    value = true_value(chance, scores, exposures)
    assert abs(exposures.liked.mean() - value) > 0.05
    table = estimate(scores, exposures)
    for name in ESTIMATES:
        low, high = interval(table[name].to_numpy())
        assert low < value < high


def test_where_everything_was_shown_every_estimate_is_the_precision_of_the_lists() -> None:
    _, scores, _, _ = world(1, users=20)
    rng = np.random.default_rng(1)
    pairs = np.array([(user, item) for user in range(20) for item in range(ITEMS)])
    liked = rng.random(len(pairs)) < 0.3
    everything = Exposures(pairs, liked, np.empty((0, 2), dtype=np.int64), np.ones(ITEMS, dtype=bool))
    table = estimate(scores, everything)
    best = np.argsort(-scores, axis=1)[:, :K]
    precision = np.take_along_axis(liked.reshape(20, ITEMS), best, 1).mean(1)
    assert table[f"ips@{K}"].to_numpy() == pytest.approx(precision)
    assert table[f"dr@{K}"].to_numpy() == pytest.approx(precision)
    assert table[f"snips@{K}"].to_numpy() == pytest.approx(precision)


def test_by_hand() -> None:
    """One user, four candidates, list {0, 1}; shown 1 (liked) and 3: w = 4 / 2 on the list, IPS = 2 / 2, SNIPS = 1."""
    exposures = Exposures(
        np.array([(0, 1), (0, 3)]), np.array([True, False]), np.array([(0, 4)]), np.array([True] * 5 + [False])
    )
    scores = np.array([[3.0, 2.0, 1.0, 0.0, 9.0, 9.0]])
    row = estimate(scores, exposures, (2, 100)).iloc[0]
    assert row["shown"] == 2
    assert row["ips@2"] == 1 and row["snips@2"] == 1
    assert row["dr@2"] == 1, "no other fold: the reward model is 0"
    assert row["ips@100"] == 0.5, "a list of all four candidates, half of whose shown ones were liked"


def test_blocks_and_the_order_of_pairs_change_nothing_and_values_lie_within_reason() -> None:
    _, scores, _, exposures = world(2, users=60)
    shuffled = np.random.default_rng(0).permutation(len(exposures.pairs))
    mixed = Exposures(exposures.pairs[shuffled], exposures.liked[shuffled], exposures.excluded, exposures.pool)
    plain, reordered = estimate(scores, exposures), estimate(scores, mixed, bytes_per_user=2**26)
    assert np.allclose(plain.to_numpy(float), reordered.to_numpy(float))
    assert plain[f"ips@{K}"].between(0, ITEMS / K).all()


def test_lists_that_were_never_shown_have_no_snips() -> None:
    exposures = Exposures(
        np.array([(0, 2), (1, 2)]), np.array([True, True]), np.empty((0, 2), dtype=np.int64), np.array([True] * 3)
    )
    table = estimate(np.array([[3.0, 2.0, 1.0]] * 2), exposures, (1,))
    assert table["snips@1"].isna().all() and (table["ips@1"] == 0).all()
