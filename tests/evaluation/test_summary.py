"""Summaries of per-user values: means, intervals, and where these end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from graphrec.evaluation.summary import summarise


def test_a_summary_averages_over_the_users_that_have_the_value() -> None:
    table = pd.DataFrame(
        {"user": [0, 1, 2], "positives": [1, 2, 3], "recall@5": [0.0, 1.0, 0.5], "x": [1.0, np.nan, 0.0]}
    )
    summary = summarise(table)
    assert summary.keys() == {"recall@5", "x"}
    assert summary["recall@5"]["mean"] == 0.5 and summary["recall@5"]["users"] == 3
    assert summary["x"]["mean"] == 0.5 and summary["x"]["users"] == 2
    assert summary["x"]["low"] <= 0.5 <= summary["x"]["high"]


def test_the_summary_of_several_seeds_is_over_users_and_seeds() -> None:
    rng = np.random.default_rng(0)
    users = np.arange(200)
    taste = rng.random(200)
    tables = [pd.DataFrame({"user": users, "x": taste + shift}) for shift in (-0.2, 0.0, 0.2)]
    alone, together = summarise(tables[1])["x"], summarise(*tables)["x"]
    assert together["mean"] == pytest.approx(alone["mean"])
    assert together["low"] < alone["low"] and alone["high"] < together["high"]
    same = summarise(tables[1], tables[1], tables[1])["x"]
    assert (same["low"], same["high"]) == pytest.approx((alone["low"], alone["high"]), abs=0.05 * taste.std())


def test_an_interval_over_seeds_ends_where_the_metric_does() -> None:
    tables = [
        pd.DataFrame({name: np.full(20, mean) for name in ("recall@5", "regret_do@50", "leakage_do", "popularity@5")})
        for mean in (0.01, 0.02, 0.9)
    ]
    lows = {name: estimate["low"] for name, estimate in summarise(*tables).items()}
    assert lows["recall@5"] == lows["regret_do@50"] == lows["popularity@5"] == 0 and -1 < lows["leakage_do"] < 0
    far = summarise(*(10 * table for table in tables))
    assert far["leakage_do"]["low"] == -1 and far["popularity@5"]["high"] > 9, "a count has no bound above"


@pytest.mark.parametrize(
    ("metric", "least", "greatest"),
    [("recall@50", 0.0, 1.0), ("ndcg_do@50", 0.0, 1.0), ("normalised_recall@50", 0.0, None), ("leakage_do", -1.0, 1.0)],
)
@pytest.mark.parametrize("seeds", [1, 3])
def test_an_interval_ends_where_the_metric_does(metric: str, least: float, greatest: float | None, seeds: int) -> None:
    for centre, end, bound in ((least, "low", least), (1.0, "high", greatest)):
        values = centre + np.linspace(-1.5, 1.5, 5 * seeds).reshape(seeds, 5)
        estimate = summarise(*(pd.DataFrame({"user": range(5), metric: of_seed}) for of_seed in values))[metric]
        assert estimate[end] == bound if bound is not None else estimate[end] > 1.0
