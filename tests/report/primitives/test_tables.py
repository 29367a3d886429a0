"""Numbers in tables are written one way, and a winner is named only where the tests allow it."""

from __future__ import annotations

import pandas as pd
import pytest

from graphrec.report.primitives.tables import (
    best_row,
    cell,
    clear_best,
    markdown,
    metric_label,
    metric_names,
    metric_rows,
    number,
    pair_rows,
    rivals,
    with_p,
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
        (-0.00001, ".0000"),
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
        ("map@20", "MAP@20"),
        ("snips@20", "SNIPS@20"),
        ("normalised_recall@20", "Normalised recall@20"),
        ("intra_list_similarity_visual@20", "Intra-list similarity visual@20"),
        ("concentration_visual@20", "Intra-list similarity visual@20"),
    ],
)
def test_metrics_are_named_as_papers_name_them(name, label):
    assert metric_label(name) == label


def pair_tests_of(metric, p):
    """Tests of pairs of rows, with the given corrected p."""
    rows = [
        {
            "metric": metric,
            "first": a,
            "second": b,
            "difference": 0.1,
            "low": 0.05,
            "high": 0.2,
            "p": q,
            "wilcoxon_p": q,
        }
        for (a, b), q in p.items()
    ]
    return pd.DataFrame(rows, columns=["metric", "first", "second", "difference", "low", "high", "p", "wilcoxon_p"])


def test_the_best_is_clear_only_when_it_differs_from_every_other():
    table = table_of("ndcg@50", (0.1, 0.2, 0.3), (0.31, 0.4, 0.5), (0.0, 0.1, 0.2))
    clear = pair_tests_of("ndcg@50", {(0, 1): 0.01, (1, 2): 0.04, (0, 2): 0.9})
    assert clear_best(table, "ndcg@50", clear) == 1
    for pair in ((0, 1), (1, 2)):
        doubtful = pair_tests_of("ndcg@50", {(0, 1): 0.01, (1, 2): 0.04, (0, 2): 0.01} | {pair: 0.05})
        assert clear_best(table, "ndcg@50", doubtful) is None, "intervals that are apart do not make a winner"


def test_intervals_that_meet_do_not_hide_a_paired_difference():
    table = table_of("ndcg@50", (0.1, 0.2, 0.31), (0.21, 0.3, 0.4))
    assert clear_best(table, "ndcg@50", pair_tests_of("ndcg@50", {(0, 1): 0.001})) == 1


def test_a_row_that_was_not_tested_is_no_competitor():
    table = table_of("ndcg@50", (0.8, 0.9, 1.0), (0.1, 0.2, 0.3), (0.3, 0.4, 0.5))
    tests = pair_tests_of("ndcg@50", {(1, 2): 0.01})
    assert clear_best(table, "ndcg@50", tests) == 2, "the oracle at the top competes with none"
    best, against = rivals(table, "ndcg@50", tests)
    assert best == 2 and len(against) == 1


def test_regret_is_better_the_lower_it_is():
    table = table_of("regret_do@50", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert clear_best(table, "regret_do@50", pair_tests_of("regret_do@50", {(0, 1): 0.01})) == 0


def test_leakage_is_better_the_nearer_it_is_to_zero_from_either_side():
    table = table_of("leakage_do", (-0.5, -0.4, -0.3), (-0.1, 0.05, 0.1), (0.2, 0.3, 0.4))
    tests = pair_tests_of("leakage_do", {(0, 1): 0.01, (1, 2): 0.01, (0, 2): 0.01})
    assert clear_best(table, "leakage_do", tests) == 1
    assert best_row(table.drop(index=1), "leakage_do") == 2


def test_nothing_is_best_where_no_value_is_better():
    table = table_of("coverage@50", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    assert clear_best(table, "coverage@50", pair_tests_of("coverage@50", {(0, 1): 0.001})) is None


def test_nothing_is_clear_without_a_rival():
    for rows in (((0.1, 0.2, 0.3),), ((0.8, 0.9, 1.0), (NAN, NAN, NAN)), ((NAN, NAN, NAN),)):
        assert clear_best(table_of("mrr", *rows), "mrr", pair_tests_of("mrr", {})) is None
    assert best_row(table_of("mrr", (NAN, NAN, NAN)), "mrr") is None


def test_a_table_in_markdown_has_a_significant_winner_in_bold_and_no_other():
    table = table_of("mrr", (0.1, 0.2, 0.3), (0.3, 0.4, 0.5))
    assert "**" not in markdown(table)
    assert "**" not in markdown(table, pair_tests_of("mrr", {(0, 1): 0.2}))
    lines = markdown(table, pair_tests_of("mrr", {(0, 1): 0.02})).splitlines()
    assert lines[2:] == ["| m0 | .2000 [.1000, .3000] |", "| m1 | **.4000** [.3000, .5000] |"]


def test_each_row_gets_its_p_against_the_best_and_the_best_its_largest():
    table = table_of("mrr", (0.1, 0.2, 0.3), (0.3, 0.4, 0.5), (0.2, 0.3, 0.4), (0.9, 0.9, 0.9))
    tested = with_p(table, pair_tests_of("mrr", {(0, 1): 0.01, (1, 2): 0.3, (0, 2): 0.04}))
    assert tested["mrr_p"].tolist()[:3] == [0.01, 0.3, 0.3]
    assert pd.isna(tested["mrr_p"][3]), "was not tested"
    assert metric_names(tested) == ["mrr"]


def test_the_tests_of_the_best_are_shown_from_its_side():
    table = table_of("mrr", (0.1, 0.2, 0.3), (0.3, 0.4, 0.5), (0.2, 0.3, 0.4))
    headers, rows = pair_rows(
        ["a", "b", "c"], table, pair_tests_of("mrr", {(0, 1): 0.00001, (1, 2): 0.3, (0, 2): 0.04})
    )
    assert rows == [
        ("MRR", "b", "a", "-.1000 [-.2000, -.0500]", "< .0001", "< .0001"),
        ("MRR", "b", "c", ".1000 [.0500, .2000]", ".3000", ".3000"),
    ]
    assert len(headers) == len(rows[0])
    _, every = pair_rows(
        ["a", "b"], table_of("coverage@5", (0, 0, 0), (1, 1, 1)), pair_tests_of("coverage@5", {(0, 1): 0.5})
    )
    assert len(every) == 1, "where none is best all pairs are shown"


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
