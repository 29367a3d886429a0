"""Numbers in tables are written one way, and a winner is named only where the intervals allow it."""

from __future__ import annotations

import pandas as pd
import pytest

from graphrec.report.tables import (
    best_row,
    cell,
    clear_best,
    markdown,
    metric_label,
    metric_names,
    metric_rows,
    number,
    rivals,
)

NAN = float("nan")


def table_of(metric, *intervals):
    """Rows of (low, mean, high)."""
    return pd.DataFrame(
        [{"method": f"m{n}", metric: mean, f"{metric}_low": low, f"{metric}_high": high}
         for n, (low, mean, high) in enumerate(intervals)]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0712, ".0712"),
        (0.0, ".0000"),
        (1.0, "1.0000"),
        (0.99999, "1.0000"),
        (-0.05, "-.0500"),
        (-10.5, "-10.5000"),
        (10.25, "10.2500"),
        (NAN, "–"),
    ],
)
def test_a_number_loses_its_leading_zero_and_nothing_else(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("ndcg@50", "NDCG@50"),
        ("recall@20", "Recall@20"),
        ("mrr", "MRR"),
        ("ndcg_do@50", "NDCG@50 (do)"),
        ("regret_do@50", "Regret@50 (do)"),
        ("rank_correlation_do", "Rank correlation (do)"),
        ("leakage_do", "Leakage (do)"),
    ],
)
def test_metrics_are_named_as_papers_name_them(name, label):
    assert metric_label(name) == label


def test_the_best_is_clear_only_when_its_interval_meets_no_other():
    clear = table_of("ndcg@50", (0.1, 0.2, 0.3), (0.31, 0.4, 0.5), (0.0, 0.1, 0.2))
    assert clear_best(clear, "ndcg@50") == 1
    touching = table_of("ndcg@50", (0.1, 0.2, 0.31), (0.31, 0.4, 0.5))
    assert best_row(touching, "ndcg@50") == 1
    assert rivals(touching, "ndcg@50", 1) == [0]
    assert clear_best(touching, "ndcg@50") is None


def test_a_row_that_is_clear_of_its_runner_up_must_also_be_clear_of_wide_intervals():
    table = table_of("ndcg@50", (0.38, 0.4, 0.42), (0.2, 0.3, 0.37), (0.0, 0.2, 0.45))
    assert clear_best(table, "ndcg@50") is None


def test_regret_is_better_the_lower_it_is():
    assert clear_best(table_of("regret_do@50", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)), "regret_do@50") == 0


def test_leakage_is_better_the_nearer_it_is_to_zero_from_either_side():
    table = table_of("leakage_do", (-0.5, -0.4, -0.3), (-0.1, 0.05, 0.1), (0.2, 0.3, 0.4))
    assert clear_best(table, "leakage_do") == 1
    assert best_row(table.drop(index=1), "leakage_do") == 2


def test_nothing_is_clear_without_a_rival_or_without_an_interval():
    assert clear_best(table_of("mrr", (0.1, 0.2, 0.3)), "mrr") is None
    assert clear_best(table_of("mrr", (NAN, 0.9, NAN), (0.1, 0.2, 0.3)), "mrr") is None
    assert clear_best(table_of("mrr", (0.8, 0.9, 1.0), (NAN, 0.2, NAN)), "mrr") is None
    assert clear_best(table_of("mrr", (0.8, 0.9, 1.0), (NAN, NAN, NAN)), "mrr") is None
    assert best_row(table_of("mrr", (NAN, NAN, NAN)), "mrr") is None


def test_rows_hold_mean_and_interval_and_a_dash_for_what_was_not_measured():
    table = table_of("ndcg@50", (0.1, 0.2, 0.3), (NAN, NAN, NAN))
    assert metric_names(table) == ["ndcg@50"]
    headers, rows = metric_rows(table)
    assert headers == ["method", "NDCG@50"]
    assert rows == [("m0", ".2000 [.1000, .3000]"), ("m1", "–")]
    assert cell(table.iloc[0], "ndcg@50") == ".2000 [.1000, .3000]"


def test_a_name_cannot_break_a_markdown_table():
    table = table_of("mrr", (0.1, 0.2, 0.3)).assign(method="a|b\nc")
    lines = markdown(table).splitlines()
    assert len(lines) == 3
    assert lines[2] == "| a\\|b c | .2000 [.1000, .3000] |"
