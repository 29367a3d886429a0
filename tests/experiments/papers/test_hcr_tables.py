"""HCR's tables and figures are what the runs' own evaluations say, laid out as in the paper."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import graphrec.experiments.benchmark.evaluate
from graphrec.data.store import load
from graphrec.errors import DataError
from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.hcr_activity import hcr_figure_5
from graphrec.experiments.papers.hcr_beta import hcr_beta
from graphrec.experiments.papers.hcr_like_ratio import hcr_figure_7
from graphrec.experiments.papers.hcr_tables import hcr_table_2, hcr_table_3
from graphrec.experiments.papers.hcr_time import hcr_figure_6
from graphrec.experiments.papers.paper import HCR
from graphrec.experiments.papers.scored import Scored
from graphrec.experiments.papers.statistics import hcr_table_1
from graphrec.report.primitives.plots import SERIES
from graphrec.runs import analyses
from graphrec.runs.results import RunResults

K = (10, 20)


def test_table_1_counts_the_data(result: BenchmarkResult) -> None:
    row = hcr_table_1(result, "Tiny").table.iloc[0]
    counts = result.runs[0].manifest["counts"]
    assert (row["#Users"], row["#Items"]) == (120, 80)
    assert row["#Train clicks"] == counts["train_clicks"] and row["#Test likes"] == counts["test"]
    assert row["Exposure features"] == "textual"
    whole = load(Path(result.runs[0].recipe.data.path))
    pairs = {role: len(whole.pairs(role)) for role in ("click", "like")}
    assert (row["#Clicks"], row["#Likes"]) == (pairs["click"], pairs["like"]), "of all parts"
    assert pairs["click"] > counts["train_clicks"] and pairs["like"] > counts["train_likes"]


def test_table_2_has_every_method_of_the_paper_and_tells_what_failed(result: BenchmarkResult) -> None:
    paper_table = hcr_table_2(result, "Tiny", K)
    table = paper_table.table.set_index("Method")
    assert list(table.index) == ["CT", "ESMM", "CR", "Multi-IPW", "Multi-DR", "DCF", "HCR"]
    assert [column for column in table if not re.search("_(low|high|best)$", column)] == [
        "Recall@10", "Recall@20", "NDCG@10", "NDCG@20", "NDCG@50 (do)", "Regret@50 (do)",
    ]  # fmt: skip
    measured = result.trained["HCR"][0].results["test", "front_door"].metrics["recall@20"]
    assert table.loc["HCR", "Recall@20"] == measured["mean"]
    assert table.loc["HCR", "Recall@20_low"] == measured["low"]
    assert table.loc["CR", "NDCG@20"] == "failed: CR needs to know what the user sees"
    assert table.loc["DCF", "NDCG@20"] == "not run"
    assert any("expected a title" in note for note in paper_table.notes)
    assert paper_table.picture is not None and "HCR" in paper_table.picture and "no text of it" in paper_table.caption


def test_nothing_is_bold_that_is_not_significant(result: BenchmarkResult) -> None:
    # A run against itself: as good as the best, and not better.
    same = dataclasses.replace(result, trained={"CT": result.trained["HCR"], "HCR": result.trained["HCR"]}, failed={})
    assert "**" not in hcr_table_2(same, "Tiny", K).markdown()


def test_table_3_scores_one_training_in_four_ways(result: BenchmarkResult) -> None:
    table = hcr_table_3(result, "Tiny", K).table.set_index("Method")
    assert list(table.index) == ["HCR", "HCR-T", "HCR-S1", "HCR-S2", "HCR-NS"]
    results = result.trained["HCR"][0].results
    for name, estimand in (("HCR-T", "observational"), ("HCR-S1", "effect_on_mediator")):
        assert table.loc[name, "NDCG@20"] == results["test", estimand].metrics["ndcg@20"]["mean"]
    assert table.loc["HCR-NS", "NDCG@20"] == "not run"


def test_figure_5_divides_users_by_activity(result: BenchmarkResult) -> None:
    table = hcr_figure_5(result, "Tiny", 20).table.set_index("User group")
    own = analyses.by_activity(result.trained["HCR"][0], ["front_door"]).set_index("result_set")
    assert table["HCR"].tolist() == own.loc[["active", "less_active"], "recall@20"].tolist()
    expected = 100 * (table["HCR"].astype(float) / table["CT"].astype(float) - 1)
    assert table["Improvement (%)"].to_numpy() == pytest.approx(expected.to_numpy())
    assert (table["Improvement (%)_low"] < table["Improvement (%)"]).all()
    assert table["#Users"].tolist() == own.loc[["active", "less_active"], "users"].tolist()


def test_bars_of_ct_are_hatched_and_those_of_hcr_are_not(result: BenchmarkResult) -> None:
    for paper_table in (
        hcr_figure_5(result, "Tiny", 20),
        hcr_figure_6(result, "Tiny", 20),
        hcr_figure_7(result, "Tiny", K),
    ):
        assert paper_table.picture is not None
        assert paper_table.picture.count("<pattern") == 1 and paper_table.picture.count("url(#") > 1
        (pattern,) = re.findall(r"<pattern.*?</pattern>", paper_table.picture, re.DOTALL)
        assert SERIES[1] in pattern and SERIES[0] not in pattern
        names = [name for name in paper_table.table if name in ("HCR", "CT")]
        assert names == ["HCR", "CT"], "the first, which is plain, and the second"


def test_figure_6_has_four_subsets_and_the_drop(result: BenchmarkResult) -> None:
    paper_table = hcr_figure_6(result, "Tiny", 20)
    table = paper_table.table.set_index("Subset")
    assert list(table.index) == ["1", "2", "3", "4", "drop"]
    means = table["CT"].astype(float)
    assert means["drop"] == pytest.approx(1 - means[["2", "3", "4"]].mean() / means["1"])
    assert np.isnan(table.loc["drop", "Improvement (%)"]) and not any(
        "No improvement" in note for note in paper_table.notes
    )
    assert paper_table.picture is not None and "drop of Recall@20" in paper_table.picture
    assert (table.loc["drop", ["HCR_high", "CT_high"]] <= 1).all(), "more than all cannot be lost"


def test_figure_7_has_both_groups_of_items_at_each_k(result: BenchmarkResult) -> None:
    table = hcr_figure_7(result, "Tiny", K).table
    assert table[["Item group", "K"]].to_numpy().tolist() == [
        ["high ratio", 10], ["high ratio", 20], ["low ratio", 10], ["low ratio", 20],
    ]  # fmt: skip
    own = analyses.by_like_ratio(result.trained["CT"][0], ["observational"]).set_index("result_set")
    assert table["CT"].tolist() == [
        own.loc[part, f"normalised_recall@{k}"] for part in ("high_ratio", "low_ratio") for k in K
    ]


def test_what_is_not_defined_is_a_dash_and_explained(result: BenchmarkResult, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Scored.per_user

    def without_ct(self: Scored, part: str, *args: object, **kwargs: object) -> list[pd.DataFrame]:
        nothing = {f"normalised_recall@{k}": np.nan for k in K} if (self.name, part) == ("CT", "low_ratio") else {}
        return [table.assign(**nothing) for table in listed(self, part, *args, **kwargs)]

    whole = hcr_figure_7(result, "Tiny", K)
    assert not any("no listed item" in note for note in whole.notes)
    monkeypatch.setattr(Scored, "per_user", without_ct)
    paper_table = hcr_figure_7(result, "Tiny", K)
    table = paper_table.table.set_index(["Item group", "K"])
    assert table.loc["low ratio", "CT"].isna().all() and table.loc["low ratio", "HCR"].notna().all()
    assert {"–: in at least one training no listed item is of the group, so its share of the lists is 0.",
            "No improvement can be computed where CT has 0 or no value."} <= set(paper_table.notes)  # fmt: skip
    assert paper_table.picture is not None and whole.picture is not None
    assert paper_table.picture.count(">–<") == whole.picture.count(">–<") + len(K)


def test_a_value_is_undefined_where_one_training_has_none(result: BenchmarkResult, monkeypatch) -> None:
    listed = Scored.per_user

    def second_without(self: Scored, part: str, *args: object, **kwargs: object) -> list[pd.DataFrame]:
        (table,) = listed(self, part, *args, **kwargs)
        return [table, table.assign(**{f"normalised_recall@{k}": np.nan for k in K}) if part == "low_ratio" else table]

    monkeypatch.setattr(Scored, "per_user", second_without)
    paper_table = hcr_figure_7(result, "Tiny", K)
    low = paper_table.table.set_index("Item group").loc["low ratio"]
    assert low[["HCR", "CT"]].isna().all(axis=None) and (low["#Users"] == 0).all()
    assert any("in at least one training" in note for note in paper_table.notes)


def test_a_figure_that_the_data_does_not_allow_says_why(
    result: BenchmarkResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timeless(*args: object, **kwargs: object) -> pd.DataFrame:
        raise DataError("likes cannot be put in order of time", got="no times", where="/secret/place")

    monkeypatch.setitem(graphrec.experiments.benchmark.evaluate._ANALYSES, "time_1", timeless)
    monkeypatch.setattr(RunResults, "__contains__", lambda self, key: key[0] != "time_1")
    paper_table = hcr_figure_6(dataclasses.replace(result), "Tiny", 20)
    first = paper_table.table.set_index("Subset").loc["1"]
    assert first["CT"] == first["HCR"] == "failed: likes cannot be put in order of time"
    assert any("no times" in note for note in paper_table.notes)
    assert "/secret/place" not in paper_table.markdown()


def test_a_paper_table_that_breaks_does_not_stop_the_others(
    result: BenchmarkResult, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(result: BenchmarkResult, title: str) -> None:
        raise ValueError("a bug")

    paper = dataclasses.replace(HCR, paper_tables={"broken": breaks, "hcr-table-1": hcr_table_1, "hcr-beta": hcr_beta})
    made = paper.make(result, "Tiny")
    assert [paper_table.name for paper_table in made] == ["broken", "hcr-table-1"]  # no beta was trained
    assert made[0].table.iloc[0, 0] == "failed: ValueError: a bug"
    assert "Traceback" in caplog.text


def test_beta_draws_a_point_for_each_training(result: BenchmarkResult) -> None:
    trained = {f"HCR beta {beta}": result.trained["HCR"] for beta in (1, 5)}
    paper_table = hcr_beta(dataclasses.replace(result, trained=trained, failed={}), "Tiny", K)
    assert paper_table is not None
    table = paper_table.table.set_index("beta")
    assert list(table.index) == ["1", "2", "3", "5"] and table.loc["2", "Recall@20"] == "not run"
    assert table.loc["1", "Recall@20"] == table.loc["5", "Recall@20"]


def test_the_beta_that_hcr_has_is_hcr_itself(result: BenchmarkResult) -> None:
    assert hcr_beta(result, "Tiny", K) is None, "nothing but HCR was trained"
    trained = {"HCR": result.trained["HCR"], "HCR beta 5": result.trained["CT"]}
    paper_table = hcr_beta(dataclasses.replace(result, trained=trained, failed={}), "Tiny", K)
    assert paper_table is not None
    table = paper_table.table.set_index("beta")
    assert (
        table.loc["1", "Recall@20"] == hcr_table_2(result, "Tiny", K).table.set_index("Method").loc["HCR", "Recall@20"]
    )
    assert table.loc["2", "Recall@20"] == "not run"


def test_paper_tables_of_trained_methods_say_how_they_were_tuned(result: BenchmarkResult) -> None:
    paper = dataclasses.replace(
        HCR, paper_tables={"hcr-table-1": hcr_table_1, "hcr-table-2": lambda r, t: hcr_table_2(r, t, K)}
    )
    data, plain = paper.make(result, "Tiny")
    _, tuned = paper.make(dataclasses.replace(result, trials=7), "Tiny")
    assert "uned" not in data.markdown()
    assert any("No method was tuned" in note for note in plain.notes)
    assert any("Tuned with 7 trainings each" in note for note in tuned.notes)
    assert any("One training a method, seed 0: intervals and tests are over users, not" in note for note in plain.notes)
    again = [result.trained["CT"][0], dataclasses.replace(result).trained["ESMM"][0]]
    _, seeds = paper.make(dataclasses.replace(result, trained={"CT": again}, seeds=(0, 1)), "Tiny")
    assert any("intervals and tests are over users and trainings" in note for note in seeds.notes)
