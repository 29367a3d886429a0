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
from graphrec.assemble import load_data, prepare_split
from graphrec.carry_out import codes, other_code, train
from graphrec.causal import Estimand, label
from graphrec.comparison import Reference, named, paired_tests
from graphrec.data.dataset import InteractionDataset
from graphrec.data.split import Split
from graphrec.errors import GraphrecError, MismatchError, RunError
from graphrec.evaluation.metrics import summarise
from graphrec.evaluation.popularity import popularity
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.truth import BYTES_A_SCORE, judge_by_truth, oracles
from graphrec.files import read_json, replace_file
from graphrec.progress import training_progress
from graphrec.recipe import Recipe
from graphrec.report.exhibits import Exhibit
from graphrec.report.html import write_report
from graphrec.report.plots import Estimate, dot_plot, standalone
from graphrec.report.tables import markdown, metric_names
from graphrec.run import ACTIVITY, DROP, RATIOS, SUBSETS, TRUTH_PARTS, Run, require_one_split, table_row
from graphrec.simulation.truth import ORACLES, OracleGap, Truth, oracle_gap

POPULARITY = "popularity (clicks)"
ABOUT = "about.json"
PER_USER = ("mrr", "recall", "ndcg", "hr", "ndcg_do")
"""Metrics whose values of each user are kept beside the table, each at its first K."""


@dataclass
class BenchmarkResult:
    """What a benchmark found.

    Args:
        table: a row a method and estimand: metrics on the held-out likes, averaged over seeds and users, with intervals
            over both; on a simulated world the truth's metrics too.
        tests: of every pair of rows, see `evaluation.significance`; the oracles are no competitors.
        trained: the runs of each method, one a seed.
        failed: methods that ended in an error, with its reason.
        gap: on a simulated world, what the two oracles reach.
        target: what its truth judged.
        truth: the simulated world's raw folder.
        trials: trainings that each method was tuned with; 0 where none was.
        title: what the data is called.
        references: what the methods stand beside, the first rows of the table.
        trainings: by row number, the method whose training the row is an estimand of; references have none.
        data: all of it, as the recipes read it, whatever part it goes to.
        split: what was trained on; its test part stays closed.
    """

    table: pd.DataFrame
    tests: pd.DataFrame
    trained: dict[str, list[Run]]
    failed: dict[str, str] = field(default_factory=dict)
    gap: OracleGap | None = None
    target: str = "like"
    truth: Path | None = None
    trials: int = 0
    title: str = ""
    references: list[Reference] = field(default_factory=list)
    trainings: dict[int, str] = field(default_factory=dict)
    data: InteractionDataset = field(kw_only=True)
    split: Split = field(kw_only=True)

    @property
    def runs(self) -> list[Run]:
        """The runs of the first seed."""
        return [found[0] for found in self.trained.values()]

    @property
    def compared(self) -> dict[str, dict[str, str]]:
        """By method, the estimands that have a row in the table, by label, and what the rows are called."""
        found: dict[str, dict[str, str]] = {}
        for number, training in self.trainings.items():
            row = self.table.loc[number]
            found.setdefault(training, {})[row["estimand"]] = row["method"]
        return found


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
    end. A method that fails, for whatever reason, is listed with it; the others go on. Runs that were made with other
    code are kept, and one line on stderr tells of them.

    Args:
        recipes: by method name; all on the same data and split. A method that is called as its decoder's first variant
            is listed with all variants, any other under its own name alone.
        out: folder for everything.
        seeds: each method is trained once for each.
        truth: the simulated world's raw folder, if the data is one.
        target: what the truth judges, see `judge_by_truth`.
        title: what the data is called, by default its own name; simulated data is always called so.
        report: whether to write `report.html`.
        failed: methods that failed before, with the reason.
        trials: trainings that each recipe was tuned with, to be told with the results.

    Raises:
        RunError: there is no recipe, as all failed before; the methods do not share their split; or `out` has results
            of a method whose runs there are now found to be of another recipe or other data. Results that are there
            are left as they are.
    """
    if not recipes:
        raise RunError("every method failed", got="; ".join(f"{name}: {why}" for name, why in (failed or {}).items()))
    runs: dict[str, list[Run]] = {}
    failed = dict(failed or {})
    for name, recipe in recipes.items():
        try:
            runs[name] = [_carry_out(name, recipe, seed, out, truth, target) for seed in seeds]
        except Exception as error:
            keep_results(name, error, out)
            failed[name] = tell_failure(name, error)
    every = [run for found in runs.values() for run in found]
    require_one_split(every)
    if said := other_code(every):
        print(f"warning: {said}; a new --out trains all anew", file=sys.stderr)
    first = next(iter(recipes.values()))
    data, split = load_data(first), prepare_split(first)
    known = Truth.load(truth).align(split.dataset.user_ids, split.dataset.item_ids) if truth else None
    references = _references(split, known, target, first.evaluation.k, out / "ledger.jsonl")
    rows = [_row(one) for one in references]
    for name, found in runs.items():
        rows += _rows(name, found, target if known else None)
    table = pd.DataFrame([row.cells for row in rows])
    competing = {number: row.per_user for number, row in enumerate(rows) if row.competes}
    trainings = {number: row.training for number, row in enumerate(rows) if row.training}
    tests = pd.concat(
        [
            paired_tests({number: found[part] for number, found in competing.items() if part in found}, trainings)
            for part in ("test", TRUTH_PARTS[target])
        ],
        ignore_index=True,
    )
    gap = oracle_gap(known, split.train_pairs("click"), target=target) if known is not None else None
    title = titled(title or split.dataset.name, split.dataset)
    result = BenchmarkResult(
        table, tests, runs, failed, gap, target, truth, trials, title, references, trainings, data=data, split=split
    )
    _write(result, rows, seeds, out)
    if report:
        report_on(result, out)
    return result


def report_on(result: BenchmarkResult, out: Path, exhibits: Sequence[Exhibit] = ()) -> None:
    """Write `report.html` to `out`; no page where no method was trained."""
    if result.runs:
        write_report(
            list(result.trained.values()),
            out / "report.html",
            title=result.title,
            exhibits=exhibits,
            failed=result.failed,
            compared=result.compared,
            references=result.references,
        )


def titled(title: str, dataset: InteractionDataset) -> str:
    """The title of the data, which says so where it is simulated, wherever its files lie."""
    return f"{title} (simulated)" if "simulated" in dataset.provenance and "(simulated" not in title else title


def keep_results(name: str, error: Exception, out: Path) -> None:
    """Refuse to go on to results without a method that has some there, because its runs there do not fit.

    Raises:
        RunError: the error is a mismatch, and `out` has results of the method.
    """
    about = out / ABOUT
    if not isinstance(error, MismatchError) or not about.is_file():
        return
    if _slug(name) in {folder.rpartition("-")[0] for folder in read_json(about).get("runs", {})}:
        raise RunError(
            f"the results here have {name}, whose trainings do not fit what is asked now; nothing was changed",
            expected="the data and the recipe that they were made of",
            got=reason(error),
            where=error.where,
            next_step="choose another --out, or remove the folder",
        ) from error


def tell_failure(name: str, error: Exception) -> str:
    """Say on stderr that a method failed, and why; returns the reason in short, see `shown_reason`."""
    print(f"{name} failed: {error}", file=sys.stderr)
    return shown_reason(error)


def shown_reason(error: Exception) -> str:
    """The reason of a failure; the traceback of a bug goes to stderr, as whoever mends it wants to see where it is."""
    if not isinstance(error, GraphrecError):
        traceback.print_exception(error)
    return reason(error)


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
        "results.md": markdown(table.drop(columns="estimand"), result.tests)
        + _users_of_truth(result)
        + _own_estimands(result)
        + _made_with(result, seeds),
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
            run.folder.name: {**run.about(), "recipe": _without_path(run.recipe)}
            for found in result.trained.values()
            for run in found
        },
    }
    texts[ABOUT] = json.dumps(about, indent=2) + "\n"
    for name, text in texts.items():
        with replace_file(out / name) as part:
            part.write_text(text, encoding="utf-8")
    with replace_file(out / "per_user.parquet") as part:
        values = _per_user(metric_names(table), rows, seeds)
        values.to_parquet(part, index=False, compression="zstd", compression_level=19)


def _made_with(result: BenchmarkResult, seeds: Sequence[int]) -> str:
    """The data, the seeds and the code behind the table; nothing of the code where no method was trained."""
    behind = sorted({code for found in result.trained.values() for run in found for code in codes(run)})
    made = f" Made with {'; '.join(behind)}." if behind else ""
    return f"\n{result.title}; seed{'s'[: len(seeds) > 1]} {', '.join(map(str, seeds))}.{made}\n"


def _users_of_truth(result: BenchmarkResult) -> str:
    """A line on the users of the columns by the truth, which are not those of the column `users`."""
    part = TRUTH_PARTS[result.target]
    judged = [one.per_user[part] for one in result.references if part in one.per_user]
    if not judged:
        return ""
    counts = {metric: one["users"] for metric, one in summarise(judged[0]).items()}
    liking, all_users = min(counts.values()), max(counts.values())
    over = f"{liking:,} users with a drawn like, the other (do) columns over all {all_users:,}"
    return f"\nNDCG (do) is over the {over}.\n" if liking < all_users else f"\n(do): over all {all_users:,} users.\n"


def _own_estimands(result: BenchmarkResult) -> str:
    """A line an estimand that recipes name first, as tuning writes it, with their methods; nothing where none does."""
    chosen = ", chosen on the validation part" if result.trials else ""
    methods: dict[str, list[str]] = {}
    for name, found in result.trained.items():
        for first in found[0].recipe.estimands()[:1]:
            methods.setdefault(label(first), []).append(name)
    lines = [f"- Scored under `{text}`{chosen}: {', '.join(names)}." for text, names in methods.items()]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


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
        run = train(recipe, out / "runs" / f"{_slug(name)}-{seed}", on_epoch=on_epoch)
    for part in ["test"] if truth is None else ["test", TRUTH_PARTS[target]]:
        judge(run, run.variants().values(), part, truth, target)
    return run


def _slug(method: str) -> str:
    return method.lower().replace(" ", "-")


@dataclass
class _Row:
    """A row of the table, for each part the per-user tables of its seeds, whether it is tested against others, and the
    method whose training it is an estimand of."""

    cells: dict[str, Any]
    per_user: dict[str, list[pd.DataFrame]]
    competes: bool = True
    training: str = ""


def _rows(method: str, runs: list[Run], target: str | None) -> list[_Row]:
    """One row an estimand, with the runs as its seeds."""
    parts = ["test"] if target is None else ["test", TRUTH_PARTS[target]]
    variants = runs[0].variants()
    published = next(iter(runs[0].untrained_decoder().variants()))
    if method.casefold() != published.casefold():  # another setting of a decoder: its variants say no more
        variants = {method: next(iter(variants.values()))}
    rows = []
    for name, estimand in variants.items():
        per_user = {part: [run.per_user(label(estimand), part) for run in runs] for part in parts}
        summary = {key: value for tables in per_user.values() for key, value in summarise(*tables).items()}
        rows.append(_Row(table_row(name, label(estimand), summary), per_user, training=method))
    return rows


def _references(
    split: Split, truth: Truth | None, target: str, cutoffs: tuple[int, ...], ledger: Path
) -> list[Reference]:
    """Popularity and, on a simulated world, the two oracles: what any method stands between."""
    items, users = split.dataset.num_items, split.dataset.user_ids
    scores: dict[str, Callable[[Tensor], Tensor]] = {POPULARITY: popularity(split.train_pairs("click"), items)}
    if truth is not None:
        scores |= {f"oracle: {name}": score for name, score in zip(ORACLES[target], oracles(truth, target))}
    references = []
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
        kept = {part: table.assign(user=users[table["user"]]) for part, table in per_user.items()}
        popular = name == POPULARITY
        about = "clicks of the training part" if popular else "the simulated world's own; in no test"
        references.append(Reference(name, about, kept, competes=popular))
    return references


def _row(reference: Reference) -> _Row:
    summary = {key: value for table in reference.per_user.values() for key, value in summarise(table).items()}
    per_user = {part: [table] for part, table in reference.per_user.items()}
    return _Row(table_row(reference.name, "", summary), per_user, competes=reference.competes)
