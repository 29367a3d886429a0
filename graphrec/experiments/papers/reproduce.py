"""All of a paper on one prepared dataset: settings tuned, methods trained, tables and figures made, one report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphrec.experiments.benchmark import (
    BenchmarkResult,
    refuse_to_lose_method,
    report_failure,
    report_on,
    run_benchmark,
)
from graphrec.experiments.papers.methods import Method, chosen
from graphrec.experiments.papers.paper import Paper
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.runs.code_versions import warn_of_other_code
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.training.progress import LogProgress, Progress
from graphrec.tuning import tune


@dataclass(frozen=True)
class Mode:
    """How much is done.

    Args:
        name: `quick` or `full`.
        every: whether every method of the paper is trained, or the core ones.
        seeds: trainings of each method.
        trials: trainings that each method is tuned with; 0 tunes nothing.
        settings: of the recipe, as `overrides` takes them.

    Example:
        >>> from graphrec.experiments.papers import Mode
        >>> Mode("quick", every=False, seeds=1, trials=0, settings=("training.epochs=25",)).trials
        0
    """

    name: str
    every: bool
    seeds: int
    trials: int
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reproduction:
    """The results of a paper's experiments, and the tables and figures made of them.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers import Reproduction
        >>> from graphrec.experiments.papers.causalrec_fusion import causalrec_figure_6
        >>> result = BenchmarkResult.of_runs({"HCR": [run]})
        >>> [table.name for table in Reproduction(result, [causalrec_figure_6(result, "Twin")]).paper_tables]
        ['causalrec-figure-6']
    """

    result: BenchmarkResult
    paper_tables: list[PaperTable]


def reproduce(
    paper: Paper,
    base: Recipe,
    out: Path,
    mode: Mode,
    *,
    title: str,
    truth: Path | None = None,
    target: str = "like",
    dose_response: Path | None = None,
    command: str = "",
    progress: Progress = LogProgress,
) -> Reproduction:
    """Tune, train, evaluate, and write the tables and figures into `out/paper_tables` and the report into `out`.

    What is there already is not done again. A method whose tuning or training fails, for whatever reason, is listed
    with the reason, and the others are still trained.

    Args:
        base: the recipe of all methods; each exchanges the decoder and what its name promises.
        out: folder for everything.
        title: what the data is called; simulated data is always called so.
        truth, target: of a simulated world, as in `run_benchmark`.
        dose_response: the `results.csv` of a study that the page is to show.
        command: what does all of it again.
        progress: shows each training.

    Raises:
        RunError: as `run_benchmark`.

    Example:
        >>> from dataclasses import replace
        >>> from pathlib import Path
        >>> from graphrec.experiments.papers import HCR, Mode, reproduce
        >>> from graphrec.experiments.papers.methods import Method
        >>> paper = replace(HCR, methods=(Method("CR", ("decoder.name=none",)),), paper_tables={})
        >>> reproduce(paper, recipe, Path("out"), Mode("quick", every=False, seeds=1, trials=0), title="Twin")
        Traceback (most recent call last):
            ...
        graphrec.errors.RunError: every method failed...
    """
    methods = chosen(paper.methods, every=mode.every)
    recipes, failed = _recipes(methods, base, out, mode, progress)
    result = run_benchmark(
        recipes,
        out,
        seeds=range(mode.seeds),
        truth=truth,
        target=target,
        title=title,
        failed=failed,
        trials=mode.trials,
        command=command,
        report=False,
        progress=progress,
    )
    paper_tables = paper.make(result, result.title)
    for paper_table in paper_tables:
        paper_table.write(out / "paper_tables")
    deviations = paper.deviations(result) if result.runs else []
    report_on(result, out, paper_tables, dose_response=dose_response, deviations=deviations)
    return Reproduction(result, paper_tables)


def _recipes(
    methods: Sequence[Method], base: Recipe, out: Path, mode: Mode, progress: Progress = LogProgress
) -> tuple[dict[str, Recipe], dict[str, str]]:
    """The recipe of each method, tuned with as many trainings as every other; and why there is none."""
    recipes: dict[str, Recipe] = {}
    failed: dict[str, str] = {}
    trials: list[Run] = []
    for method in methods:
        try:
            if method.of:
                if method.of in failed:
                    failed[method.name] = f"takes its settings from {method.of}, which failed: {failed[method.of]}"
                    continue
                # A paper's methods are ordered so that the one whose settings are taken comes first.
                recipe = method.recipe(recipes[method.of])
                if recipe.model_copy(update={"name": ""}) != recipes[method.of].model_copy(update={"name": ""}):
                    recipes[method.name] = recipe  # else tuning chose what this one would change
                continue
            recipe = method.recipe(base)
            if mode.trials:
                tuned = tune(recipe, out / "tuning" / method.name, trials=mode.trials, progress=progress)
                recipe, trials = tuned.recipe, [*trials, *tuned.runs]
            recipes[method.name] = recipe
        except Exception as error:
            refuse_to_lose_method(method.name, error, out)
            failed[method.name] = report_failure(method.name, error)
    warn_of_other_code(trials, of="of the tuning, ", remedy="a new folder tunes all again")
    return recipes, failed
