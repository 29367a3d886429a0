"""The commands that evaluate runs: evaluation, comparison, refutation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.cli.options import Force, GraphFile, Json, RunPath, Trust, read_graph, trust_folders
from graphrec.cli.terminal import bold_mark, print_json, print_results, print_table
from graphrec.errors import RunError

if TYPE_CHECKING:
    import pandas as pd

    from graphrec.causal import CausalGraph
    from graphrec.runs.compare import RunComparison
    from graphrec.runs.run import Run


def evaluate(
    run: RunPath,
    estimand: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="NAME or NAME:option=value[,value ...]; may be repeated. Default: the recipe's, else the decoder's.",
        ),
    ] = None,
    split: Annotated[str, typer.Option(metavar="NAME", help="Rank for the held-out users of: test or valid.")] = "test",
    truth: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder that `simulate` wrote: also evaluate by its causal truth."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With --truth: like (the default), or satisfaction (the like once clicked)."),
    ] = None,
    graph: GraphFile = None,
    slices: Annotated[
        bool,
        typer.Option("--slices", help="Also by users' activity, by time, and by the items' ratio of likes to clicks."),
    ] = False,
    lists: Annotated[
        bool,
        typer.Option("--lists", help="Also coverage, popularity and intra-list similarity of the recommended lists."),
    ] = False,
    off_policy: Annotated[
        bool,
        typer.Option("--off-policy", help="Also the lists' value, estimated on a test split of items shown at random."),
    ] = False,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Rank all items for every user with held-out likes, under each estimand, without retraining."""
    trust_folders(trust)
    from graphrec.system.memory import keep_large_blocks

    keep_large_blocks()
    from graphrec.runs.run import Run

    if target is not None and truth is None:
        raise RunError("a target without a truth", expected="--truth WORLD with --target", got=f"--target {target}")
    if slices and split != "test":
        raise RunError(
            "the slices are of the test split",
            expected="--split test",
            got=f"--split {split} --slices",
            where="--slices",
            next_step="leave out --slices, or --split",
        )
    loaded, causal_graph = Run(run), read_graph(graph)
    if off_policy:  # while the test split is closed
        from graphrec.runs.analyses import shown_at_random

        shown_at_random(loaded)
    by_truth = None
    if truth is not None:  # first: if it is no truth, the test split stays closed
        by_truth = loaded.evaluate_truth(truth, estimand or (), target or "like", causal_graph=causal_graph)
    table = loaded.evaluate(estimand or (), split=split, causal_graph=causal_graph)
    if by_truth is not None:
        # Metrics by the truth are over other users; the column stays that of the users with held-out likes.
        table = table.merge(by_truth.drop(columns="users"), on=["method", "estimand"])
    tables = [table, *_more_tables(loaded, estimand or (), causal_graph, slices, lists, off_policy)]
    if as_json:
        print_json(*tables)
        return
    from graphrec.report.primitives.tables import leading, metric_rows, naming

    for number, shown in enumerate(half for table in tables for half in _without_drops(table)):
        if number:
            typer.echo()
        elsewhere = f"in {loaded.folder / 'metrics.json'}, with --json"
        print_results(*metric_rows(shown), leading(shown), elsewhere, naming(shown))


def _without_drops(table: pd.DataFrame) -> list[pd.DataFrame]:
    """The table without the drops over time, and a table of these, which have other metrics."""
    from graphrec.evaluation.result_sets import DROP

    if "result_set" not in table or DROP not in set(table["result_set"]):
        return [table]
    of_drop = table["result_set"] == DROP
    return [table[rows].dropna(axis=1, how="all").reset_index(drop=True) for rows in (~of_drop, of_drop)]


def _more_tables(
    run: Run, estimands: Sequence[str], graph: CausalGraph | None, slices: bool, lists: bool, off_policy: bool
) -> list[pd.DataFrame]:
    """The tables of `evaluate` besides the ranking metrics; a note says which slice the data does not allow."""
    from graphrec.errors import DataError
    from graphrec.runs import analyses

    tables = []
    if slices:
        tables.append(analyses.by_activity(run, estimands))
        for slices_of in (analyses.by_time, analyses.by_like_ratio):
            try:
                tables.append(slices_of(run, estimands, causal_graph=graph))
            except DataError as error:
                typer.echo(f"note: {error.problem}: {error.got}", err=True)
    if lists:
        tables.append(analyses.of_lists(run, estimands, causal_graph=graph))
    if off_policy:
        tables.append(analyses.off_policy(run, estimands, causal_graph=graph))
    return tables


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Run folders that `train` wrote and `evaluate` evaluated."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.html", help="Write an HTML report, of test or valid.")
    ] = None,
    result_set: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="What is compared: test, valid, truth, satisfaction, lists, active, less_active, ..."
        ),
    ] = "test",
    replicates: Annotated[
        bool, typer.Option("--replicates", help="Take runs that differ in the seed alone as one method.")
    ] = False,
    dose_response: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="With --out: results.csv of benchmarks/dose_response.py, to be shown in the report.",
        ),
    ] = None,
    all_tests: Annotated[
        bool,
        typer.Option("--all-tests", help="Print the tests of every metric, not of NDCG (or of the truth) alone."),
    ] = False,
    force: Force = False,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Compare evaluated runs, test whether they differ, and write a report."""
    trust_folders(trust)
    from graphrec.report.primitives.tables import leading, metric_rows, naming, with_p
    from graphrec.runs.compare import by_recipe, compare_runs
    from graphrec.runs.run import Run

    if dose_response is not None and out is None:
        raise RunError(
            "a dose-response study is part of the report", expected="--out REPORT.html with --dose-response",
            got=f"--dose-response {dose_response}",
        )  # fmt: skip
    loaded = [Run(path) for path in runs]
    comparison = compare_runs(loaded, result_set, replicates=replicates)
    if out is not None:  # first: if it cannot be written, nothing is printed
        from graphrec.report.run_page import write_report

        # The report takes replicates as a list of runs for each method.
        shown = by_recipe(loaded) if replicates else loaded
        page = write_report(shown, out, split=result_set, dose_response=dose_response, force=force)
        typer.echo(f"wrote {page}", err=True)
    if as_json:
        print_json(with_p(comparison.table, comparison.tests))
    else:
        table = comparison.table
        print_results(*metric_rows(table, comparison.tests), leading(table), "with --json", naming(table))
        if len(comparison.tests):
            _print_tests(comparison, all_tests)


def _print_tests(comparison: RunComparison, every_metric: bool) -> None:
    """The tests of the best row against every other, of the report's headline metrics or of all, and what they mean."""
    from graphrec.evaluation.significance import LEVEL
    from graphrec.report.primitives.tables import PAIR_HEADERS, counted, metric_names, pair_rows, row_names
    from graphrec.report.result_table import headline

    table, tests = comparison.table, comparison.tests
    metrics = list(tests["metric"].unique())
    shown = metrics if every_metric else headline([name for name in metric_names(table) if name in metrics])
    level = f"{LEVEL:g}".removeprefix("0")
    typer.echo(f"[ ]: 95 % interval; {bold_mark()}: better than every other row (p < {level}, Holm-corrected)\n")
    print_results(*pair_rows(row_names(table), table, tests[tests["metric"].isin(shown)]), PAIR_HEADERS)
    if left := len(metrics) - len(shown):
        typer.echo(f"tests of {counted(left, 'more metric')}: with --all-tests")


def refute(
    run: RunPath,
    check: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A check of `graphrec list refutations`, or package.module:Class; repeat for several. Default: the "
            "built-in ones.",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Number of trainings, each on a random subset, of the check `subset_stability`.")
    ] = 3,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of each training, in place of the recipe's number.")
    ] = None,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Try to refute a run: train its recipe on altered data, and compare the results with what a sound model shows."""
    trust_folders(trust)
    import dataclasses

    from graphrec.system.memory import keep_large_blocks

    keep_large_blocks()
    from graphrec.cli.progress import training_progress
    from graphrec.refutation import DEFAULT_CHECKS
    from graphrec.refutation import refute as try_to_refute
    from graphrec.refutation.results import OUTCOMES
    from graphrec.runs.run import Run

    try:
        refutation = try_to_refute(
            Run(run), checks=check or DEFAULT_CHECKS, seeds=seeds, epochs=epochs, progress=training_progress
        )
    except KeyboardInterrupt:
        typer.echo("\ninterrupted; the same command resumes after the last finished check", err=True)
        raise
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(result) for result in refutation.checks], indent=2))
        return
    rows = [(result.name, figure.label, str(figure)) for result in refutation.checks for figure in result.figures]
    print_table(["check", "figure", "value [95 % interval]"], rows)
    verdicts = [(result.name, OUTCOMES[result.passed], result.verdict) for result in refutation.checks]
    print_table(["check", "outcome", "verdict"], verdicts)
