"""Every registered metric keeps the contract, and the contract notices metrics that do not."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from graphrec.evaluation.metrics import Metric, RankedHits, RankingMetric, metrics
from graphrec.testing import MetricContract


@pytest.mark.parametrize("name", sorted(metrics))
class TestEveryMetric(MetricContract):
    @pytest.fixture
    def kind(self, name: str) -> type[Metric[Any]]:
        return metrics.get(name)


class Negative(RankingMetric):
    """Below its bounds.

        minus 1 for everyone

    Example:
        >>> 1 + 1
        3
    """

    name: ClassVar[str] = "negative_one"
    label: ClassVar[str] = "Negative"

    def values(self, block: RankedHits, k: int) -> np.ndarray:
        return np.full(len(block.positives), -1.0)


class Backwards(RankingMetric):
    """No formula and no example."""

    name: ClassVar[str] = "backwards"
    label: ClassVar[str] = "Backwards"

    def values(self, block: RankedHits, k: int) -> np.ndarray:
        return 1.0 - block.hits[:, :k].mean(1)


class Constant(RankingMetric):
    """One half for every ranking.

    1 / 2
    """

    name: ClassVar[str] = "constant"
    label: ClassVar[str] = "Constant"

    def values(self, block: RankedHits, k: int) -> np.ndarray:
        return np.full(len(block.positives), 0.5)


class InOrder(RankingMetric):
    """Depends on the other users of the block.

    the number of users before this one
    """

    name: ClassVar[str] = "in_order"
    label: ClassVar[str] = "In order"

    def values(self, block: RankedHits, k: int) -> np.ndarray:
        return np.arange(len(block.positives)) / len(block.positives)


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (Negative, "test_its_values_are_within_its_bounds"),
        (Negative, "test_its_example_runs"),
        (Constant, "test_it_tells_the_perfect_ranking_from_the_worst"),
        (Backwards, "test_its_docstring_has_a_summary_a_formula_and_an_example"),
        (Backwards, "test_no_ranking_is_better_than_the_perfect_one"),
        (Backwards, "test_a_positive_that_moves_up_never_makes_it_worse"),
        (InOrder, "test_the_order_of_users_does_not_matter"),
        (InOrder, "test_a_user_alone_has_the_same_value"),
    ],
)
def test_a_metric_that_breaks_the_contract_is_noticed(kind: type[Metric[Any]], broken: str) -> None:
    with pytest.raises(AssertionError):
        getattr(MetricContract(), broken)(kind)


@pytest.mark.parametrize("kind", [Negative, Backwards, InOrder])
def test_what_is_right_about_it_passes(kind: type[Metric[Any]]) -> None:
    MetricContract().test_it_has_a_name_a_label_and_a_direction(kind)
    MetricContract().test_its_bounds_are_an_interval(kind)
