"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphrec.errors import RecipeError

if TYPE_CHECKING:
    from graphrec.causal import CausalGraph

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
OUT_HELP = "Folder to write, atomically. What the same command wrote there before is replaced, with all that is in it."
Out = Annotated[Path, typer.Option("--out", help=OUT_HELP)]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder that `train` wrote.")]
RecipeFile = Annotated[Path, typer.Argument(metavar="RECIPE.toml", help="What is trained on what, and how.")]
OVERRIDES_HELP = "Override the recipe, e.g. --set training.epochs=20."
Overrides = Annotated[list[str] | None, typer.Option("--set", metavar="KEY.SUB=VALUE", help=OVERRIDES_HELP)]
GRAPH_HELP = "Your own causal graph, as JSON (`causal --json` prints one under `graph`): estimands are checked on it."
GraphFile = Annotated[Path | None, typer.Option("--graph", metavar="FILE.json", help=GRAPH_HELP)]


def read_graph(path: Path | None) -> CausalGraph | None:
    from graphrec.causal import CausalGraph

    return None if path is None else CausalGraph.from_file(path)


def key_values(texts: list[str] | None, where: str) -> dict[str, str]:
    """Settings by key, from `key=value` texts.

    Args:
        where: the option that they come from, for the message.
    """
    values: dict[str, str] = {}
    for text in texts or ():
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise RecipeError(f"{where} takes key=value", got=f"`{text}`", where=where)
        values[key.strip()] = value
    return values
