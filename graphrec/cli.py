"""The command line: parse, call, print. torch is imported by the commands that need it, not by `--help`."""

from __future__ import annotations

import errno
import json
import shlex
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from graphrec.errors import GraphrecError, RecipeError, RunError
from graphrec.report.terminal import print_results, print_table

app = typer.Typer(
    name="graphrec",
    help="Causal multimodal graph recommendation: raw logs to a trained, judged and exported recommender.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
new = typer.Typer(help="Write the files that a part of your own starts from.", no_args_is_help=True)
app.add_typer(new, name="new")


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
OUT_HELP = "Folder to write, whole or not at all; what the same command wrote there before is replaced, with all in it."
Out = Annotated[Path, typer.Option("--out", help=OUT_HELP)]
RUN_OUT_HELP = "Folder of the run; a finished run of the recipe there is kept, an interrupted one goes on."
GRAPH_HELP = "A causal graph of one's own (JSON, as `causal --json` prints under `graph`): claims are checked on it."
GraphFile = Annotated[Path | None, typer.Option("--graph", metavar="FILE.json", help=GRAPH_HELP)]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder that `train` wrote.")]


class Kind(StrEnum):
    backbones = "backbones"
    decoders = "decoders"
    estimands = "estimands"
    sources = "sources"
    worlds = "worlds"
    splits = "splits"
    checks = "checks"


def main() -> None:
    """Entry point."""
    warnings.showwarning = _show_warning
    sys.path.append(str(Path.cwd()))  # a class of one's own is found in the current folder, after everything else
    with mistakes_told():
        app()


@contextmanager
def mistakes_told() -> Iterator[None]:
    """What goes wrong by a mistake of the user's or by the system ends with a message and status 2, not a traceback."""
    try:
        yield
    except GraphrecError as error:
        _fail(error)
    except BrokenPipeError:  # the reader of our output has gone, as in `graphrec ... | head`
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # a full disk, a forbidden folder: not ours to mend, and no bug
        _fail(_refused(error))
    except Exception as error:
        from safetensors import SafetensorError

        if not isinstance(error, SafetensorError):
            raise
        # Readers turn theirs into typed errors, so this one could not write.
        _fail(_refused(OSError(str(error))))


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("graphrec"))
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
]


@app.callback()
def options(version: Version = False) -> None:
    pass


@app.command("list")
def list_parts(kind: Annotated[Kind, typer.Argument(help="What to list.")], as_json: Json = False) -> None:
    """List what there is to choose from; for backbones also what they use, train and cost."""
    if kind is Kind.backbones:
        _list_backbones(as_json)
        return
    rows = _parts(kind)
    if as_json:
        typer.echo(json.dumps([{"name": name, "summary": summary} for name, summary in rows], indent=2))
        return
    print_table(["name", "what it is"], rows)


@app.command()
def datasets(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="How to get this one; without it a table of all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the datasets that have a card, or say what one is, who may have it, how, and which files it takes."""
    from graphrec.data.cards import card_of, cards
    from graphrec.report.cards import card_rows, card_text, file_rows, variant_rows
    from graphrec.simulation import worlds

    chosen = None if name is None else card_of(name)
    if as_json:
        found = [card.model_dump(mode="json") for card in cards().values()] if chosen is None else chosen.model_dump()
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    elif chosen is None:
        print_table(*card_rows(cards().values()))
    else:
        typer.echo(card_text(chosen, twin=chosen.source in worlds))
        for rows in (file_rows(chosen), variant_rows(chosen)):
            if rows[1]:
                typer.echo()
                print_table(*rows)


@app.command()
def simulate(
    world: Annotated[str, typer.Argument(metavar="WORLD", help="A world of `graphrec list worlds`.")],
    out: Out,
    users: Annotated[int | None, typer.Option(help="Number of users.")] = None,
    items: Annotated[int | None, typer.Option(help="Number of items.")] = None,
    strength: Annotated[float | None, typer.Option(help="Strength of the hidden confounder; 0 is none.")] = None,
    seed: Annotated[int, typer.Option(help="Every draw follows from it.")] = 0,
    dataset: Annotated[
        Path | None,
        typer.Option("--from", metavar="DATASET", help="Keep a prepared dataset's items, features and activity."),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Any other setting of the world.")
    ] = None,
) -> None:
    """Write a simulated world with known truth, in the raw layout of a public dataset."""
    from graphrec.simulation import simulate as write_world

    chosen = {
        "users": users,
        "items": items,
        "strength": strength,
        "seed": seed,
        **_key_values(settings, "--set"),
    }
    folder = write_world(
        world, out, dataset=dataset, **{key: value for key, value in chosen.items() if value is not None}
    )
    typer.echo(f"wrote {folder}; the truth is in {folder / 'truth'}, which training never reads")


@app.command()
def prepare(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A source of `graphrec list sources`.")],
    raw: Annotated[Path, typer.Option("--raw", help="Folder or file in the source's layout.")],
    out: Out,
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="An option of the source.")
    ] = None,
) -> None:
    """Read raw files and write a prepared dataset."""
    from graphrec.data.checks import statistics
    from graphrec.data.store import load
    from graphrec.preparation import prepare as prepare_data

    folder = prepare_data(source, raw, out, _key_values(option, "--option"))
    facts = statistics(load(folder))
    sizes = ", ".join(f"{facts[name]:,} {name}" for name in ("users", "items", "clicks", "likes"))
    typer.echo(f"wrote {folder}: {sizes}")
    if facts["likes"] == facts["clicks"]:
        typer.echo("note: every click counts as a like; name a rating or behaviours (--option) if the data has them")
    if not facts["times"]:
        typer.echo("note: the events have no times; the split `chronological` needs them, `random` does not")


@app.command()
def check(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="A folder that `prepare` wrote.")],
    split: Annotated[
        str | None,
        typer.Option(help="Audit this split for leaks; by default the source's own, else chronological, else random."),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="The simulated world's folder: show how far the log's own truth is from the causal one."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.html", help="Write a page with the distributions drawn.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look for everything that is wrong or surprising in a prepared dataset; status 2 if there are errors."""
    import dataclasses

    from graphrec.data.split import SplitConfig
    from graphrec.data.store import load
    from graphrec.inspection import inspect

    loaded = load(dataset)
    inspection = inspect(loaded, None if split is None else SplitConfig(name=split))
    gaps = {}
    if truth is not None:
        from graphrec.simulation.truth import oracle_gaps

        gaps = oracle_gaps(loaded, truth)
    headers = ["target", "NDCG@50, true effect", "NDCG@50, as observed", "loss", "regret@50, as observed"]
    oracles: tuple[list[str], list[tuple[str, ...]]] = (
        headers,
        [(target, *gap.cells()) for target, gap in gaps.items()],
    )
    if as_json:
        more = {"oracles": {target: dataclasses.asdict(gap) for target, gap in gaps.items()}} if gaps else {}
        typer.echo(json.dumps({**inspection.to_dict(), **more}, indent=2, default=str))
    else:
        from graphrec.report.inspections import finding_table, modality_table, number_rows, span_text

        facts = inspection.statistics
        events = ", ".join(f"{name} {count:,}" for name, count in facts["events"].items())
        more_facts = [("events", events), ("times", span_text(facts)), ("published set", inspection.verdict)]
        print_table(["statistic", "value"], [*number_rows(facts), *more_facts])
        for table in (modality_table(facts), oracles, finding_table(inspection.findings)):
            if table[1]:
                typer.echo()
                print_table(*table)
        if not inspection.findings:
            typer.echo("\nnothing wrong or surprising was found")
    if out is not None:
        from graphrec.report.check_page import write_check_page

        typer.echo(f"wrote {write_check_page(inspection, out, oracles)}", err=True)
    if inspection.has_errors:
        raise typer.Exit(2)


@app.command()
def show(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml")],
    overrides: Annotated[list[str] | None, typer.Option("--set", metavar="KEY.SUB=VALUE")] = None,
) -> None:
    """Print a recipe with every default resolved."""
    from graphrec.recipe import Recipe

    typer.echo(Recipe.from_toml(recipe, overrides or ()).to_toml(), nl=False)


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml")],
    out: Annotated[Path, typer.Option("--out", help=RUN_OUT_HELP)],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY.SUB=VALUE", help="Override the recipe, e.g. --set training.epochs=20."),
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Keep a finished run of the same recipe, go on with an interrupted one; or start anew.")
    ] = True,
) -> None:
    """Carry out a recipe; the test part stays locked until `evaluate`."""
    from graphrec.allocator import keep_large_blocks

    keep_large_blocks()
    from graphrec.carry_out import complete_run
    from graphrec.carry_out import train as carry_out
    from graphrec.progress import training_progress
    from graphrec.recipe import Recipe

    parsed = Recipe.from_toml(recipe, overrides or ())
    kept = resume and complete_run(out) is not None
    try:
        with training_progress(parsed.name, parsed.training) as on_epoch:
            run = carry_out(parsed, out, on_epoch=on_epoch, resume=resume)
    except KeyboardInterrupt:
        typer.echo(f"\ninterrupted; {_goes_on(out, resume)}", err=True)
        raise
    facts = run.manifest
    monitor = parsed.training.monitor
    if kept:
        typer.echo("this recipe was trained there before, and nothing was done; --no-resume trains it anew")
    typer.echo(
        f"{out}: {run.name}, best epoch {facts['best_epoch']} of {facts['epochs']}, "
        f"validation {monitor} {facts['best_' + monitor]:.4f}, {facts['training_seconds']:.0f} s"
    )


@app.command()
def tune(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the trials; the same command goes on there.")],
    trials: Annotated[int, typer.Option(help="Number of trainings; the first is the recipe as it is.")] = 10,
    sampler: Annotated[str, typer.Option(help="tpe, random or grid.")] = "tpe",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY.SUB=VALUE", help="Override the recipe, e.g. --set training.epochs=20."),
    ] = None,
    as_json: Json = False,
) -> None:
    r"""Search a recipe's \[tune.space], or its decoder's own, for what is best on the validation likes."""
    from graphrec.allocator import keep_large_blocks

    keep_large_blocks()
    from graphrec.progress import training_progress
    from graphrec.recipe import Recipe
    from graphrec.tuning import Tuning
    from graphrec.tuning import tune as carry_out

    def on_trial(so_far: Tuning) -> None:
        typer.echo(f"{len(so_far.trials)} of {trials}, {so_far.last_line()}", err=True)

    parsed = Recipe.from_toml(recipe, overrides or ())
    try:
        found = carry_out(parsed, out, trials=trials, sampler=sampler, progress=training_progress, on_trial=on_trial)
    except KeyboardInterrupt:
        typer.echo("\ninterrupted; the same command goes on where it was", err=True)
        raise
    if as_json:
        typer.echo(json.dumps(found.to_dict(), indent=2))
        return
    print_table(*found.rows())
    for trial in found.trials:
        if trial.failure:
            typer.echo(f"trial {trial.number} failed: {trial.failure.splitlines()[0]}")
    typer.echo(f"best: trial {found.best.number}; its recipe is {found.folder / 'best.toml'}")


@app.command()
def evaluate(
    run: RunFolder,
    estimand: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME or NAME:option=value[,value ...]; repeat for several. Default: the decoder's variants."
        ),
    ] = None,
    part: Annotated[str, typer.Option(help="test or valid.")] = "test",
    truth: Annotated[
        Path | None,
        typer.Option(help="A simulated world's truth/ folder: judge by the interventional truth too."),
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="What --truth judges by: like (the default), or satisfaction once clicked.")
    ] = None,
    graph: GraphFile = None,
    slices: Annotated[
        bool, typer.Option("--slices", help="Also by users' activity, by time, and by items' like/click ratio, as HCR.")
    ] = False,
    lists: Annotated[
        bool, typer.Option("--lists", help="Also coverage, popularity and concentration of all users' lists.")
    ] = False,
    off_policy: Annotated[
        bool, typer.Option("--off-policy", help="Also the lists' value by likes of what was shown at random.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Rank all items for every held-out user, under each estimand, without retraining."""
    from graphrec.allocator import keep_large_blocks

    keep_large_blocks()
    from graphrec.run import Run

    if target is not None and truth is None:
        raise RunError("a target without a truth", expected="--truth WORLD with --target", got=f"--target {target}")
    if slices and part != "test":
        raise RunError(
            "the slices are of the test part",
            expected="--part test",
            got=f"--part {part} --slices",
            where="--slices",
            next_step="leave out --slices, or --part",
        )
    loaded, own = Run(run), _read_graph(graph)
    if off_policy:  # while the test part is closed
        from graphrec.analyses import shown_at_random

        shown_at_random(loaded)
    judged = None
    if truth is not None:  # first: if it is no truth, the test part stays closed
        judged = loaded.evaluate_truth(truth, estimand or (), target or "like", graph=own)
    table = loaded.evaluate(estimand or (), part=part, graph=own)
    if judged is not None:
        table = table.merge(judged.drop(columns="users"), on=["method", "estimand"])
    tables = [table, *_more_tables(loaded, estimand or (), own, slices, lists, off_policy)]
    if as_json:
        _print_json(*tables)
        return
    from graphrec.report.tables import leading, metric_rows

    for number, one in enumerate(tables):
        if number:
            typer.echo()
        print_results(*metric_rows(one), leading(one), f"in {loaded.folder / 'metrics.json'}, with --json")


@app.command()
def export(
    run: RunFolder,
    out: Out,
    format: Annotated[str, typer.Option("--format", help="parquet, safetensors or npz.")] = "parquet",
) -> None:
    """Write the embeddings of users and items, with their ids."""
    from graphrec.run import Run

    typer.echo(f"wrote {Run(run).export(out, format)}")


@app.command()
def recommend(
    run: RunFolder,
    users: Annotated[str, typer.Option(help="External user ids, separated by commas.")],
    k: Annotated[int, typer.Option(help="List length.")] = 20,
    estimand: Annotated[str | None, typer.Option(help="By default the decoder's own.")] = None,
    seen: Annotated[bool, typer.Option("--seen", help="Admit items of the training part.")] = False,
    graph: GraphFile = None,
    as_json: Json = False,
) -> None:
    """Print the best items for users."""
    from graphrec.run import Run

    wanted = [one.strip() for one in users.split(",") if one.strip()]
    if not wanted:
        raise RunError("no user ids", expected="ids separated by commas", got=f"`{users}`", where="--users")
    table = Run(run).recommend(wanted, k, estimand=estimand, seen=seen, graph=_read_graph(graph))
    if as_json:
        _print_json(table)
        return
    print_table(list(table.columns), [(u, str(r), i, f"{s:.4f}") for u, r, i, s in table.itertuples(index=False)])


@app.command()
def explain(
    run: RunFolder,
    user: Annotated[str, typer.Option(help="External id.")],
    item: Annotated[str, typer.Option(help="External id.")],
    k: Annotated[int, typer.Option("-k", "--k", help="Length of the lists.")] = 10,
    estimand: Annotated[
        list[str] | None,
        typer.Option(help="As for `evaluate`; the first is explained. Default: the decoder's variants."),
    ] = None,
    graph: GraphFile = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE.svg", help="Draw the parts into this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Split a recommendation's score into its parts, and show its rank and the user's list under each estimand."""
    from graphrec.run import Run

    explained = Run(run).explain(user, item, k=k, estimands=estimand or (), graph=_read_graph(graph))
    if svg is not None:
        from graphrec.files import replace_file
        from graphrec.report.plots import effect_plot, standalone

        if not explained.split.parts:
            raise RunError(
                "there is nothing to draw", got=explained.split.of, where="--svg", next_step="leave out --svg"
            )
        with replace_file(svg) as part:
            part.write_text(standalone(effect_plot(explained.split, explained.item, "effect")), encoding="utf-8")
        typer.echo(f"wrote {svg}", err=True)
    if as_json:
        typer.echo(json.dumps(explained.to_dict(), indent=2))
        return
    from graphrec.report.explanations import branch_rows, list_rows, part_rows, rank_rows

    typer.echo(explained.text())
    for rows in (part_rows, branch_rows, rank_rows, list_rows):
        headers, found = rows(explained)
        if found:
            typer.echo()
            print_table(headers, found)
    if any(explained.item in one.items for one in explained.rankings):
        typer.echo("\n* the explained item")


@app.command()
def causal(
    decoder: Annotated[str, typer.Argument(metavar="DECODER", help="A decoder of `graphrec list decoders`.")],
    estimand: Annotated[
        list[str] | None, typer.Option(help="Only this, NAME or NAME:option=value; repeat for several.")
    ] = None,
    graph: GraphFile = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE.svg", help="Draw the graph into this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print a decoder's causal graph and prove its estimands on it; status 2 if one asked for is not identified."""
    from graphrec.describe import describe

    described = describe(decoder, estimand or (), _read_graph(graph))
    if as_json:
        typer.echo(json.dumps(described.to_dict(), indent=2))
    else:
        typer.echo(described.to_text())
    if svg is not None:
        from graphrec.files import replace_file
        from graphrec.report.dag import draw_dag

        with replace_file(svg) as part:
            part.write_text(draw_dag(described.graph) + "\n", encoding="utf-8")
        typer.echo(f"wrote {svg}", err=True)
    wanted = described.claims if estimand else described.claims[:1]
    if any(claim.refusal for claim in wanted):
        raise typer.Exit(2)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN ...")],
    out: Annotated[Path | None, typer.Option("--out", help="Write an HTML report here, of test or valid.")] = None,
    part: Annotated[
        str,
        typer.Option(help="test, valid, truth or satisfaction, or what evaluate found besides: active, lists, ..."),
    ] = "test",
    replicates: Annotated[
        bool, typer.Option("--replicates", help="Take runs that differ in the seed alone as one method's replicates.")
    ] = False,
    dose_response: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="results.csv of benchmarks/dose_response.py: shown in the report of --out."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Put evaluated runs side by side, test whether they differ, and write a report."""
    from graphrec.comparison import compare_runs
    from graphrec.report.tables import PAIR_HEADERS, leading, metric_rows, pair_rows, row_names, with_p
    from graphrec.run import Run

    if dose_response is not None and out is None:
        raise RunError(
            "the dose-response is shown in the report", expected="--out REPORT.html with --dose-response",
            got=f"--dose-response {dose_response}",
        )  # fmt: skip
    loaded = [Run(path) for path in runs]
    found = compare_runs(loaded, part, replicates=replicates)
    if out is not None:  # first: if it cannot be written, nothing is printed
        from graphrec.report.html import write_report

        typer.echo(f"wrote {write_report(loaded, out, part=part, dose_response=dose_response)}", err=True)
    if as_json:
        _print_json(with_p(found.table, found.tests))
    else:
        print_results(*metric_rows(found.table, found.tests), leading(found.table), "with --json")
        if len(found.tests):
            typer.echo()
            print_results(*pair_rows(row_names(found.table), found.table, found.tests), PAIR_HEADERS)


@app.command()
def refute(
    run: RunFolder,
    check: Annotated[
        list[str] | None,
        typer.Option(help="A check of `graphrec list checks`, or package.module:Class; repeat for several."),
    ] = None,
    seeds: Annotated[int, typer.Option(help="Subsets of `subset_stability`.")] = 3,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of each training, in place of the recipe's number.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Try to refute a run: retrain it on altered data, and compare with what a sound model must show."""
    import dataclasses

    from graphrec.allocator import keep_large_blocks

    keep_large_blocks()
    from graphrec.progress import training_progress
    from graphrec.refutation import DEFAULT_CHECKS
    from graphrec.refutation import refute as try_to_refute
    from graphrec.refutation.results import OUTCOMES
    from graphrec.run import Run

    try:
        found = try_to_refute(
            Run(run), checks=check or DEFAULT_CHECKS, seeds=seeds, epochs=epochs, progress=training_progress
        )
    except KeyboardInterrupt:
        typer.echo("\ninterrupted; the same command goes on after the last finished check", err=True)
        raise
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(one) for one in found.checks], indent=2))
        return
    rows = [(one.name, figure.label, str(figure)) for one in found.checks for figure in one.figures]
    print_table(["check", "figure", "value [95 % interval]"], rows)
    verdicts = [(one.name, OUTCOMES[one.passed], one.verdict) for one in found.checks]
    print_table(["check", "outcome", "verdict"], verdicts)


@new.command("backbone")
def new_backbone(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the module, such as my_net; its class is MyNet.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where to write.")] = Path("."),
) -> None:
    """Write NAME.py, a small whole backbone to be changed, and test_NAME.py, which it passes."""
    from graphrec.scaffold import new_backbone as write_backbone

    backbone, test, import_path = write_backbone(name, out)
    typer.echo(f"wrote {backbone} and {test}")
    typer.echo(f"test it: pytest {test}")
    found = "" if out.resolve() == Path.cwd() else f"PYTHONPATH={shlex.quote(str(out))} "
    typer.echo(f"train on it: {found}graphrec train recipe.toml --out runs/{name} --set backbone.name={import_path}")


@app.command()
def doctor(as_json: Json = False) -> None:
    """Tell what this installation has, and what is missing; status 1 if something needed is."""
    from graphrec.doctor import examine

    rows = examine()
    if as_json:
        typer.echo(json.dumps([dict(zip(("check", "state", "detail"), row)) for row in rows], indent=2))
    else:
        print_table(["check", "state", "detail"], rows)
    if any(state == "missing" for _, state, _ in rows):
        raise typer.Exit(1)


def _goes_on(out: Path, resume: bool) -> str:
    """What an interrupted training's next call does."""
    from graphrec.run import CHECKPOINT
    from graphrec.training.checkpoint import saved_epoch

    epoch = saved_epoch(out / CHECKPOINT)
    if not epoch:
        return "no checkpoint was kept yet: the same command starts from the first epoch"
    return ("the same command" if resume else "without --no-resume it") + f" goes on after epoch {epoch}"


def _list_backbones(as_json: bool) -> None:
    import dataclasses
    import textwrap

    from graphrec.backbones.listing import HEADERS, SYMBOLS, WIDTHS, list_backbones

    found = list_backbones()
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(one) for one in found], indent=2))
        return
    print_table(HEADERS, [one.cells() for one in found], WIDTHS)
    typer.echo("\n" + textwrap.fill(SYMBOLS, 100))


def _parts(kind: Kind) -> list[tuple[str, str]]:
    match kind:
        case Kind.decoders:
            from graphrec.decoders import decoders

            return decoders.summaries()
        case Kind.estimands:
            from graphrec.causal import estimands

            return estimands.summaries()
        case Kind.sources:
            from graphrec.data.sources import sources

            return sources.summaries()
        case Kind.worlds:
            from graphrec.simulation import worlds

            return worlds.summaries()
        case Kind.splits:
            from graphrec.data.split import list_splits

            return list_splits()
        case Kind.checks:
            from graphrec.refutation import refutation_checks

            return refutation_checks.summaries()
        case Kind.backbones:
            raise AssertionError("their table has more columns")


def _read_graph(path: Path | None) -> Any:
    from graphrec.causal import CausalGraph

    return None if path is None else CausalGraph.from_file(path)


def _key_values(texts: list[str] | None, where: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for text in texts or ():
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise RecipeError(f"{where} takes key=value", got=f"`{text}`", where=where)
        values[key.strip()] = value
    return values


def _more_tables(
    run: Any, estimands: list[str] | tuple[()], graph: Any, slices: bool, lists: bool, off_policy: bool
) -> list[Any]:
    """The tables of `evaluate` besides the ranking metrics; a slice that the data does not allow is told."""
    from graphrec import analyses
    from graphrec.errors import DataError

    tables = []
    if slices:
        tables.append(analyses.by_activity(run, estimands))
        for one in (analyses.by_time, analyses.by_like_ratio):
            try:
                tables.append(one(run, estimands, graph=graph))
            except DataError as error:
                typer.echo(f"note: {error.problem}: {error.got}", err=True)
    if lists:
        tables.append(analyses.of_lists(run, estimands, graph=graph))
    if off_policy:
        tables.append(analyses.off_policy(run, estimands, graph=graph))
    return tables


def _print_json(*tables: Any) -> None:
    """The rows as a JSON list; what was not measured is null, as JSON has no NaN."""
    rows = [row for table in tables for row in table.astype(object).where(table.notna(), None).to_dict("records")]
    typer.echo(json.dumps(rows, indent=2))


def _fail(error: GraphrecError) -> NoReturn:
    typer.secho("error: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(str(error), err=True)
    sys.exit(2)


def _refused(error: OSError) -> GraphrecError:
    full, forbidden = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), (errno.EACCES, errno.EPERM, errno.EROFS)
    steps = dict.fromkeys(full, "make room there, then call again") | dict.fromkeys(
        forbidden, "choose a place that you may read and write"
    )
    return GraphrecError(
        "the system refused to read or write a file",
        got=error.strerror or str(error),
        where=error.filename,
        next_step=steps.get(error.errno or 0, "check that path, then call again"),
    )


def _show_warning(message: Warning | str, *place: Any, **more: Any) -> None:
    typer.echo(f"warning: {message}", err=True)


if __name__ == "__main__":
    main()
