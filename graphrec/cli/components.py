"""The commands about components: lists, causal graphs, custom components, the installation."""

from __future__ import annotations

import importlib
import json
import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from graphrec.cli.options import Force, GraphFile, Json, kind_argument, kind_of, read_graph
from graphrec.cli.scaffold import NewKind, scaffold
from graphrec.cli.terminal import print_table


class Kind(StrEnum):
    """What can be listed.

    >>> from graphrec.cli.components import Kind
    >>> Kind("worlds").value, len(Kind)
    ('worlds', 11)
    """

    backbones = "backbones"
    callbacks = "callbacks"
    checks = "checks"
    decoders = "decoders"
    estimands = "estimands"
    metrics = "metrics"
    refutations = "refutations"
    sections = "sections"
    sources = "sources"
    splitters = "splitters"
    worlds = "worlds"


REGISTRIES = {
    Kind.callbacks: ("graphrec.training.callbacks", "callbacks"),
    Kind.checks: ("graphrec.checks.dataset", "checks"),
    Kind.decoders: ("graphrec.decoders", "decoders"),
    Kind.estimands: ("graphrec.causal", "estimands"),
    Kind.metrics: ("graphrec.evaluation.metrics", "metrics"),
    Kind.refutations: ("graphrec.refutation", "refutation_checks"),
    Kind.sections: ("graphrec.report.run_page", "report_sections"),
    Kind.sources: ("graphrec.data.sources", "sources"),
    Kind.splitters: ("graphrec.data.splitters", "splitters"),
    Kind.worlds: ("graphrec.simulation", "worlds"),
}
"""Module and name of each kind's registry; imported when it is listed, as torch takes seconds to load."""


def list_components(
    kind: Annotated[str, kind_argument(Kind, "What to list")],
    as_json: Json = False,
) -> None:
    """List the names that a recipe or a command takes; for backbones also what they use, train and cost."""
    listed = kind_of(Kind, kind)
    if listed is Kind.backbones:
        _list_backbones(as_json)
        return
    module, name = REGISTRIES[listed]
    rows = getattr(importlib.import_module(module), name).summaries()
    if as_json:
        typer.echo(json.dumps([{"name": name, "summary": summary} for name, summary in rows], indent=2))
        return
    if not rows:  # the page's own sections are always on it, so only custom ones have names
        typer.echo(
            f"no custom {listed} are installed; `graphrec new {listed.removesuffix('s')} NAME` writes one to start from"
        )
        return
    print_table(["name", "what it is"], rows)


def _list_backbones(as_json: bool) -> None:
    import dataclasses
    import textwrap

    from graphrec.backbones.listing import FEATURE_LEGEND, HEADERS, SYMBOLS, WIDTHS, list_backbones

    rows = list_backbones()
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(row) for row in rows], indent=2))
        return
    print_table(HEADERS, [row.cells() for row in rows], WIDTHS)
    for legend in (FEATURE_LEGEND, SYMBOLS):
        typer.echo("\n" + textwrap.fill(legend, 100))


def causal(
    decoder: Annotated[str, typer.Argument(metavar="DECODER", help="A decoder of `graphrec list decoders`.")],
    estimand: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this estimand, NAME or NAME:option=value; repeat for several."),
    ] = None,
    graph: GraphFile = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE.svg", help="Draw the graph into this file.")
    ] = None,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Print a decoder's causal graph and check its estimands; status 2 if a named one is not identified."""
    from graphrec.decoders.description import describe

    description = describe(decoder, estimand or (), read_graph(graph))
    if as_json:
        typer.echo(json.dumps(description.to_dict(), indent=2))
    else:
        typer.echo(description.to_text())
    if svg is not None:
        from graphrec.report.primitives.dag import draw_dag
        from graphrec.system.output_file import write_output

        write_output(svg, draw_dag(description.graph) + "\n", "causal graph", out="svg", force=force)
        typer.echo(f"wrote {svg}", err=True)
    required = description.claims if estimand else description.claims[:1]
    if any(claim.refusal for claim in required):
        raise typer.Exit(2)


def new(
    kind: Annotated[str, kind_argument(NewKind, "The kind of component")],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The module's name, such as my_net; its class is then MyNet.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The folder to write into.")] = Path("."),
) -> None:
    """Write NAME.py, a small complete component to change, and test_NAME.py, which it passes as it stands."""
    written = kind_of(NewKind, kind)
    files = scaffold(written, name, out)
    typer.echo(f"wrote {files.component} and {files.test}")
    typer.echo(f"test it: pytest {shlex.quote(str(files.test))}")
    module, _, title = files.import_path.partition(":")
    file = shlex.quote(files.component.as_posix() if out.is_absolute() else f"./{files.component.as_posix()}")
    # Python itself looks for modules in the working folder.
    elsewhere = written is NewKind.section and out.resolve() != Path.cwd()
    path = f"PYTHONPATH={shlex.quote(str(out))} " if elsewhere else ""
    typer.echo(f"use it: {path}{_USES[written].format(file=file, module=module, title=title)}")


_USES = {
    NewKind.backbone: "graphrec train recipe.toml --out runs/{module} --set backbone.name={file}:{title}",
    NewKind.decoder: "graphrec train recipe.toml --out runs/{module} --set decoder.name={file}:{title}",
    NewKind.source: "graphrec prepare {file}:{title} --raw FOLDER --out prepared/{module}",
    NewKind.metric: "graphrec train recipe.toml --out runs/{module} --set 'evaluation.metrics=[\"{file}:{title}\"]'",
    NewKind.estimand: "graphrec evaluate RUN --estimand {file}:{title}",
    NewKind.section: "python, from {module} import {title}; write_report(runs, out, sections=[{title}()])",
}


def verify(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that a command wrote, such as a run.")],
    as_json: Json = False,
) -> None:
    """Compare the files that graphrec wrote into a folder with their hashes; status 1 if one is damaged or missing."""
    from collections import Counter

    from graphrec.system.integrity import verify as verify_folder

    states = verify_folder(folder)
    if as_json:
        typer.echo(json.dumps({state.path: state.state for state in states}, indent=2))
    else:
        for state in states:
            if state.state not in ("intact", "changes"):
                typer.echo(f"{state.state}: {state.path}")
        counts = Counter(state.state for state in states)
        typer.echo(", ".join(f"{count} {name}" for name, count in sorted(counts.items())))
    if any(state.is_wrong for state in states):
        raise typer.Exit(1)


def doctor(as_json: Json = False) -> None:
    """Report what this installation has, and what is missing or too old; status 1 if something needed is."""
    from graphrec.system.doctor import examine

    rows = examine()
    if as_json:
        typer.echo(json.dumps([dict(zip(("check", "state", "detail"), row)) for row in rows], indent=2))
    else:
        print_table(["check", "state", "detail"], rows)
    if any(state in ("missing", "old") for _, state, _ in rows):
        raise typer.Exit(1)
