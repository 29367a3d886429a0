"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from graphrec.errors import RecipeError, UnknownNameError

if TYPE_CHECKING:
    from graphrec.causal import CausalGraph

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
OUT_HELP = "Folder to write. One that the same command wrote before is replaced, if nothing else is in it."
Out = Annotated[Path, typer.Option("--out", metavar="FOLDER", help=OUT_HELP)]
Trust = Annotated[
    list[Path] | None,
    typer.Option(
        "--trust",
        metavar="RUN",
        help="Load the code that this run names, or the recipe in this folder, where it is none of graphrec's; repeat "
        "for several.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file to write, whoever wrote it.")]
RunPath = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder that `train` wrote.")]
RecipeFile = Annotated[
    Path, typer.Argument(metavar="RECIPE.toml", help="The recipe: which model is trained on which data, and how.")
]
OVERRIDES_HELP = "Override a value of the recipe, e.g. --set training.epochs=20; repeat for several."
Overrides = Annotated[list[str] | None, typer.Option("--set", metavar="KEY.SUB=VALUE", help=OVERRIDES_HELP)]
GRAPH_HELP = (
    "A causal graph of yours, on which the estimands are checked in place of the decoder's; JSON, as under `graph` in "
    "`graphrec causal DECODER --json`."
)
GraphFile = Annotated[Path | None, typer.Option("--graph", metavar="FILE.json", help=GRAPH_HELP)]


K = TypeVar("K", bound=StrEnum)


def trust_folders(folders: list[Path] | None) -> None:
    """Let the runs in these folders load code that is none of graphrec's.

    >>> from graphrec.cli.options import trust_folders
    >>> trust_folders([Path("runs/hcr")])
    """
    from graphrec.system.user_code import trust

    for folder in folders or ():
        trust(folder)


def kind_of(kinds: type[K], name: str) -> K:
    """The kind of that name.

    Raises:
        UnknownNameError: there is none; names the nearest.

    >>> from graphrec.cli.components import Kind
    >>> from graphrec.cli.options import kind_of
    >>> kind_of(Kind, "backbone")
    Traceback (most recent call last):
    graphrec.errors.UnknownNameError: unknown kind `backbone`; did you mean `backbones`?
      expected: one of backbones, callbacks, checks, decoders, estimands, metrics, refutations, sections, sources, \
splitters, worlds
      got: `backbone`
      where: KIND
    """
    if name not in [str(kind) for kind in kinds]:
        raise UnknownNameError("kind", name, [str(kind) for kind in kinds], where="KIND")
    return kinds(name)


def kind_argument(kinds: type[StrEnum], what: str) -> Any:
    """The argument KIND, whose help lists the kinds; a shell completes them.

    >>> from graphrec.cli.options import kind_argument
    >>> from graphrec.cli.scaffold import NewKind
    >>> kind_argument(NewKind, "What to write").help
    'What to write: backbone, decoder, source, metric, estimand or section.'
    """
    # Not an enum for typer: its own message for a wrong name has no nearest one, and its help repeats them all.
    *names, last = [str(kind) for kind in kinds]
    return typer.Argument(
        metavar="KIND",
        help=f"{what}: {', '.join(names)} or {last}.",
        autocompletion=lambda: [*names, last],
    )


def read_graph(path: Path | None) -> CausalGraph | None:
    """The causal graph in a JSON file; None without a file.

    Raises:
        RecipeError: the file is missing or holds no causal graph.

    >>> import json
    >>> from pathlib import Path
    >>> from graphrec.cli.options import read_graph
    >>> from graphrec.decoders.description import describe
    >>> _ = Path("graph.json").write_text(json.dumps(describe("macr").to_dict()["graph"]))
    >>> print(read_graph(None), read_graph(Path("graph.json")).to_dict()["edges"])
    None [['U', 'K'], ['I', 'K'], ['K', 'Y'], ['U', 'Y'], ['I', 'Y']]
    """
    from graphrec.causal import CausalGraph

    return None if path is None else CausalGraph.from_file(path)


def key_values(texts: list[str] | None, where: str) -> dict[str, str]:
    """Settings by key, from `key=value` texts.

    Args:
        where: the option that they come from, for the message.

    Raises:
        RecipeError: a text without `=` or without a key.

    >>> from graphrec.cli.options import key_values
    >>> key_values(["like=cart, buy", "min_pairs=5"], "--option")
    {'like': 'cart, buy', 'min_pairs': '5'}
    >>> key_values(["like"], "--option")
    Traceback (most recent call last):
    graphrec.errors.RecipeError: --option takes key=value
      got: `like`
      where: --option
    """
    values: dict[str, str] = {}
    for text in texts or ():
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise RecipeError(f"{where} takes key=value", got=f"`{text}`", where=where)
        values[key.strip()] = value
    return values
