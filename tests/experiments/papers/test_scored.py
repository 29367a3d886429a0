"""Methods measured side by side: whose tests they have, over which family, and what is paired by seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from graphrec.causal import Observational, label
from graphrec.evaluation.significance import holm
from graphrec.experiments.benchmark import BenchmarkResult, BenchmarkRow
from graphrec.experiments.benchmark.result import significance_of
from graphrec.experiments.papers.causalrec_debiasing import causalrec_figure_5
from graphrec.experiments.papers.hcr_activity import hcr_figure_5
from graphrec.experiments.papers.hcr_tables import hcr_table_2
from graphrec.experiments.papers.scored import (
    OF_BENCHMARK,
    OF_PAPER_TABLE,
    Measured,
    Scored,
    measure,
    measure_all,
    one_family,
)

METRICS = ["recall@10", "ndcg@10"]


@pytest.fixture
def tested(result: BenchmarkResult) -> BenchmarkResult:
    """The benchmark with its table and tests: popularity in row 0, CT in 1, HCR in 2, HCR-T in 3."""
    scored = [Scored.of(result, "CT"), Scored.of(result, "HCR"), Scored.of(result, "HCR", Observational(), "HCR-T")]
    rows = [
        BenchmarkRow(
            {"method": row.name, "estimand": label(row.estimand)}, {"test": row.per_user("test")}, training=row.method
        )
        for row in scored
    ]
    nothing = rows[0].per_user["test"][0].assign(**dict.fromkeys(METRICS, 0.0))
    rows = [BenchmarkRow({"method": "popularity", "estimand": ""}, {"test": [nothing]}), *rows]
    return replace(result, rows=rows, tests=significance_of(rows, ["test"]), truth=None)


def p_of(measured: Measured) -> dict[tuple[str, frozenset[str]], float]:
    """Corrected p by metric and names of the pair."""
    return {
        (pair["metric"], frozenset((measured.names[pair["first"]], measured.names[pair["second"]]))): pair["p"]
        for pair in measured.tests.to_dict("records")
    }


def test_a_paper_table_of_the_test_part_has_the_benchmarks_p(tested: BenchmarkResult) -> None:
    rows = [Scored.of(tested, "HCR"), Scored.of(tested, "DCF"), Scored.of(tested, "CT")]
    measured, _ = measure_all(rows, METRICS, tested, as_benchmark=True)
    theirs = tested.tests.set_index(["metric", "first", "second"])["p"]
    assert p_of(measured) == {(metric, frozenset(("CT", "HCR"))): theirs[metric, 1, 2] for metric in METRICS}
    assert measured.family == OF_BENCHMARK
    assert "as in significance.csv" in hcr_table_2(tested, "Tiny", (10, 20)).caption
    alone, _ = measure_all(rows, METRICS, tested)
    assert alone.family == OF_PAPER_TABLE
    for pair in alone.tests.to_dict("records"):
        assert pair["p"] == pair["permutation"], "a pair of its own needs no correction"


def test_a_row_that_the_benchmark_lacks_joins_its_family(tested: BenchmarkResult) -> None:
    rows = [Scored.of(tested, "HCR"), Scored.of(tested, "CT"), Scored.of(tested, "ESMM")]
    measured, _ = measure_all(rows, METRICS, tested, as_benchmark=True)
    p_values = p_of(measured)
    assert len(p_values) == 6 and "lacks" in measured.family
    for metric in METRICS:
        theirs = tested.tests[tested.tests["metric"] == metric]
        benchmark_p = theirs.set_index(["first", "second"])["p"][1, 2]
        assert p_values[metric, frozenset(("CT", "HCR"))] >= benchmark_p, (
            "never significant where the benchmark says it is not"
        )
        own = measured.tests[measured.tests["metric"] == metric]
        joined = own[(own["first"] == 2) | (own["second"] == 2)]
        raw = pd.concat([theirs, joined])[["permutation", "crossed"]].max(axis=1).to_numpy()
        assert holm(raw)[-2:] == pytest.approx(joined["p"].to_numpy())


def test_panels_of_one_figure_are_one_family(result: BenchmarkResult) -> None:
    rows = [Scored.of(result, name) for name in ("CT", "HCR")]
    alone = [measure(rows, ["recall@20"], [activity]) for activity in ("active", "less_active")]
    raw = (0.03, 0.02)  # as found, both panels may be equal by chance
    panels = [replace(panel, tests=panel.tests.assign(permutation=p, p=p)) for panel, p in zip(alone, raw)]
    assert [panel.tests["p"].item() for panel in one_family(panels)] == pytest.approx([0.04, 0.04])
    assert "in this table or figure" in hcr_figure_5(result, "Tiny", 20).caption


def test_models_of_one_figure_are_one_family(visual: BenchmarkResult) -> None:
    caption = causalrec_figure_5(visual, "Tiny").caption
    assert (
        "better than the other of the row (p < .05 after Holm's correction" in caption
        and "in this table or figure" in caption
    )


def table_of(values: np.ndarray) -> list[pd.DataFrame]:
    return [pd.DataFrame({"user": range(len(of_seed)), "mrr": of_seed}) for of_seed in values]


def test_the_gain_over_another_estimand_of_one_training_is_paired_by_seed() -> None:
    rng = np.random.default_rng(0)
    below = 0.5 + 0.1 * rng.random((3, 50)) + np.array([[0.0], [0.2], [-0.1]])
    above = 1.1 * below + 0.005 * rng.standard_normal((3, 50))
    per_user = {0: table_of(below), 1: table_of(above)}
    paired, apart = (
        Measured(("a", "b"), pd.DataFrame(), pd.DataFrame(), OF_PAPER_TABLE, {0: "x", 1: other}, {}, per_user).gain(
            1, 0, "mrr"
        )
        for other in ("x", "y")
    )
    assert paired.mean == apart.mean == pytest.approx(100 * (above.mean() / below.mean() - 1))
    assert 9.5 < paired.low < paired.mean < paired.high < 10.5
    assert apart.low < 0 < apart.high, "of other trainings it could be chance"


def test_nothing_can_be_lost_but_all() -> None:
    per_user = {0: table_of(np.array([[0.2, 0.0, 0.0]])), 1: table_of(np.array([[0.0, 0.5, 0.5]]))}
    measured = Measured(("a", "b"), pd.DataFrame(), pd.DataFrame(), OF_PAPER_TABLE, {0: "x", 1: "y"}, {}, per_user)
    gain = measured.gain(0, 1, "mrr")
    assert gain.low == -100 < gain.mean < gain.high


def test_a_metric_that_was_not_measured_fails_its_rows_with_the_reason(result: BenchmarkResult) -> None:
    measured = measure([Scored.of(result, "CT"), Scored.of(result, "HCR")], ["ndcg@10", "ndcg@33"])
    assert set(measured.failed) == {0, 1} and "results without ndcg@33" in measured.failed[0]
