"""Several recipes on one dataset, carried out, judged and put in one table: what the scripts in `benchmarks/` call."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from graphrec import analyses
from graphrec.assemble import prepare_split
from graphrec.carry_out import train
from graphrec.causal import Estimand, label
from graphrec.comparison import named, paired_tests
from graphrec.data.split import Split
from graphrec.errors import GraphrecError, RunError
from graphrec.evaluation.metrics import summarise
from graphrec.evaluation.popularity import popularity
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.truth import BYTES_A_SCORE, judge_by_truth, oracles
from graphrec.files import replace_file
from graphrec.progress import training_progress
from graphrec.recipe import Recipe
from graphrec.report.html import write_report
from graphrec.report.plots import Estimate, dot_plot, standalone
from graphrec.report.tables import markdown, metric_names
from graphrec.run import ACTIVITY, DROP, RATIOS, SUBSETS, TRUTH_PARTS, Run, table_row
from graphrec.simulation.truth import ORACLES, OracleGap, Truth, oracle_gap

POPULARITY = "popularity (clicks)"
PER_USER = ("mrr", "recall", "ndcg", "hr", "ndcg_do")
"""Metrics whose values of each user are kept beside the table, each at its first K."""


@dataclass
class BenchmarkResult:
    """What a benchmark found.

    Args:
        table: a row a method and estimand: metrics on the held-out likes, averaged over seeds and users, with bootstrap
            intervals over both; on a simulated world the truth's metrics too.
        tests: of every pair of rows, see `evaluation.significance`; the oracles are no competitors.
        trained: the runs of each method, one a seed.
        failed: methods that ended in an error, with its reason.
        gap: on a simulated world, what the two oracles reach.
        target: what its truth judged.
        truth: the simulated world's raw folder.
        trials: trainings that each method was tuned with; 0 where none was.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    trained: dict[str, list[Run]]
    failed: dict[str, str] = field(default_factory=dict)
    gap: OracleGap | None = None
    target: str = "like"
    truth: Path | None = None
    trials: int = 0

    @property
    def runs(self) -> list[Run]:
        """The runs of the first seed, for the report."""
        return [found[0] for found in self.trained.values()]


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
) -> BenchmarkResult:
    """Train, judge and compare.

    Runs go to `out/runs/METHOD-SEED` and are not repeated when they are there already; `results.csv`, `results.md`,
    `results.svg`, `significance.csv`, `per_user.parquet`, `about.json` and `report.html` are written to `out` at the
    end. A method that fails, for whatever reason, is listed with it; the others go on.

    Args:
        recipes: by method name; all on the same data and split. A method that is called as its decoder's first variant
            is listed with all variants, any other under its own name alone.
        out: folder for everything.
        seeds: each method is trained once for each.
        truth: the simulated world's raw folder, if the data is one.
        target: what the truth judges, see `judge_by_truth`.
        report: whether to write `report.html`.
        failed: methods that failed before, with the reason.
        trials: trainings that each recipe was tuned with, to be told with the results.

    Raises:
        RunError: there is no recipe, as all failed before.
    """
    if not recipes:
        raise RunError("every method failed", got="; ".join(f"{name}: {why}" for name, why in (failed or {}).items()))
    runs: dict[str, list[Run]] = {}
    failed = dict(failed or {})
    for name, recipe in recipes.items():
        try:
            runs[name] = [_carry_out(name, recipe, seed, out, truth, target) for seed in seeds]
        except Exception as error:
            failed[name] = reason(error)
            if not isinstance(error, GraphrecError):  # ours, not the user's: whoever mends it wants to see where
                traceback.print_exception(error)
            print(f"{name} failed: {error}", file=sys.stderr)
    first = next(iter(recipes.values()))
    split = prepare_split(first)
    known = Truth.load(truth).align(split.dataset.user_ids, split.dataset.item_ids) if truth else None
    rows = _references(split, known, target, first.evaluation.k, out / "ledger.jsonl")
    for name, found in runs.items():
        rows += _rows(name, found, target if known else None)
    table = pd.DataFrame([row.cells for row in rows])
    tests = pd.concat(
        [
            paired_tests(
                {number: row.per_user[part] for number, row in enumerate(rows) if row.competes and part in row.per_user}
            )
            for part in ("test", TRUTH_PARTS[target])
        ],
        ignore_index=True,
    )
    gap = oracle_gap(known, split.train_pairs("click"), target=target) if known is not None else None
    result = BenchmarkResult(table, tests, runs, failed, gap, target, truth, trials)
    _write(result, rows, seeds, out)
    if report and result.runs:
        write_report(result.runs, out / "report.html", title=title, failed=failed)
    return result


def reason(error: BaseException) -> str:
    """Why something failed, in one line that names no place on this machine."""
    if not isinstance(error, GraphrecError):
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    said = (("expected", error.expected), ("got", error.got))
    parts = [error.problem, *(f"{name} {text}" for name, text in said if text is not None)]
    return "; ".join(" ".join(part.split()) for part in parts)


def judge(run: Run, estimands: Iterable[Estimand], part: str, truth: Path | None = None, target: str = "like") -> None:
    """Evaluate a run on a part under the estimands for which that was not done yet.

    Args:
        part: a key of `EVALUATE_OPTIONS`.
        truth, target: where the part is the truth's, as in `Run.evaluate_truth`.
    """
    known = run.metrics()
    missing = [one for one in estimands if f"{part}/{label(one)}" not in known]
    if not missing:
        return
    if part in TRUTH_PARTS.values():
        assert truth is not None, "a world's truth judges its twin alone"
        run.evaluate_truth(truth, missing, target)
    elif part in ("test", "valid"):
        run.evaluate(missing, part=part, reason="benchmark")
    else:
        if part in ACTIVITY:
            judge(run, missing, "test")
        _ANALYSES[part](run, missing)


_ANALYSES: dict[str, Callable[[Run, Sequence[Estimand]], pd.DataFrame]] = {
    **dict.fromkeys(ACTIVITY, analyses.by_activity),
    **dict.fromkeys((*SUBSETS, DROP), analyses.by_time),
    **dict.fromkeys(RATIOS, analyses.by_like_ratio),
}


def _write(result: BenchmarkResult, rows: Sequence[_Row], seeds: Sequence[int], out: Path) -> None:
    """The table as CSV and Markdown, its picture, the values of each user behind it, and what it was made with.

    No file names a path of this machine.
    """
    table = result.table
    texts = {
        "results.csv": table.to_csv(index=False),
        "results.md": markdown(table.drop(columns="estimand"), result.tests),
        "significance.csv": named(table["method"].tolist(), result.tests).to_csv(index=False),
    }
    metric = next(name for name in table.columns if name.startswith("ndcg_do@" if result.gap else "ndcg@"))
    shown = [
        Estimate(row["method"], row[metric], row[f"{metric}_low"], row[f"{metric}_high"]) for _, row in table.iterrows()
    ]
    texts["results.svg"] = standalone(dot_plot(shown, metric, "results"))
    about = {
        "failed": result.failed,
        "trials": result.trials,
        "oracles": None if result.gap is None else asdict(result.gap),
        "runs": {
            run.folder.name: {**run.manifest, "recipe": _without_path(run.recipe)}
            for found in result.trained.values()
            for run in found
        },
    }
    texts["about.json"] = json.dumps(about, indent=2) + "\n"
    for name, text in texts.items():
        with replace_file(out / name) as part:
            part.write_text(text, encoding="utf-8")
    with replace_file(out / "per_user.parquet") as part:
        values = _per_user(metric_names(table), rows, seeds)
        values.to_parquet(part, index=False, compression="zstd", compression_level=19)


def _per_user(metrics: Iterable[str], rows: Sequence[_Row], seeds: Sequence[int]) -> pd.DataFrame:
    """What `PER_USER` names of every row, part, seed and user, users in the order in which intervals resample them."""
    kept: dict[str, str] = {}
    for metric in metrics:
        kept.setdefault(metric.partition("@")[0], metric)
    shown = [metric for name, metric in kept.items() if name in PER_USER]
    tables = [
        table[["user", *(metric for metric in shown if metric in table)]].assign(
            method=row.cells["method"], estimand=row.cells["estimand"], part=part, seed=seed
        )
        for row in rows
        for part, found in row.per_user.items()
        for seed, table in zip(seeds, found)
    ]
    types = dict.fromkeys(("method", "estimand", "part", "user"), "category") | {"seed": "int32"}
    columns = ["method", "estimand", "part", "seed", "user", *shown]
    return pd.concat(tables, ignore_index=True)[columns].astype(types | dict.fromkeys(shown, "float32"))


def _without_path(recipe: Recipe) -> dict[str, Any]:
    values = recipe.model_dump(mode="json")
    values["data"].pop("path")
    return values


def _carry_out(name: str, recipe: Recipe, seed: int, out: Path, truth: Path | None, target: str) -> Run:
    recipe = recipe.model_copy(update={"seed": seed, "name": name})
    with training_progress(f"{name} (seed {seed})", recipe.training) as on_epoch:
        run = train(recipe, out / "runs" / f"{name.lower().replace(' ', '-')}-{seed}", on_epoch=on_epoch)
    for part in ["test"] if truth is None else ["test", TRUTH_PARTS[target]]:
        judge(run, run.variants().values(), part, truth, target)
    return run


@dataclass
class _Row:
    """A row of the table, for each part the per-user tables of its seeds, and whether it is tested against others."""

    cells: dict[str, Any]
    per_user: dict[str, list[pd.DataFrame]]
    competes: bool = True


def _rows(method: str, runs: list[Run], target: str | None) -> list[_Row]:
    """One row an estimand, with the runs as its seeds."""
    parts = ["test"] if target is None else ["test", TRUTH_PARTS[target]]
    variants = runs[0].variants()
    if method.casefold() != next(iter(variants)).casefold():  # another setting of a decoder: its variants say no more
        variants = {method: next(iter(variants.values()))}
    rows = []
    for name, estimand in variants.items():
        per_user = {part: [run.per_user(label(estimand), part) for run in runs] for part in parts}
        summary = {key: value for tables in per_user.values() for key, value in summarise(*tables).items()}
        rows.append(_Row(table_row(name, label(estimand), summary), per_user))
    return rows


def _references(split: Split, truth: Truth | None, target: str, cutoffs: tuple[int, ...], ledger: Path) -> list[_Row]:
    """Popularity and, on a simulated world, the two oracles: what any method stands between."""
    items, users = split.dataset.num_items, split.dataset.user_ids
    scores: dict[str, Callable[[Tensor], Tensor]] = {POPULARITY: popularity(split.train_pairs("click"), items)}
    if truth is not None:
        scores |= {f"oracle: {name}": score for name, score in zip(ORACLES[target], oracles(truth, target))}
    rows = []
    positives, seen = split.open_test("benchmark references", ledger), split.train_pairs("click")
    for name, score in scores.items():
        per_user = {
            "test": evaluate(
                score,
                positives,
                seen,
                num_users=split.dataset.num_users,
                bytes_per_user=BYTES_A_SCORE * items,
                cutoffs=cutoffs,
            )
        }
        if truth is not None:
            per_user[TRUTH_PARTS[target]] = judge_by_truth(
                score, truth, seen, bytes_per_user=BYTES_A_SCORE * items, target=target
            )
        summary = {key: value for table in per_user.values() for key, value in summarise(table).items()}
        kept = {part: [table.assign(user=users[table["user"]])] for part, table in per_user.items()}
        rows.append(_Row(table_row(name, "", summary), kept, competes=name == POPULARITY))
    return rows
