"""The result of a benchmark: a row a method and estimand, and the tests of every pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from graphrec.causal import label
from graphrec.data.dataset import InteractionDataset
from graphrec.data.split import Split
from graphrec.evaluation.baselines import Baseline
from graphrec.evaluation.summary import summarise, table_row
from graphrec.runs.build import load_data
from graphrec.runs.compare import paired_tests
from graphrec.runs.run import Run
from graphrec.simulation.oracle import OracleGap


@dataclass
class BenchmarkRow:
    """A row of the table.

    Args:
        cells: what the table shows, by column.
        per_user: by result set, the per-user tables of its seeds.
        competes: whether it is tested against other rows.
        training: the method whose training it is an estimand of.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkRow
        >>> _ = run.evaluate()
        >>> [row.cells["method"] for row in BenchmarkRow.of_runs("HCR", [run], ["test"])]
        ['HCR', 'HCR-T', 'HCR-S1', 'HCR-S2']
    """

    cells: dict[str, Any]
    per_user: dict[str, list[pd.DataFrame]]
    competes: bool = True
    training: str = ""

    @classmethod
    def of_baseline(cls, baseline: Baseline) -> BenchmarkRow:
        summary = {key: value for table in baseline.per_user.values() for key, value in summarise(table).items()}
        per_user = {result_set: [table] for result_set, table in baseline.per_user.items()}
        return cls(table_row(baseline.name, "", summary), per_user, competes=baseline.competes)

    @classmethod
    def of_runs(cls, method: str, runs: Sequence[Run], result_sets: Sequence[str]) -> list[BenchmarkRow]:
        """One for each of `MethodNames.in_tables`, with the runs as its seeds, evaluated on the result sets."""
        rows = []
        # The runs of a method differ in the seed alone, so the first has the names of all.
        for name, estimand in runs[0].names.in_tables().items():
            per_user = {
                result_set: [run.results[result_set, estimand].per_user for run in runs] for result_set in result_sets
            }
            summary = {key: value for tables in per_user.values() for key, value in summarise(*tables).items()}
            rows.append(cls(table_row(name, label(estimand), summary), per_user, training=method))
        return rows


def significance_of(rows: Sequence[BenchmarkRow], result_sets: Sequence[str]) -> pd.DataFrame:
    """Of every pair of rows that compete, on each result set; rows by number.

    Example:
        >>> import pandas as pd
        >>> from graphrec.experiments.benchmark import BenchmarkRow
        >>> from graphrec.experiments.benchmark.result import significance_of
        >>> def row(method, values, **more):
        ...     per_user = pd.DataFrame({"user": range(8), "mrr": values})
        ...     return BenchmarkRow({"method": method}, {"test": [per_user]}, **more)
        >>> rows = [row("CT", [0.1] * 8), row("oracle", [1.0] * 8, competes=False), row("HCR", [0.5] * 8)]
        >>> tests = significance_of(rows, ["test"])
        >>> tests[["first", "second"]].to_numpy().tolist(), round(float(tests["difference"].item()), 2)
        ([[0, 2]], -0.4)
    """
    trainings = {number: row.training for number, row in enumerate(rows) if row.training}
    tests = []
    for result_set in result_sets:
        competing = {
            number: row.per_user[result_set]
            for number, row in enumerate(rows)
            if row.competes and result_set in row.per_user
        }
        tests.append(paired_tests(competing, trainings))
    return pd.concat(tests, ignore_index=True)


@dataclass
class BenchmarkResult:
    """The result of a benchmark.

    Args:
        rows: the baselines', and one a method and estimand.
        tests: of every pair of rows, see `evaluation.significance`; the oracles are no competitors.
        trained: the runs of each method, one a seed.
        seeds: of these runs.
        failed: methods that ended in an error, with its reason.
        gap: on a simulated world, what the two oracles reach.
        target: what its truth is about.
        truth: the simulated world's raw folder.
        trials: trainings that each method was tuned with; 0 where none was.
        command: what does all of it again, if it is known.
        title: what the data is called.
        baselines: what the methods are compared with; the first rows.
        data: all of it, as the recipes read it, whatever result set it goes to.
        split: what was trained on; its test split stays closed.
    """

    rows: Sequence[BenchmarkRow]
    tests: pd.DataFrame
    trained: dict[str, list[Run]]
    seeds: Sequence[int]
    failed: dict[str, str] = field(default_factory=dict)
    gap: OracleGap | None = None
    target: str = "like"
    truth: Path | None = None
    trials: int = 0
    command: str = ""
    title: str = ""
    baselines: list[Baseline] = field(default_factory=list)
    data: InteractionDataset = field(kw_only=True)
    split: Split = field(kw_only=True)

    @classmethod
    def of_runs(cls, trained: Mapping[str, Sequence[Run]], **more: Any) -> BenchmarkResult:
        """The result of runs that are trained already, for a paper's tables: it has neither rows nor tests of its own.

        Args:
            trained: the runs of each method, one a seed, all on one split.
            more: other fields, such as `failed`.

        Example:
            >>> from graphrec.experiments.benchmark import BenchmarkResult
            >>> result = BenchmarkResult.of_runs({"HCR": [run]})
            >>> result.seeds, result.data.num_items, result.split.counts["test"] > 0
            ([0], 40, True)
        """
        runs = next(iter(trained.values()))
        fields = {"data": load_data(runs[0].recipe), "split": runs[0].split(), **more}
        return cls(
            [],
            pd.DataFrame(),
            {name: [*of] for name, of in trained.items()},
            [run.recipe.seed for run in runs],
            **fields,
        )

    @cached_property
    def table(self) -> pd.DataFrame:
        """The rows: metrics on the held-out likes, averaged over seeds and users, with intervals over both; on a
        simulated world the truth's metrics too."""
        return pd.DataFrame([row.cells for row in self.rows])

    @property
    def runs(self) -> list[Run]:
        """The runs of the first seed."""
        return [seeds[0] for seeds in self.trained.values()]

    @property
    def compared(self) -> dict[str, dict[str, str]]:
        """By method, the estimands that have a row in the table, by label, and what the rows are called."""
        names: dict[str, dict[str, str]] = {}
        for row in self.rows:
            if row.training:
                names.setdefault(row.training, {})[row.cells["estimand"]] = row.cells["method"]
        return names
