"""What a page is made of, for its sections to read: the methods and their results, or what was found of a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from graphrec.checks.inspection import Inspection
from graphrec.evaluation.baselines import Baseline
from graphrec.evaluation.result_sets import TRUTH_SETS
from graphrec.report.compared_methods import compare_methods
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.text_table import TextTable
from graphrec.report.trained_method import TrainedMethod, run_names
from graphrec.runs.compare import RunComparison
from graphrec.runs.run import Run

SPLITS = {"test": "test", "valid": "validation"}
"""The splits that a page can be about, and what it calls them."""


@dataclass(frozen=True)
class TruthResults:
    """The methods that were evaluated by a simulated world's truth, and how they compare.

    Args:
        target: what the truth is about, `like` or `satisfaction`.
        result_set: its name in a run's results.
        methods: those that were evaluated by it.
        comparison: their rows and tests.

    >>> import shutil
    >>> from graphrec.report.trained_method import methods_of
    >>> evaluated = gr.Run(shutil.copytree(run.folder, "hcr"))
    >>> _ = evaluated.evaluate_truth(raw)
    >>> page = RunPage(tuple(methods_of([evaluated])), "valid", Path("page.html"))
    >>> [(truth.target, truth.result_set, len(truth.methods)) for truth in page.truths]
    [('like', 'truth', 1)]
    """

    target: str
    result_set: str
    methods: tuple[TrainedMethod, ...]
    comparison: RunComparison


@dataclass(frozen=True)
class RunPage:
    """The material of a page; comparisons are computed once and shared by the sections.

    Args:
        methods: at least one; all have as many runs.
        split: `test` or `valid`.
        out: the file of the page.
        paper_tables, dose_response, failed, baselines, deviations: as in `write_report`.

    >>> from graphrec.testing.small_run import small_page
    >>> page = small_page()
    >>> page.split_name, page.seeds, page.intervals
    ('test', 1, 'bootstrap intervals over users')
    >>> page.comparison.table["row"].tolist(), page.truths
    (['CT'], [])
    """

    methods: tuple[TrainedMethod, ...]
    split: str
    out: Path
    paper_tables: Sequence[PaperTable] = ()
    dose_response: Path | None = None
    failed: Mapping[str, str] | None = None
    baselines: Sequence[Baseline] = ()
    deviations: Sequence[str] = ()

    @property
    def runs(self) -> list[Run]:
        """Every run of every method."""
        return [run for method in self.methods for run in method.runs]

    @property
    def first_runs(self) -> list[Run]:
        """Of each method the run of its first seed: what curves, lists and explanations show."""
        return [method.first for method in self.methods]

    @cached_property
    def run_names(self) -> Mapping[Path, str]:
        """What the page calls each run, by folder."""
        return run_names(self.methods)

    @property
    def method_names(self) -> dict[Path, str]:
        """What the page calls each method, by the folder of its first run."""
        return {method.first.folder: method.name for method in self.methods}

    @property
    def split_name(self) -> str:
        """The split in words."""
        return SPLITS[self.split]

    @property
    def seeds(self) -> int:
        """How many runs each method has."""
        return len(self.methods[0].runs)

    @property
    def first_seed(self) -> int:
        """The seed of `first_runs`."""
        return self.methods[0].first.recipe.seed

    @property
    def intervals(self) -> str:
        """What the intervals of the tables are over, in words."""
        return "bootstrap intervals over users" if self.seeds == 1 else f"intervals over users and {self.seeds} seeds"

    @cached_property
    def comparison(self) -> RunComparison:
        """The rows and tests of all methods on the page's split."""
        return compare_methods(self.methods, self.split, self.baselines)

    @cached_property
    def truths(self) -> list[TruthResults]:
        """The same by each truth that any method was evaluated by."""
        evaluated = {
            (target, result_set): tuple(method for method in self.methods if method.has(result_set))
            for target, result_set in TRUTH_SETS.items()
        }
        return [
            TruthResults(target, result_set, methods, compare_methods(methods, result_set, self.baselines))
            for (target, result_set), methods in evaluated.items()
            if methods
        ]


@dataclass(frozen=True)
class DatasetPage:
    """The material of a dataset's page.

    >>> from graphrec.checks.inspection import inspect
    >>> from graphrec.data.store import load
    >>> DatasetPage(inspect(load(data))).inspection.dataset.name
    'tiktok'

    Args:
        inspection: what the checks found of the dataset.
        oracles: headers and rows of the gap between the log's own truth and the causal one, for a simulated world.
    """

    inspection: Inspection
    oracles: TextTable = ([], [])
