"""The commands about data: what there is, simulated worlds, preparation, checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.options import Json, Out, key_values
from graphrec.cli.terminal import print_table
from graphrec.errors import RecipeError


def datasets(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="How to get this one; without it a table of all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the datasets that have a card, or say what one is, who may have it, how, and which files it takes."""
    from graphrec.data.cards import card_of, cards
    from graphrec.report.dataset_card import card_rows, card_text, file_rows, variant_rows
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

    own = key_values(settings, "--set")
    for name, place in (("world", "WORLD"), ("out", "--out FOLDER"), ("dataset", "--from DATASET")):
        if name in own:
            raise RecipeError(
                f"`{name}` is no setting of a world", expected=place, got=f"--set {name}={own[name]}", where="--set"
            )
    chosen = {"users": users, "items": items, "strength": strength, "seed": seed, **own}
    folder = write_world(
        world, out, dataset=dataset, **{key: value for key, value in chosen.items() if value is not None}
    )
    typer.echo(f"wrote {folder}; the truth is in {folder / 'truth'}, which training never reads")


def prepare(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A source of `graphrec list sources`.")],
    raw: Annotated[Path, typer.Option("--raw", help="Folder or file in the source's layout.")],
    out: Out,
    option: Annotated[
        list[str] | None, typer.Option("--option", metavar="KEY=VALUE", help="An option of the source.")
    ] = None,
) -> None:
    """Read raw files and write a prepared dataset."""
    from graphrec.checks.dataset import statistics
    from graphrec.data.prepare import prepare as prepare_data
    from graphrec.data.store import load

    folder = prepare_data(source, raw, out, key_values(option, "--option"))
    facts = statistics(load(folder))
    sizes = ", ".join(f"{facts[name]:,} {name}" for name in ("users", "items", "clicks", "likes"))
    typer.echo(f"wrote {folder}: {sizes}")
    if facts["likes"] == facts["clicks"]:
        typer.echo("note: every click counts as a like; name a rating or behaviours (--option) if the data has them")
    if not facts["times"]:
        typer.echo("note: the events have no times; the split `chronological` needs them, `random` does not")


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
    more: Annotated[
        list[str] | None,
        typer.Option("--check", help="Run this check, too: package.module:function; repeat for several."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Look for everything that is wrong or surprising in a prepared dataset; status 2 if there are errors."""
    import dataclasses

    from graphrec.checks.findings import checks
    from graphrec.checks.inspection import inspect
    from graphrec.data.split import SplitConfig
    from graphrec.data.store import load

    loaded = load(dataset)
    config = None if split is None else SplitConfig(name=split)
    inspection = inspect(loaded, config, [checks.get(name) for name in more or ()])
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
        also = {"oracles": {target: dataclasses.asdict(gap) for target, gap in gaps.items()}} if gaps else {}
        typer.echo(json.dumps({**inspection.to_dict(), **also}, indent=2, default=str))
    else:
        from graphrec.report.dataset_tables import finding_table, modality_table, number_rows, span_text

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
        from graphrec.report.dataset_page import write_check_page

        typer.echo(f"wrote {write_check_page(inspection, out, oracles)}", err=True)
    if inspection.has_errors:
        raise typer.Exit(2)
