"""A benchmark: every recipe trained and evaluated, failures reported, all results compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from graphrec.data.dataset import InteractionDataset
from graphrec.errors import RunError
from graphrec.evaluation.baselines import baselines
from graphrec.evaluation.result_sets import evaluated_sets
from graphrec.experiments.benchmark.evaluate import evaluate_missing
from graphrec.experiments.benchmark.existing_results import refuse_to_lose_method, refuse_to_lose_seeds, run_folder
from graphrec.experiments.benchmark.failures import report_failure
from graphrec.experiments.benchmark.files import report_on, write_results
from graphrec.experiments.benchmark.result import BenchmarkResult, BenchmarkRow, significance_of
from graphrec.runs.build import load_data, prepare_split
from graphrec.runs.code_versions import warn_of_other_code
from graphrec.runs.compare import require_one_split
from graphrec.runs.files import LEDGER
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.simulation.oracle import oracle_gap
from graphrec.simulation.truth import Truth
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
    """Train every recipe with every seed, evaluate the runs and compare them.

    Runs go to `out/runs/METHOD-SEED` and are not repeated when they are there already; `results.csv`, `results.md`,
    `results.svg`, `significance.csv`, `per_user.parquet`, `about.json` and `report.html` are written to `out` at the
    end. A method that fails, for whatever reason, is listed with the reason; the others are still trained. Runs that
    were made with other code are kept, and a warning is logged.

    Args:
        recipes: by method name; all on the same data and split. A method that is called as its decoder's first variant
            is listed with all variants, any other under its own name alone.
        out: folder for everything.
        seeds: each method is trained once for each.
        truth: the simulated world's raw folder, if the data is one.
        target: what the truth is about, see `evaluate_by_truth`.
        title: what the data is called, by default its own name; simulated data is always called so.
        report: whether to write `report.html`.
        failed: methods that failed before, with the reason.
        trials: trainings that each recipe was tuned with; named in the results.
        command: the command that repeats all of it; named in the results.
        progress: shows each training.

    Raises:
        RunError: there is no recipe, as all failed before; the methods do not share their split; or `out` has results
            of a method whose runs there are of another recipe or other data, or results of more seeds. Existing
            results are left as they are.

    Example:
        >>> from pathlib import Path
        >>> from graphrec.experiments.benchmark import run_benchmark
        >>> run_benchmark({}, Path("out"), failed={"HCR": "no title"})
        Traceback (most recent call last):
            ...
        graphrec.errors.RunError: every method failed
          got: HCR: no title
        >>> settings = {"data": {"path": str(data)}, "decoder": {"name": "ct"}, "backbone": {"name": "mf"}}
        >>> small = gr.Recipe.from_dict(settings, ["training.epochs=1", "training.monitor=mrr", "evaluation.k=[10]"])
        >>> result = run_benchmark({"CT": small}, Path("out"), report=False)
        >>> result.table["method"].tolist()
        ['popularity (clicks)', 'CT']
    """
    # Before anything is trained, not hours later when the results are written.
    refuse_to_lose_seeds(seeds, out)
    if not recipes:
        raise RunError("every method failed", got="; ".join(f"{name}: {why}" for name, why in (failed or {}).items()))
    result_sets = evaluated_sets(truth is not None, target)
    trained, failures = _train_and_evaluate(recipes, seeds, out, result_sets, truth, progress)
    first = next(iter(recipes.values()))
    data, split = load_data(first), prepare_split(first)
    world = Truth.load(truth).align(split.dataset.user_ids, split.dataset.item_ids) if truth else None
    # The baselines open the test split as well. They have no run, so the ledger of the benchmark records it.
    compared_with = baselines(split, world, target, first.evaluation.k, out / LEDGER, first.evaluation.metrics)
    rows = [BenchmarkRow.of_baseline(baseline) for baseline in compared_with]
    for name, runs in trained.items():
        rows += BenchmarkRow.of_runs(name, runs, result_sets)
    result = BenchmarkResult(
        rows,
        significance_of(rows, result_sets),
        trained,
        seeds,
        {**(failed or {}), **failures},
        gap=oracle_gap(world, split.train_pairs("click"), target=target) if world else None,
        target=target,
        truth=truth,
        trials=trials,
        command=command,
        title=titled(title or split.dataset.name, split.dataset),
        baselines=compared_with,
        data=data,
        split=split,
    )
    write_results(result, out)
    if report:
        report_on(result, out)
    return result


def titled(title: str, dataset: InteractionDataset) -> str:
    """The title of the data, which says so where it is simulated, wherever its files are.

    Example:
        >>> from graphrec.experiments.benchmark import titled
        >>> titled("Tiktok", gr.load(data))
        'Tiktok (simulated)'
    """
    return f"{title} (simulated)" if "simulated" in dataset.provenance and "(simulated" not in title else title


def _train_and_evaluate(
    recipes: Mapping[str, Recipe],
    seeds: Sequence[int],
    out: Path,
    result_sets: Sequence[str],
    truth: Path | None,
    progress: Progress,
) -> tuple[dict[str, list[Run]], dict[str, str]]:
    """By method its evaluated runs, one a seed; and by method that failed the reason."""
    trained: dict[str, list[Run]] = {}
    failures: dict[str, str] = {}
    for name, recipe in recipes.items():
        runs = []
        try:
            for seed in seeds:
                seeded = recipe.model_copy(update={"seed": seed, "name": name})
                folder = out / "runs" / run_folder(name, seed)
                runs.append(train(seeded, folder, callbacks=[progress(f"{name} (seed {seed})")]))
            # Evaluated once all seeds are trained: a method that fails opens no test split.
            for run, result_set in product(runs, result_sets):
                evaluate_missing(run, run.variants().values(), result_set, truth)
        except Exception as error:
            refuse_to_lose_method(name, error, out)
            failures[name] = report_failure(name, error)
        else:
            trained[name] = runs
    every_run = [run for runs in trained.values() for run in runs]
    require_one_split(every_run)
    warn_of_other_code(every_run)
    return trained, failures
