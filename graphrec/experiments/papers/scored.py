"""Methods as tables show them: trained once for each seed, scored under one estimand, measured side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from graphrec.causal import Estimand, label
from graphrec.errors import RunError
from graphrec.evaluation.intervals import difference_interval
from graphrec.evaluation.metrics import better, describe
from graphrec.evaluation.result_sets import evaluated_sets
from graphrec.evaluation.significance import corrected
from graphrec.evaluation.summary import summarise
from graphrec.experiments.benchmark import BenchmarkResult, evaluate_missing, report_failure
from graphrec.report.primitives.plots import Estimate
from graphrec.report.primitives.tables import clear_best, metric_label
from graphrec.runs.compare import paired_tests
from graphrec.runs.run import Run

NOT_RUN = "not run"
NAN = float("nan")
TRUTHS = ("ndcg_do@50", "regret_do@50")
"""What a simulated world's truth adds to a paper's metrics."""
ENDS = "In brackets the ends of the 95 % interval."
OF_BENCHMARK = "over all pairs of rows of the benchmark's table, as in significance.csv"
OF_PAPER_TABLE = "over all pairs that are compared on a metric in this table or figure"


@dataclass(frozen=True)
class Scored:
    """A method as a row or column shows it.

    Args:
        name: what it is called there.
        runs: one a seed; none where it failed.
        estimand: what they are scored under; by default the run's own.
        failed: why there are no runs: `not run`, or `failed: REASON`.
        method: what was trained, as the benchmark calls it.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.scored import Scored
        >>> result = BenchmarkResult.of_runs({"HCR": [run]}, failed={"AMR": "it diverged"})
        >>> [Scored.of(result, name).failed for name in ("HCR", "AMR", "CT")]
        ['', 'failed: it diverged', 'not run']
    """

    name: str
    runs: tuple[Run, ...] = ()
    estimand: Estimand | None = None
    failed: str = ""
    method: str = ""

    @classmethod
    def of(cls, result: BenchmarkResult, method: str, estimand: Estimand | None = None, name: str = "") -> Scored:
        """A method of the benchmark.

        Args:
            estimand: by default the first that its recipe names, or else its decoder's own.
            name: by default the method's.
        """
        name = name or method
        if method in result.failed:
            return cls(name, failed=f"failed: {result.failed[method]}")
        runs = tuple(result.trained.get(method, ()))
        if not runs:
            return cls(name, failed=NOT_RUN)
        return cls(name, runs, estimand or next(iter(runs[0].variants().values())), method=method)

    def per_user(self, result_set: str, truth: Path | None = None) -> list[pd.DataFrame]:
        """The per-user table of each seed, evaluated now where that was not done before."""
        assert self.estimand is not None
        for run in self.runs:
            evaluate_missing(run, [self.estimand], result_set, truth)
        return [run.results[result_set, self.estimand].per_user for run in self.runs]


@dataclass(frozen=True)
class Measured:
    """Some metrics of several methods.

    Args:
        names: of the methods.
        values: a row a method: each metric with `_low` and `_high`, NaN where it failed.
        tests: of every pair of rows, see `evaluation.significance`.
        family: over which pairs they are corrected, in words.
        trainings: by row number, the method whose training the row is an estimand of.
        failed: by row number, why there is nothing.
        per_user: by row number, the table of each seed.

    Example:
        >>> import pandas as pd
        >>> from graphrec.experiments.papers.scored import Measured
        >>> values = pd.DataFrame({"mrr": [0.2, 0.3], "mrr_low": [0.1, 0.2], "mrr_high": [0.3, 0.4]})
        >>> ct, hcr = (pd.DataFrame({"user": [0, 1], "mrr": mrr}) for mrr in ([0.1, 0.3], [0.2, 0.4]))
        >>> trainings, per_user = {0: "CT", 1: "HCR"}, {0: [ct], 1: [hcr]}
        >>> measured = Measured(("CT", "HCR"), values, pd.DataFrame(), "over all pairs", trainings, {}, per_user)
        >>> measured.users("mrr"), round(measured.gain(1, 0, "mrr").mean)
        (2, 50)
    """

    names: tuple[str, ...]
    values: pd.DataFrame
    tests: pd.DataFrame
    family: str
    trainings: dict[int, str]
    failed: dict[int, str] = field(default_factory=dict)
    per_user: dict[int, list[pd.DataFrame]] = field(default_factory=dict)

    def cell(self, row: int, metric: str, column: str = "") -> dict[str, Any]:
        """A cell of a paper table and its companions.

        Args:
            column: what the paper calls it; by default the metric's label.
        """
        column = column or metric_label(metric)
        if row in self.failed:
            return {column: short(self.failed[row]), f"{column}_low": NAN, f"{column}_high": NAN, f"{column}_best": NAN}
        values = self.values.loc[row]
        ends = {f"{column}{end}": values[f"{metric}{end}"] for end in ("_low", "_high")}
        best = clear_best(self.values, metric, self.tests) == row
        return {column: values[metric], **ends, f"{column}_best": best}

    def users(self, metric: str) -> int:
        """How many users have the metric under some method, in each of its trainings."""
        return max(
            (min(int(table[metric].notna().sum()) for table in tables) for tables in self.per_user.values()), default=0
        )

    def estimate(self, row: int, metric: str, name: str = "") -> Estimate:
        """The same for a picture."""
        values = self.values.loc[row]
        return Estimate(name or self.names[row], *(values[f"{metric}{end}"] for end in ("", "_low", "_high")))

    def gain(self, row: int, over: int, metric: str) -> Estimate:
        """By how many percent the mean of one row is above that of another, with a 95 % interval over users and seeds.

        The ratio of the means is linearised: its error is that of the difference (above - ratio below) / mean(below).
        The interval ends at -100 %, as nothing that is gained on is negative.
        """
        if row in self.failed or over in self.failed:
            return Estimate("", NAN, NAN, NAN)
        values = [[series.set_index("user")[metric].dropna() for series in self.per_user[side]] for side in (row, over)]
        users = sorted(set.intersection(*(set(series.index) for side in values for series in side)))
        if not users:
            return Estimate("", NAN, NAN, NAN)
        above, below = (np.stack([series[users].to_numpy() for series in side]) for side in values)
        if below.mean() == 0:
            return Estimate("", NAN, NAN, NAN)
        ratio, scale = float(above.mean() / below.mean()), 100 / below.mean()
        # Two estimands of one training share its seeds, so the seeds are paired, too.
        paired = self.trainings[row] == self.trainings[over]
        low, high = difference_interval(scale * above, scale * ratio * below, paired=paired)
        gain = 100 * (ratio - 1)
        return Estimate("", gain, max(gain + low, -100.0), gain + high)

    def bold(self, than: str) -> str:
        """What is bold, for a caption.

        Args:
            than: what it is better than, such as `every other row`.
        """
        return f"Bold: significantly better than {than} (p < .05 after Holm's correction {self.family})."

    def notes(self) -> tuple[str, ...]:
        """The reason of each failure, in full."""
        return tuple(f"{self.names[row]} {why}" for row, why in self.failed.items() if why != NOT_RUN)


def measure(
    rows: Sequence[Scored],
    metrics: Iterable[str],
    result_sets: Iterable[str] = ("test",),
    truth: Path | None = None,
    benchmark: BenchmarkResult | None = None,
) -> Measured:
    """Evaluate methods on one or several result sets, and test every pair of them.

    A method that cannot be evaluated there is a failure of its row alone. Rows that a figure measures in several
    calls become one family by `one_family`.

    Args:
        metrics: what to keep, of all that the result sets have.
        result_sets: keys of `EVALUATE_ARGUMENTS`.
        truth: of a simulated world.
        benchmark: whose own tests are taken for the rows that its table has.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.scored import Scored, measure
        >>> result = BenchmarkResult.of_runs({"HCR": [run]})
        >>> measured = measure([Scored.of(result, "HCR"), Scored.of(result, "CT")], ["ndcg@10"])
        >>> measured.failed, measured.values["ndcg@10"].notna().tolist()
        ({1: 'not run'}, [True, False])
    """
    names, result_sets = list(metrics), list(result_sets)
    failed = {number: row.failed for number, row in enumerate(rows) if row.failed}
    per_user: dict[str, dict[int, list[pd.DataFrame]]] = {result_set: {} for result_set in result_sets}
    for number, row in enumerate(rows):
        if number in failed:
            continue
        try:
            tables_of = {result_set: row.per_user(result_set, truth) for result_set in result_sets}
            _require_metrics(tables_of.values(), names)
        except Exception as error:
            failed[number] = f"failed: {report_failure(row.name, error)}"
            continue
        for result_set, tables in tables_of.items():
            per_user[result_set][number] = [_only(table, names) for table in tables]
    summaries = {
        number: _summary([per_user[result_set][number] for result_set in result_sets], names)
        for number in per_user[result_sets[0]]
    }
    nothing = {f"{metric}{end}": NAN for metric in names for end in ("", "_low", "_high")}
    values = pd.DataFrame([summaries.get(number, nothing) for number in range(len(rows))])
    first = {number: per_user[result_sets[0]][number] for number in per_user[result_sets[0]]}
    trainings = {number: rows[number].method for number in first}
    places = {} if benchmark is None else _places({number: rows[number] for number in first}, benchmark)
    tests, family = pd.DataFrame(), OF_PAPER_TABLE
    # Where the benchmark's table has every row, its own tests serve.
    if len(places) < len(first):
        tests = pd.concat(
            [paired_tests(per_user[result_set], trainings) for result_set in result_sets], ignore_index=True
        )
    if benchmark is not None and places:
        tests, family = _with_benchmark(tests, benchmark, places, names)
    return Measured(tuple(row.name for row in rows), values, tests, family, trainings, failed, first)


def measure_all(
    rows: Sequence[Scored], metrics: Sequence[str], result: BenchmarkResult, *, as_benchmark: bool = False
) -> tuple[Measured, list[str]]:
    """A paper's metrics on the test split and, on a simulated world, those of its truth; with all metrics' names.

    Args:
        as_benchmark: take the benchmark's own tests, so that a paper table calls significant only what the
            benchmark's tables do.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.scored import Scored, measure_all
        >>> result = BenchmarkResult.of_runs({"HCR": [run]}, truth=raw)
        >>> measure_all([Scored.of(result, "HCR")], ["ndcg@10"], result)[1]
        ['ndcg@10', 'ndcg_do@50', 'regret_do@50']
    """
    benchmark = result if as_benchmark else None
    all_metrics = [*metrics, *(TRUTHS if result.truth else ())]
    result_sets = evaluated_sets(result.truth is not None, result.target)
    return measure(rows, all_metrics, result_sets, result.truth, benchmark), all_metrics


def one_family(measured: Sequence[Measured]) -> tuple[Measured, ...]:
    """The same with the tests of all corrected together: what one table or figure shows on a metric is one family.

    Example:
        >>> import pandas as pd
        >>> from graphrec.experiments.papers.scored import Measured, one_family
        >>> p_values = {"permutation": [0.02], "crossed": [0.01], "wilcoxon": [0.02]}
        >>> tests = pd.DataFrame({"metric": ["mrr"], "first": [0], "second": [1], **p_values})
        >>> panel = Measured(("CT", "HCR"), pd.DataFrame(), tests.assign(p=0.02), "", {})
        >>> [measured.tests["p"].item() for measured in one_family([panel, panel])]  # twice as many tests
        [0.04, 0.04]
    """
    tests = corrected(pd.concat([measurement.tests for measurement in measured], ignore_index=True))
    ends = np.cumsum([0, *(len(measurement.tests) for measurement in measured)])
    return tuple(
        replace(measurement, tests=tests.iloc[start:end]) for measurement, start, end in zip(measured, ends, ends[1:])
    )


def method_rows(measured: Measured, metrics: Sequence[str], head: str = "Method") -> pd.DataFrame:
    """A row a method, a column a metric.

    Example:
        >>> import pandas as pd
        >>> from graphrec.experiments.papers.scored import Measured, method_rows
        >>> measured = Measured(("CT",), pd.DataFrame(), pd.DataFrame(), "", {}, {0: "failed: it diverged; got NaN"})
        >>> method_rows(measured, ["mrr"])[["Method", "MRR"]].values.tolist()
        [['CT', 'failed: it diverged']]
    """
    rows = [
        {head: name} | {key: value for metric in metrics for key, value in measured.cell(number, metric).items()}
        for number, name in enumerate(measured.names)
    ]
    return pd.DataFrame(rows)


def short(failure: str) -> str:
    """The start of a failure's reason, for a cell.

    Example:
        >>> from graphrec.experiments.papers.scored import short
        >>> short("failed: no categories; expected a modality")
        'failed: no categories'
    """
    return failure.partition(";")[0]


def about_metrics(metrics: Iterable[str]) -> str:
    """What is better, where that is not the higher value, and what `(do)` means.

    Example:
        >>> from graphrec.experiments.papers.scored import about_metrics
        >>> about_metrics(["mrr", "regret_do@50"])
        " Of Regret@50 (do) lower is better. (do): by the simulated world's truth."
    """
    lower = [metric_label(metric) for metric in metrics if better(metric) == "lower"]
    sentence = f" Of {', '.join(lower)} lower is better." if lower else ""
    by_truth = any(describe(metric).family == "truth" for metric in metrics)
    return sentence + (" (do): by the simulated world's truth." if by_truth else "")


def _places(rows: Mapping[int, Scored], benchmark: BenchmarkResult) -> dict[int, int]:
    """By row number of the benchmark's table, the number of the same row here; of the rows that it has."""
    numbers = {
        (row.training, row.cells["estimand"]): row_number
        for row_number, row in enumerate(benchmark.rows)
        if row.training
    }
    keys = {number: (row.method, label(row.estimand)) for number, row in rows.items() if row.estimand is not None}
    return {numbers[key]: number for number, key in keys.items() if key in numbers}


def _with_benchmark(
    tests: pd.DataFrame, benchmark: BenchmarkResult, places: Mapping[int, int], metrics: Sequence[str]
) -> tuple[pd.DataFrame, str]:
    """The benchmark's tests among the rows shown, by their numbers here, and its family in words.

    Pairs with a row that the benchmark lacks join its family, which then corrects no pair less than it does there.

    Args:
        tests: of all pairs shown; not read where the benchmark has every row.
        places: by row number of the benchmark's table, the number here.
    """
    theirs = benchmark.tests[benchmark.tests["metric"].isin(metrics)]
    theirs = theirs.assign(**{key: theirs[key].map(places) for key in ("first", "second")})  # NaN: not shown
    if tests.empty:
        together, family = theirs, OF_BENCHMARK
    else:
        lacking = ~(tests["first"].isin(list(places.values())) & tests["second"].isin(list(places.values())))
        together = corrected(pd.concat([theirs, tests[lacking]], ignore_index=True))
        family = f"{OF_BENCHMARK}, joined by those with a row that it lacks"
    shown = together.dropna(subset=["first", "second"])
    return shown.astype({"first": int, "second": int}), family


def _require_metrics(result_sets: Iterable[Sequence[pd.DataFrame]], metrics: Sequence[str]) -> None:
    available = {metric for tables in result_sets for table in tables for metric in table.columns}
    if missing := [metric for metric in metrics if metric not in available]:
        raise RunError(
            "the paper's metrics were not measured",
            expected=", ".join(metrics),
            got=f"results without {', '.join(missing)}",
            next_step="name their list lengths in the recipe's `evaluation.k`",
        )


def _only(table: pd.DataFrame, metrics: Sequence[str]) -> pd.DataFrame:
    return table[["user", *(metric for metric in metrics if metric in table.columns)]]


def _summary(result_sets: Sequence[list[pd.DataFrame]], metrics: Sequence[str]) -> dict[str, float]:
    summary = {key: value for tables in result_sets for key, value in summarise(*tables).items()}
    return {
        f"{metric}{end}": summary[metric][key]
        for metric in metrics
        for end, key in (("", "mean"), ("_low", "low"), ("_high", "high"))
    }
