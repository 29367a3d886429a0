"""The commands that use a run: recommendations, explanations, export."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.options import Force, GraphFile, Json, Out, RunPath, Trust, read_graph, trust_folders
from graphrec.cli.terminal import print_json, print_table
from graphrec.errors import RunError


def export(
    run: RunPath,
    out: Out,
    format: Annotated[str, typer.Option("--format", metavar="NAME", help="parquet, safetensors or npz.")] = "parquet",
    trust: Trust = None,
) -> None:
    """Write the embeddings of users and items, with their ids."""
    trust_folders(trust)
    from graphrec.runs.run import Run

    typer.echo(f"wrote {Run(run).export(out, format)}")


def recommend(
    run: RunPath,
    users: Annotated[str, typer.Option(metavar="ID,ID", help="Users' ids as in the raw data, separated by commas.")],
    k: Annotated[int, typer.Option("-k", "--k", help="Number of items for each user.")] = 20,
    estimand: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="NAME or NAME:option=value. Default: the recipe's first, else the decoder's first."
        ),
    ] = None,
    seen: Annotated[bool, typer.Option("--seen", help="Admit items that the user has in the training split.")] = False,
    graph: GraphFile = None,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Print the best items for some users."""
    trust_folders(trust)
    from graphrec.runs.run import Run

    user_ids = [text.strip() for text in users.split(",") if text.strip()]
    if not user_ids:
        raise RunError("no user ids", expected="ids separated by commas", got=f"`{users}`", where="--users")
    table = Run(run).recommend(user_ids, k, estimand=estimand, seen=seen, causal_graph=read_graph(graph))
    if as_json:
        print_json(table)
        return
    print_table(list(table.columns), [(u, str(r), i, f"{s:.4f}") for u, r, i, s in table.itertuples(index=False)])


def explain(
    run: RunPath,
    user: Annotated[str, typer.Option(metavar="ID", help="The user's id as in the raw data.")],
    item: Annotated[str, typer.Option(metavar="ID", help="The item's id as in the raw data.")],
    k: Annotated[int, typer.Option("-k", "--k", help="Length of the user's list.")] = 10,
    estimand: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="As of `evaluate`; the first is explained. Default: the recipe's and the decoder's.",
        ),
    ] = None,
    graph: GraphFile = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE.svg", help="Draw the contributions into this file.")
    ] = None,
    force: Force = False,
    trust: Trust = None,
    as_json: Json = False,
) -> None:
    """Divide a recommendation's score into contributions; show its rank and the user's list under each estimand."""
    trust_folders(trust)
    from graphrec.runs.run import Run

    explained = Run(run).explain(user, item, k=k, estimands=estimand or (), causal_graph=read_graph(graph))
    if svg is not None:
        from graphrec.report.primitives.plots import effect_plot, standalone
        from graphrec.system.output_file import write_output

        if not explained.decomposition.contributions:
            raise RunError(
                "there is nothing to draw",
                got=explained.decomposition.quantity,
                where="--svg",
                next_step="leave out --svg",
            )
        figure = standalone(effect_plot(explained.decomposition, explained.item, "effect"))
        write_output(svg, figure, "figure of an explanation", out="svg", force=force)
        typer.echo(f"wrote {svg}", err=True)
    if as_json:
        typer.echo(json.dumps(explained.to_dict(), indent=2))
        return
    from graphrec.report.sections.explanation import branch_rows, list_rows, part_rows, rank_rows

    typer.echo(textwrap.fill(explained.text(), 100))
    for rows in (part_rows, branch_rows, rank_rows, list_rows):
        headers, cells = rows(explained)
        if cells:
            typer.echo()
            print_table(headers, cells)
    if any(explained.item in ranking.items for ranking in explained.rankings):
        typer.echo("\n* the explained item")
