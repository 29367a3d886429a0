"""Several recipes on one dataset, carried out, judged and put in one table: what the scripts in `benchmarks/` call."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from torch import Tensor

from graphrec.assemble import prepare_split
from graphrec.carry_out import train
from graphrec.comparison import named, paired_tests
from graphrec.data.split import Split
from graphrec.errors import GraphrecError
from graphrec.evaluation.metrics import summarise
from graphrec.evaluation.popularity import popularity
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.truth import BYTES_A_SCORE, judge_by_truth, oracles
from graphrec.files import replace_file
from graphrec.progress import training_progress
from graphrec.recipe import Recipe
from graphrec.report.html import write_report
from graphrec.report.plots import Estimate, dot_plot, standalone
from graphrec.report.tables import markdown
from graphrec.run import TRUTH_PARTS, Run, table_row
from graphrec.simulation.truth import ORACLES, OracleGap, Truth, oracle_gap

POPULARITY = "popularity (clicks)"


@dataclass
class BenchmarkResult:
    """What a benchmark found.

    Args:
        table: a row a method and estimand: metrics on the held-out likes, averaged over seeds and users, with bootstrap
            intervals over both; on a simulated world the truth's metrics too.
        tests: of every pair of rows, see `evaluation.significance`; the oracles are no competitors.
        runs: the trained runs of the first seed, for the report.
        failed: methods that ended in an error, with its message.
        gap: on a simulated world, what the two oracles reach.
        target: what its truth judged.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    runs: list[Run]
    failed: dict[str, str] = field(default_factory=dict)
    gap: OracleGap | None = None
    target: str = "like"


def run_benchmark(
    recipes: Mapping[str, Recipe],
    out: Path,
    *,
    seeds: Sequence[int] = (0,),
    truth: Path | None = None,
    target: str = "like",
    title: str | None = None,
) -> BenchmarkResult:
    """Train, judge and compare.

    Runs go to `out/runs/METHOD-SEED` and are not repeated when they are there already; `results.csv`, `results.md`,
    `results.svg`, `significance.csv`, `about.json` and `report.html` are written to `out` at the end. A method that
    fails is listed with its reason; the others go on.

    Args:
        recipes: by method name; all on the same data and split.
        out: folder for everything.
        seeds: each method is trained once for each.
        truth: the simulated world's raw folder, if the data is one.
        target: what the truth judges, see `judge_by_truth`.
    """
    runs: dict[str, list[Run]] = {}
    failed: dict[str, str] = {}
    for name, recipe in recipes.items():
        try:
            runs[name] = [_carry_out(name, recipe, seed, out, truth, target) for seed in seeds]
        except GraphrecError as error:
            failed[name] = str(error)
            print(f"{name} failed: {error}", file=sys.stderr)
    first = next(iter(recipes.values()))
    split = prepare_split(first)
    known = Truth.load(truth).align(split.dataset.user_ids, split.dataset.item_ids) if truth else None
    rows = _references(split, known, target, first.evaluation.k, out / "ledger.jsonl")
    for found in runs.values():
        rows += _rows(found, target if known else None)
    table = pd.DataFrame([row.cells for row in rows])
    tests = pd.concat(
        [
            paired_tests({number: row.per_user[part] for number, row in enumerate(rows) if part in row.per_user})
            for part in ("test", TRUTH_PARTS[target])
        ],
        ignore_index=True,
    )
    gap = oracle_gap(known, split.train_pairs("click"), target=target) if known is not None else None
    result = BenchmarkResult(table, tests, [found[0] for found in runs.values()], failed, gap, target)
    _write(result, out, [run for found in runs.values() for run in found])
    if result.runs:
        write_report(result.runs, out / "report.html", title=title)
    return result


def _write(result: BenchmarkResult, out: Path, every: Sequence[Run]) -> None:
    """The table as CSV and Markdown, its picture, and what it was made with; no file names a path of this machine."""
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
        "oracles": None if result.gap is None else asdict(result.gap),
        "runs": {run.folder.name: {**run.manifest, "recipe": _without_path(run.recipe)} for run in every},
    }
    texts["about.json"] = json.dumps(about, indent=2) + "\n"
    for name, text in texts.items():
        with replace_file(out / name) as part:
            part.write_text(text, encoding="utf-8")


def _without_path(recipe: Recipe) -> dict[str, Any]:
    values = recipe.model_dump(mode="json")
    values["data"].pop("path")
    return values


def _carry_out(name: str, recipe: Recipe, seed: int, out: Path, truth: Path | None, target: str) -> Run:
    recipe = recipe.model_copy(update={"seed": seed, "name": name})
    with training_progress(f"{name} (seed {seed})", recipe.training) as on_epoch:
        run = train(recipe, out / "runs" / f"{name}-{seed}", on_epoch=on_epoch)
    done = run.metrics()
    if not any(entry["part"] == "test" for entry in done.values()):
        run.evaluate(reason="benchmark")
    if truth is not None and not any(entry["part"] == TRUTH_PARTS[target] for entry in done.values()):
        run.evaluate_truth(truth, target=target)
    return run


@dataclass
class _Row:
    """A row of the table, and for each part the per-user tables of its seeds; oracles have none, as none competes."""

    cells: dict[str, Any]
    per_user: dict[str, list[pd.DataFrame]] = field(default_factory=dict)


def _rows(runs: list[Run], target: str | None) -> list[_Row]:
    """One row an estimand, with the runs as its seeds."""
    parts = ["test"] if target is None else ["test", TRUTH_PARTS[target]]
    rows = []
    for entry in runs[0].metrics().values():
        if entry["part"] == "test":
            per_user = {part: [run.per_user(entry["estimand"], part) for run in runs] for part in parts}
            summary = {key: value for tables in per_user.values() for key, value in summarise(*tables).items()}
            rows.append(_Row(table_row(entry["method"], entry["estimand"], summary), per_user))
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
        rows.append(_Row(table_row(name, "", summary), kept if name == POPULARITY else {}))
    return rows
