"""The commands about data: known datasets, simulated worlds, preparation, checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.options import Force, Json, Out, key_values
from graphrec.cli.terminal import print_table
from graphrec.errors import RecipeError


def datasets(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A dataset of the list; without it the list is printed.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the public datasets that can be read, or say what one is, how to obtain it and which files it needs."""
    from graphrec.data.cards import card_of, cards
    from graphrec.report.dataset_card import card_rows, card_text, file_rows, variant_rows
    from graphrec.simulation import worlds

    card = None if name is None else card_of(name)
    if as_json:
        facts = [card.model_dump(mode="json") for card in cards().values()] if card is None else card.model_dump()
        typer.echo(json.dumps(facts, indent=2, ensure_ascii=False))
    elif card is None:
        print_table(*card_rows(cards().values()))
    else:
        typer.echo(card_text(card, twin=card.source in worlds))
        for headers, rows in (file_rows(card), variant_rows(card)):
            if rows:
                typer.echo()
                print_table(headers, rows)


def simulate(
    world: Annotated[str, typer.Argument(metavar="WORLD", help="A world of `graphrec list worlds`.")],
    out: Out,
    users: Annotated[int | None, typer.Option(help="Number of users. Default: the world's.")] = None,
    items: Annotated[int | None, typer.Option(help="Number of items. Default: the world's.")] = None,
    strength: Annotated[
        float | None, typer.Option(help="Strength of the confounding; 0 is none. Default: the world's.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of every random draw.")] = 0,
    dataset: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="DATASET", help="Take items, features and the users' activity from a prepared dataset."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting of the world; repeat for several."),
    ] = None,
) -> None:
    """Write a simulated world with known truth, in the raw layout of a public dataset."""
    from graphrec.simulation import simulate as write_world

    further = key_values(settings, "--set")
    # As settings these names would collide with the arguments of the call below.
    for name, spelling in (("world", "WORLD"), ("out", "--out FOLDER"), ("dataset", "--from DATASET")):
        if name in further:
            raise RecipeError(
                f"`{name}` is no setting of a world",
                expected=spelling,
                got=f"--set {name}={further[name]}",
                where="--set",
            )
    config = {"users": users, "items": items, "strength": strength, "seed": seed, **further}
    folder = write_world(
        world, out, dataset=dataset, **{key: value for key, value in config.items() if value is not None}
    )
    typer.echo(f"wrote {folder}; the truth is in {folder / 'truth'}, which training never reads")


def prepare(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A source of `graphrec list sources`.")],
    raw: Annotated[
        Path, typer.Option("--raw", metavar="PATH", help="Folder (or file) of raw data, in a layout of the source.")
    ],
    out: Out,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="KEY=VALUE", help="An option of the source, e.g. like_at=4; repeat for several."
        ),
    ] = None,
) -> None:
    """Read raw files and write a prepared dataset."""
    from graphrec.checks.dataset import statistics
    from graphrec.data.prepare import prepare as prepare_data
    from graphrec.data.store import load

    folder = prepare_data(source, raw, out, key_values(option, "--option"))
    facts = statistics(load(folder))
    pairs = f"{facts['clicks']:,} pairs of user and item with a click, {facts['likes']:,} of them with a like"
    typer.echo(f"wrote {folder}: {facts['users']:,} users, {facts['items']:,} items, {pairs}")
    if facts["likes"] == facts["clicks"]:
        typer.echo("note: every click counts as a like; name a rating or behaviours (--option) if the data has them")
    if not facts["times"]:
        typer.echo("note: the events have no times; the split `chronological` needs them, `random` does not")


def check(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="A folder that `prepare` wrote.")],
    split: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Check this split for leaks. Default: the source's own, else chronological, else random.",
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder that `simulate` wrote: also compare what the log shows with the causal truth.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.html", help="Write a page with plots of the distributions.")
    ] = None,
    more: Annotated[
        list[str] | None,
        typer.Option(
            "--check", metavar="NAME", help="Also run this custom check, package.module:function; repeat for several."
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Look for everything that is wrong or surprising in a prepared dataset; status 2 if there are errors."""
    import dataclasses

    from graphrec.checks.findings import checks
    from graphrec.checks.inspection import inspect
    from graphrec.data.split import SplitConfig
    from graphrec.data.store import load
    from graphrec.report.dataset_page import KIND
    from graphrec.system.output_file import require_output
    from graphrec.system.user_code import anchored, permit

    if out is not None:  # before the checks, which take a while
        require_output(out, KIND, force=force)
    loaded = load(dataset)
    config = None if split is None else SplitConfig(name=split)
    names = [anchored(name, Path.cwd()) for name in more or ()]
    permit(names)
    inspection = inspect(loaded, config, [checks.get(name) for name in names])
    gaps = {}
    if truth is not None:
        from graphrec.simulation.oracle import oracle_gaps

        gaps = oracle_gaps(loaded, truth)
    headers = ["target", "NDCG@50, true effect", "NDCG@50, as observed", "loss", "regret@50, as observed"]
    oracles: tuple[list[str], list[tuple[str, ...]]] = (
        headers,
        [(target, *gap.cells()) for target, gap in gaps.items()],
    )
    if as_json:
        also = {"oracles": {target: dataclasses.asdict(gap) for target, gap in gaps.items()}} if gaps else {}
        typer.echo(json.dumps({**inspection.to_dict(), **also}, indent=2, default=str))
    else:
        from graphrec.report.dataset_tables import finding_table, modality_table, number_rows, span_text

        facts = inspection.statistics
        events = ", ".join(f"{name} {count:,}" for name, count in facts["events"].items())
        more_facts = [("events", events), ("times", span_text(facts)), ("published set", inspection.matched_variant)]
        print_table(["statistic", "value"], [*number_rows(facts), *more_facts])
        for table_headers, rows in (modality_table(facts), oracles, finding_table(inspection.findings)):
            if rows:
                typer.echo()
                print_table(table_headers, rows)
        if not inspection.findings:
            typer.echo("\nno finding: nothing is wrong or surprising")
    if out is not None:
        from graphrec.report.dataset_page import write_check_page

        typer.echo(f"wrote {write_check_page(inspection, out, oracles, force=force)}", err=True)
    if inspection.has_errors:
        raise typer.Exit(2)
