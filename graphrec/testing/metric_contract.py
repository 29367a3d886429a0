"""What every metric must do: keep to its bounds, treat users alike, and reward the better ranking.

A class joins in three lines:

class TestMyMetric(MetricContract):
    metric = "my_module:MyMetric"
"""

from __future__ import annotations

import doctest
import sys
from dataclasses import fields, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from graphrec.data.dataset import Feature
from graphrec.evaluation.metrics import (
    CatalogueMetric,
    GroupBlock,
    ItemCatalogue,
    ListBlock,
    ListMetric,
    Metric,
    RankedHits,
    RankingMetric,
    RatioMetric,
    ShownBlock,
    TruthBlock,
    describe,
    monitors,
    resolve,
)
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.scorer import TableScorer
from graphrec.evaluation.summary import summarise
from graphrec.testing.contract import Contract

USERS, ITEMS, K = 40, 30, 5
SLACK = 1e-9
"""What rounding may make of equal values."""


class MetricContract(Contract):
    """Every test computes the metric on drawn data of its family; those of a ranking are left to ranking metrics.

    A metric that says of itself what is not so fails, here a share that is said to end at one half:

    >>> class Half(resolve(["recall"])[0]):
    ...     bounds = (0.0, 0.5)
    >>> class TestHalf(MetricContract):
    ...     metric = Half
    >>> TestHalf().test_it_has_one_value_a_user(Half)
    >>> TestHalf().test_its_values_are_within_its_bounds(Half)
    Traceback (most recent call last):
    AssertionError...
    """

    metric: ClassVar[str | type[Metric[Any]]]
    """Its registered name, its import path, or the class."""
    monotone: ClassVar[bool] = True
    """False for a metric of a ranking that may fall when a positive moves up."""

    @pytest.fixture
    def kind(self) -> type[Metric[Any]]:
        (kind,) = resolve([self.metric])
        return kind

    # What tables, intervals and early stopping read

    def test_it_has_a_name_a_label_and_a_direction(self, kind: type[Metric[Any]]) -> None:
        assert kind.name and kind.label and kind.family
        assert kind.direction in ("higher", "lower", "nearer 0", "neither")
        assert kind.archived in ("all", "first", "none")

    def test_its_bounds_are_an_interval(self, kind: type[Metric[Any]]) -> None:
        low, high = kind.bounds
        assert low < high

    def test_tables_know_it_by_its_column(self, kind: type[Metric[Any]]) -> None:
        if kind.qualifier == "metric":
            pytest.skip("its columns are named by other metrics")
        qualifier = "visual" if kind.qualifier else ""
        column = describe(kind.column(K, qualifier))
        assert column.metric is kind and column.qualifier == qualifier
        assert column.label == kind.title(K if kind.has_cutoff else "", qualifier)
        assert (column.bounds, column.direction) == (kind.bounds, kind.direction)

    def test_early_stopping_can_watch_it_where_it_says_so(self, kind: type[Metric[Any]]) -> None:
        watched = kind.family == "ranking" and kind.can_monitor and kind.direction == "higher"
        assert (kind.column(K) in monitors((K,), [kind])) == watched

    def test_its_docstring_has_a_summary_a_formula_and_an_example(self, kind: type[Metric[Any]]) -> None:
        assert kind.summary(), "the first line of the docstring says what is computed"
        assert kind.formula(), "an indented block right after the first line gives the formula"
        (test,) = doctest.DocTestFinder(recurse=False).find(kind, kind.__name__, globs=_globals(kind))
        assert test.examples, "the docstring shows an example"

    def test_its_example_runs(self, kind: type[Metric[Any]]) -> None:
        (test,) = doctest.DocTestFinder(recurse=False).find(kind, kind.__name__, globs=_globals(kind))
        failed, _ = doctest.DocTestRunner(verbose=False).run(test)
        assert failed == 0

    # Its values

    def test_its_values_are_within_its_bounds(self, kind: type[Metric[Any]]) -> None:
        low, high = (bound + slack for bound, slack in zip(kind.bounds, (-SLACK, SLACK)))
        for seed in range(5):
            values = _values(kind, _block(kind, seed))
            # Per-user values of a ratio are linearised; only their mean is bounded.
            bounded = np.atleast_1d(np.nanmean(values)) if issubclass(kind, RatioMetric) else values
            assert ((bounded >= low) & (bounded <= high) | np.isnan(bounded)).all()

    def test_the_interval_of_its_mean_is_within_its_bounds(self, kind: type[Metric[Any]]) -> None:
        if kind.qualifier == "metric":
            pytest.skip("its columns are named by other metrics")
        column = kind.column(K, "visual" if kind.qualifier else "")
        wild = pd.DataFrame({"user": range(5), column: [-1e6, -1.0, 0.0, 1.0, 1e6]})
        interval = summarise(wild, wild + 1.0)[column]
        assert kind.bounds[0] <= interval["low"] <= interval["high"] <= kind.bounds[1]

    def test_it_has_one_value_a_user(self, kind: type[Metric[Any]]) -> None:
        block = _block(kind, seed=0)
        values = _values(kind, block)
        assert values.shape == ((_size(block),) if kind.per_user else (1,))
        assert values.dtype.kind == "f"

    def test_computing_it_twice_gives_the_same_bits_and_changes_no_input(self, kind: type[Metric[Any]]) -> None:
        block, untouched = _block(kind, seed=0), _block(kind, seed=0)
        first = _values(kind, block)
        assert np.array_equal(first, _values(kind, block), equal_nan=True)
        assert np.array_equal(first, _values(kind, untouched), equal_nan=True)

    def test_the_order_of_users_does_not_matter(self, kind: type[Metric[Any]]) -> None:
        block = _block(kind, seed=1)
        order = np.random.default_rng(2).permutation(_size(block))
        values, mixed = _values(kind, block), _values(kind, _take(block, order))
        expected = values[order] if kind.per_user else values
        np.testing.assert_allclose(mixed, expected, rtol=1e-9, atol=1e-12)

    def test_a_user_alone_has_the_same_value(self, kind: type[Metric[Any]]) -> None:
        if not kind.per_user or issubclass(kind, RatioMetric):
            pytest.skip("its values belong to all users together")
        block = _block(kind, seed=1)
        values = _values(kind, block)
        for user in range(_size(block)):
            alone = _values(kind, _take(block, np.array([user])))
            np.testing.assert_allclose(alone, values[[user]], rtol=1e-9, atol=1e-12)

    # Rankings

    def test_the_mean_of_a_result_is_that_of_its_users(self, kind: type[Metric[Any]]) -> None:
        column = _ranking_only(kind).column(K)
        scores, positives = _ranking_problem(seed=3)
        table = evaluate(TableScorer(scores), positives, positives[:0], (K,), [kind])
        assert table["user"].tolist() == np.unique(positives[:, 0]).tolist()
        assert summarise(table)[column]["mean"] == pytest.approx(table[column].mean())

    def test_no_ranking_is_better_than_the_perfect_one(self, kind: type[Metric[Any]]) -> None:
        column = _ranking_only(kind).column(K)
        scores, positives = _ranking_problem(seed=4)
        perfect = np.zeros((USERS, ITEMS))
        perfect[positives[:, 0], positives[:, 1]] = 1.0
        best = evaluate(TableScorer(perfect), positives, positives[:0], (K,), [kind])[column].to_numpy()
        for seed in range(20):
            drawn = np.random.default_rng(seed).permuted(scores, axis=1)
            other = evaluate(TableScorer(drawn), positives, positives[:0], (K,), [kind])[column].to_numpy()
            assert (_gain(kind, best, other) > -SLACK).all(), "a drawn ranking is better than the perfect one"

    def test_it_tells_the_perfect_ranking_from_the_worst(self, kind: type[Metric[Any]]) -> None:
        column = _ranking_only(kind).column(K)
        _, positives = _ranking_problem(seed=4)
        perfect = np.zeros((USERS, ITEMS))
        perfect[positives[:, 0], positives[:, 1]] = 1.0
        best, worst = (
            evaluate(TableScorer(sign * perfect), positives, positives[:0], (K,), [kind])[column].mean()
            for sign in (1, -1)
        )
        assert _gain(kind, best, worst) > SLACK

    def test_a_positive_that_moves_up_never_makes_it_worse(self, kind: type[Metric[Any]]) -> None:
        _ranking_only(kind)
        if not self.monotone:
            pytest.skip("it says that it is not monotone")
        for seed in range(50):
            ranks = np.sort(np.random.default_rng(seed).choice(np.arange(1, 12), size=3, replace=False))
            movable = [index for index, rank in enumerate(ranks) if rank > 1 and rank - 1 not in ranks]
            for index in movable:
                moved = ranks.copy()
                moved[index] -= 1
                block = RankedHits.from_ranks([ranks.tolist(), moved.tolist()], length=K)
                before, after = _values(kind, block)
                assert _gain(kind, after, before) > -SLACK, f"ranks {ranks.tolist()} became {moved.tolist()}"


def _globals(kind: type[Metric[Any]]) -> dict[str, Any]:
    return dict(vars(sys.modules[kind.__module__]))


def _ranking_only(kind: type[Metric[Any]]) -> type[Metric[Any]]:
    if not issubclass(kind, RankingMetric) or kind.direction not in ("higher", "lower"):
        pytest.skip("not a metric that a better ranking moves to one end")
    return kind


def _gain(kind: type[Metric[Any]], value: Any, other: Any) -> Any:
    """By how much values are better than others."""
    return value - other if kind.direction == "higher" else other - value


def _values(kind: type[Metric[Any]], block: Any) -> np.ndarray:
    """`[b]` values of a block; `[1]` of a metric of all lists."""
    metric = kind()
    if isinstance(metric, CatalogueMetric):
        items = block.items[:, :K][block.listed[:, :K]]
        return np.array([metric.value(np.bincount(items, minlength=ITEMS), K)])
    if isinstance(metric, ListMetric) and metric.qualifier:
        return metric.qualified_values(block, K, "visual")
    return metric.combine(*metric.terms(block, K))


def _ranking_problem(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores without ties `[U, I]`, and positives of most users."""
    random = np.random.default_rng(seed)
    scores = random.permuted(np.tile(np.arange(float(ITEMS)), (USERS, 1)), axis=1)
    return scores, np.argwhere(random.random((USERS, ITEMS)) < 0.08)


def _block(kind: type[Metric[Any]], seed: int) -> Any:
    """Drawn data of the metric's family."""
    random = np.random.default_rng(seed)
    if kind.family == "ranking":
        counts = random.integers(1, 9, USERS)
        ranks = [np.sort(random.choice(ITEMS, count, replace=False) + 1).tolist() for count in counts]
        return RankedHits.from_ranks(ranks, length=K + 2)
    lists = random.permuted(np.tile(np.arange(ITEMS), (USERS, 1)), axis=1)[:, :K]
    if kind.family == "truth":
        scores, effect = random.random((USERS, ITEMS)), random.random((USERS, ITEMS))
        likes, everything = random.random((USERS, ITEMS)) < effect, np.ones((USERS, ITEMS), dtype=bool)
        return TruthBlock(np.argsort(-scores)[:, :K], scores, everything, likes, effect, np.arange(ITEMS) % 3 == 0)
    if kind.family == "lists":
        feature = Feature(random.standard_normal((ITEMS, 4)).astype(np.float32), np.ones(ITEMS, dtype=bool))
        catalogue = ItemCatalogue(random.integers(0, 50, ITEMS), {"visual": feature})
        return ListBlock(lists, np.ones((USERS, K), dtype=bool), catalogue)
    if kind.family == "off_policy":
        places = np.concatenate([random.choice(ITEMS, 4, replace=False) for _ in range(USERS)])
        liked, rewards = random.random(4 * USERS) < 0.3, random.random(4 * USERS)
        expected = np.cumsum(random.random((USERS, K)), axis=1)
        shown, reachable = np.full(USERS, 4), np.full(USERS, ITEMS)
        return ShownBlock(np.repeat(np.arange(USERS), 4), places, liked, rewards, shown, reachable, expected)
    if kind.family == "item_groups":
        inside = random.random((USERS, K)) < 0.5
        hits = inside & (random.random((USERS, K)) < 0.5)
        return GroupBlock(hits, inside, np.ones((USERS, K), dtype=bool), hits.sum(1) + random.integers(1, 3, USERS))
    return [random.random(USERS) + 0.1 for _ in range(4)]


def _size(block: Any) -> int:
    """The number of users of a block."""
    if isinstance(block, list):
        return len(block[0])
    of_users = {TruthBlock: "lists", ListBlock: "items", ShownBlock: "shown"}.get(type(block), "positives")
    return len(getattr(block, of_users))


def _take(block: Any, users: np.ndarray) -> Any:
    """The block of some of its users, in their order."""
    if isinstance(block, list):
        return [values[users] for values in block]
    if isinstance(block, ShownBlock):
        pairs = np.concatenate([np.flatnonzero(block.rows == user) for user in users])
        rows = np.concatenate([np.full((block.rows == user).sum(), row) for row, user in enumerate(users)])
        of_pairs = {name: getattr(block, name)[pairs] for name in ("places", "liked", "rewards")}
        of_users = {name: getattr(block, name)[users] for name in ("shown", "reachable", "expected")}
        return replace(block, rows=rows, **of_pairs, **of_users)
    shared = ("confounder", "catalogue")
    return replace(block, **{f.name: getattr(block, f.name)[users] for f in fields(block) if f.name not in shared})
