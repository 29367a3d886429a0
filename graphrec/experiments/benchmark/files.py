"""The files of a benchmark's results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from graphrec.causal import label
from graphrec.evaluation.metrics import describe
from graphrec.evaluation.result_sets import TRUTH_SETS
from graphrec.evaluation.summary import summarise
from graphrec.experiments.benchmark.existing_results import ABOUT
from graphrec.experiments.benchmark.result import BenchmarkResult, BenchmarkRow
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.plots import Estimate, dot_plot, standalone
from graphrec.report.primitives.tables import markdown, metric_names, primary_metric
from graphrec.report.run_page import write_report
from graphrec.runs.code_versions import code_versions
from graphrec.runs.compare import named
from graphrec.runs.recipe import Recipe
from graphrec.system.owned_folder import own_file, write_own_text


def write_results(result: BenchmarkResult, out: Path) -> None:
    """The table as CSV and Markdown, its picture, the values of each user behind it, and what it was made with.

    No file names a path of this machine.

    Example:
        >>> from pathlib import Path
        >>> from graphrec.experiments.benchmark import BenchmarkResult, BenchmarkRow
        >>> from graphrec.experiments.benchmark.files import write_results
        >>> from graphrec.experiments.benchmark.result import significance_of
        >>> _ = run.evaluate()
        >>> result = BenchmarkResult.of_runs({"HCR": [run]}, title="Twin")
        >>> result.rows = BenchmarkRow.of_runs("HCR", [run], ["test"])
        >>> result.tests = significance_of(result.rows, ["test"])
        >>> write_results(result, Path())
        >>> sorted(path.name for path in Path().iterdir())
        ['about.json', 'per_user.parquet', 'results.csv', 'results.md', 'results.svg', 'significance.csv']
    """
    table = result.table
    texts = {
        "results.csv": table.to_csv(index=False),
        "results.md": markdown(table.drop(columns="estimand"), result.tests)
        + _users_of_truth(result)
        + _own_estimands(result)
        + _made_with(result),
        "significance.csv": named(table["method"].tolist(), result.tests).to_csv(index=False),
    }
    metric = primary_metric(metric_names(table), by_truth=result.gap is not None)
    shown = [
        Estimate(row["method"], row[metric], row[f"{metric}_low"], row[f"{metric}_high"]) for _, row in table.iterrows()
    ]
    texts["results.svg"] = standalone(dot_plot(shown, metric, "results"))
    about = {
        "command": result.command,
        "failed": result.failed,
        "trials": result.trials,
        "oracles": None if result.gap is None else asdict(result.gap),
        "runs": {
            run.folder.name: {**run.about(), "recipe": recipe_values(run.recipe)}
            for runs in result.trained.values()
            for run in runs
        },
    }
    texts[ABOUT] = json.dumps(about, indent=2) + "\n"
    for name, text in texts.items():
        write_own_text(out / name, text)
    write_values(values_of_users(metric_names(table), result.rows, result.seeds, result.split.dataset.user_ids), out)


def _made_with(result: BenchmarkResult) -> str:
    """The data, the seeds, the code and the command behind the table; of the code nothing where none was trained."""
    behind = sorted({code for runs in result.trained.values() for run in runs for code in code_versions(run)})
    made = f" Made with {'; '.join(behind)}." if behind else ""
    by = f" By `{result.command}`." if result.command else ""
    seeds = f"seed{'' if len(result.seeds) == 1 else 's'} {', '.join(map(str, result.seeds))}"
    return f"\n{result.title}; {seeds}.{made}{by}\n"


def _users_of_truth(result: BenchmarkResult) -> str:
    """A line on the users of the columns by the truth, which are not those of the column `users`."""
    result_set = TRUTH_SETS[result.target]
    per_user = [summary.per_user[result_set] for summary in result.baselines if result_set in summary.per_user]
    if not per_user:
        return ""
    counts = {metric: summary["users"] for metric, summary in summarise(per_user[0]).items()}
    liking, all_users = min(counts.values()), max(counts.values())
    over = f"{liking:,} users with a drawn like, the other (do) columns over all {all_users:,}"
    return f"\nNDCG (do) is over the {over}.\n" if liking < all_users else f"\n(do): over all {all_users:,} users.\n"


def _own_estimands(result: BenchmarkResult) -> str:
    """A line an estimand that recipes name first, as tuning writes it, with their methods; nothing where none does."""
    chosen = ", chosen on the validation split" if result.trials else ""
    methods: dict[str, list[str]] = {}
    for name, runs in result.trained.items():
        for first in runs[0].recipe.estimands()[:1]:
            methods.setdefault(label(first), []).append(name)
    lines = [f"- Scored under `{text}`{chosen}: {', '.join(names)}." for text, names in methods.items()]
    return "\n" + "\n".join(lines) + "\n" if lines else ""


def values_of_users(
    metrics: Sequence[str], rows: Sequence[BenchmarkRow], seeds: Sequence[int], user_ids: np.ndarray
) -> pd.DataFrame:
    """The archived values of every row, result set, seed and user; `Metric.archived` says which cutoffs those are.

    Users are in the order of `user_ids`, in which intervals resample them; all values of one are together, which
    halves the file.

    Example:
        >>> import numpy as np
        >>> import pandas as pd
        >>> from graphrec.experiments.benchmark import BenchmarkRow, values_of_users
        >>> per_user = pd.DataFrame({"user": ["b", "a"], "mrr": [0.5, 1.0]})
        >>> row = BenchmarkRow({"method": "CT", "estimand": "observational"}, {"test": [per_user]})
        >>> print(values_of_users(["mrr"], [row], [0], np.array(["a", "b"])).to_string(index=False))
        method      estimand result_set  seed user  mrr
            CT observational       test     0    a  1.0
            CT observational       test     0    b  0.5
    """
    shown = archived(metrics)
    tables = [
        table[["user", *(metric for metric in shown if metric in table)]].assign(
            method=row.cells["method"], estimand=row.cells["estimand"], result_set=result_set, seed=seed
        )
        for row in rows
        for result_set, seed_tables in row.per_user.items()
        for seed, table in zip(seeds, seed_tables)
    ]
    types = dict.fromkeys(("method", "estimand", "result_set", "user"), "category") | {"seed": "int32"}
    columns = ["method", "estimand", "result_set", "seed", "user", *shown]
    values = pd.concat(tables, ignore_index=True)[columns]
    order = np.argsort(pd.Index(user_ids).get_indexer(values["user"]), kind="stable")
    return values.iloc[order].reset_index(drop=True).astype(types | dict.fromkeys(shown, "float32"))


def archived(metrics: Sequence[str]) -> list[str]:
    """The columns whose per-user values are kept with a benchmark's table: of some metrics each K, of some the first.

    Example:
        >>> archived(["recall@20", "recall@50", "hr@20", "hr@50", "precision@20", "mrr"])
        ['recall@20', 'recall@50', 'hr@20', 'mrr']
    """
    first: dict[str, str] = {}
    columns = [describe(metric) for metric in metrics]
    for column in columns:
        first.setdefault(column.stem, column.name)
    return [
        column.name
        for column in columns
        if column.metric.archived == "all" or (column.metric.archived == "first" and first[column.stem] == column.name)
    ]


def write_values(values: pd.DataFrame, out: Path) -> None:
    """Write what `values_of_users` gives as `per_user.parquet`, packed as small as it goes.

    Example:
        >>> from pathlib import Path
        >>> import pandas as pd
        >>> from graphrec.experiments.benchmark import write_values
        >>> write_values(pd.DataFrame({"user": ["a", "b"], "mrr": [1.0, 0.5]}), Path())
        >>> pd.read_parquet("per_user.parquet")["mrr"].tolist()
        [1.0, 0.5]
    """
    with own_file(out / "per_user.parquet") as file:
        values.to_parquet(file, index=False, compression="brotli", compression_level=11)


def recipe_values(recipe: Recipe) -> dict[str, Any]:
    """All of a recipe but where its data is, as JSON has it.

    Example:
        >>> from graphrec.experiments.benchmark import recipe_values
        >>> values = recipe_values(recipe)
        >>> "path" in values["data"], values["decoder"]["name"], values["training"]["epochs"]
        (False, 'hcr', 2)
    """
    values = recipe.model_dump(mode="json")
    values["data"].pop("path")
    return values


def report_on(
    result: BenchmarkResult,
    out: Path,
    paper_tables: Sequence[PaperTable] = (),
    *,
    dose_response: Path | None = None,
    deviations: Sequence[str] = (),
) -> None:
    """Write `report.html` to `out`; no page where no method was trained.

    Args:
        paper_tables, dose_response, deviations: as in `write_report`.

    Example:
        >>> from pathlib import Path
        >>> from graphrec.experiments.benchmark import BenchmarkResult, report_on
        >>> _ = run.evaluate()
        >>> report_on(BenchmarkResult.of_runs({"HCR": [run]}, title="Twin"), Path("out"))
        >>> "<title>Twin</title>" in Path("out/report.html").read_text()
        True
    """
    if result.runs:
        write_report(
            list(result.trained.values()),
            out / "report.html",
            title=result.title,
            paper_tables=paper_tables,
            dose_response=dose_response,
            deviations=deviations,
            failed=result.failed,
            compared=result.compared,
            baselines=result.baselines,
        )
