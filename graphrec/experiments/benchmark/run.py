"""Carrying out a benchmark: every recipe trained and judged, failures told, all of it compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from graphrec.data.dataset import InteractionDataset
from graphrec.errors import RunError
from graphrec.evaluation.baselines import baselines
from graphrec.evaluation.result_sets import evaluated_sets
from graphrec.experiments.benchmark.evaluate import judge
from graphrec.experiments.benchmark.existing_results import refuse_to_lose_method, refuse_to_lose_seeds, run_folder
from graphrec.experiments.benchmark.failures import report_failure
from graphrec.experiments.benchmark.files import report_on, write_results
from graphrec.experiments.benchmark.result import BenchmarkResult, Row, significance_of
from graphrec.runs.build import load_data, prepare_split
from graphrec.runs.code_versions import warn_of_other_code
from graphrec.runs.compare import require_one_split
from graphrec.runs.files import LEDGER
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.simulation.truth import Truth, oracle_gap
from graphrec.training.progress import LogProgress, Progress


def run_benchmark(
    recipes: Mapping[str, Recipe],
    out: Path,
    *,
    seeds: Sequence[int] = (0,),
    truth: Path | None = None,
    target: str = "like",
    title: str | None = None,
    report: bool = True,
    failed: Mapping[str, str] | None = None,
    trials: int = 0,
    command: str = "",
    progress: Progress = LogProgress,
) -> BenchmarkResult:
    """Train, judge and compare.

    Runs go to `out/runs/METHOD-SEED` and are not repeated when they are there already; `results.csv`, `results.md`,
    `results.svg`, `significance.csv`, `per_user.parquet`, `about.json` and `report.html` are written to `out` at the
    end. A method that fails, for whatever reason, is listed with it; the others go on. Runs that were made with other
    code are kept, and a warning is logged.

    Args:
        recipes: by method name; all on the same data and split. A method that is called as its decoder's first variant
            is listed with all variants, any other under its own name alone.
        out: folder for everything.
        seeds: each method is trained once for each.
        truth: the simulated world's raw folder, if the data is one.
        target: what the truth judges, see `evaluate_by_truth`.
        title: what the data is called, by default its own name; simulated data is always called so.
        report: whether to write `report.html`.
        failed: methods that failed before, with the reason.
        trials: trainings that each recipe was tuned with, to be told with the results.
        command: what does all of it again, to be told with the results.
        progress: shows each training.

    Raises:
        RunError: there is no recipe, as all failed before; the methods do not share their split; or `out` has results
            of a method whose runs there are now found to be of another recipe or other data, or results of more
            seeds. Results that are there are left as they are.
    """
    refuse_to_lose_seeds(seeds, out)
    if not recipes:
        raise RunError("every method failed", got="; ".join(f"{name}: {why}" for name, why in (failed or {}).items()))
    result_sets = evaluated_sets(truth is not None, target)
    runs, failures = _carry_out_all(recipes, seeds, out, result_sets, truth, progress)
    first = next(iter(recipes.values()))
    data, split = load_data(first), prepare_split(first)
    known = Truth.load(truth).align(split.dataset.user_ids, split.dataset.item_ids) if truth else None
    beside = baselines(split, known, target, first.evaluation.k, out / LEDGER, first.evaluation.metrics)
    rows = [Row.of_baseline(one) for one in beside]
    for name, found in runs.items():
        rows += Row.of_runs(name, found, result_sets)
    result = BenchmarkResult(
        rows,
        significance_of(rows, result_sets),
        runs,
        seeds,
        {**(failed or {}), **failures},
        gap=oracle_gap(known, split.train_pairs("click"), target=target) if known else None,
        target=target,
        truth=truth,
        trials=trials,
        command=command,
        title=titled(title or split.dataset.name, split.dataset),
        baselines=beside,
        data=data,
        split=split,
    )
    write_results(result, out)
    if report:
        report_on(result, out)
    return result


def titled(title: str, dataset: InteractionDataset) -> str:
    """The title of the data, which says so where it is simulated, wherever its files lie."""
    return f"{title} (simulated)" if "simulated" in dataset.provenance and "(simulated" not in title else title


def _carry_out_all(
    recipes: Mapping[str, Recipe],
    seeds: Sequence[int],
    out: Path,
    result_sets: Sequence[str],
    truth: Path | None,
    progress: Progress,
) -> tuple[dict[str, list[Run]], dict[str, str]]:
    """By method its judged runs, one a seed, and why there are none."""
    runs: dict[str, list[Run]] = {}
    failures: dict[str, str] = {}
    for name, recipe in recipes.items():
        try:
            found = [_trained(name, recipe, seed, out, progress) for seed in seeds]
            for run in found:
                for result_set in result_sets:
                    judge(run, run.variants().values(), result_set, truth)
            runs[name] = found
        except Exception as error:
            refuse_to_lose_method(name, error, out)
            failures[name] = report_failure(name, error)
    every = [run for found in runs.values() for run in found]
    require_one_split(every)
    warn_of_other_code(every)
    return runs, failures


def _trained(name: str, recipe: Recipe, seed: int, out: Path, progress: Progress) -> Run:
    recipe = recipe.model_copy(update={"seed": seed, "name": name})
    return train(recipe, out / "runs" / run_folder(name, seed), callbacks=[progress(f"{name} (seed {seed})")])
