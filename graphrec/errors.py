"""The errors that graphrec raises for mistakes a user can fix.

Each says what is wrong, what was expected, what came, where, and the next step. The command line prints them without a
traceback and exits with status 2. Any other exception is a bug and keeps its traceback.

    GraphrecError
    ├── DataError             a raw file, a table or a dataset breaks its layout
    ├── SplitError            a split cannot be made, or leaves one of its sets empty
    ├── RecipeError           a recipe has an unknown key, or a value out of range
    ├── UnknownNameError      a name that is not registered
    ├── ComponentError        a backbone, decoder or other component cannot be loaded or written
    ├── UnknownIdError        a user or an item that the run was not trained on
    ├── IdentificationError   an estimand is not identified on a causal graph
    ├── RunError              a run folder is missing, incomplete or damaged
    │   └── MismatchError     a folder was made by another recipe, from other data, or with other code
    ├── OutOfMemoryError      what is asked for needs more memory than there is
    ├── ForeignFileError      what would be overwritten was not written by graphrec, or was changed since
    ├── DamagedFileError      a file that graphrec wrote has another content now
    └── ArgumentError         an argument of a function is of a wrong type

A next step often names an argument in Python, which the command line has as an option. Then it is not text but a
`Phrase`, which mentions an `Argument` or a `Call`: `str(error)` words them for Python, `graphrec.cli` for the shell.
"""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Argument:
    """An argument of a function, which the command line has as an option.

    >>> print(Argument("out"), Argument("resume", False), Argument("split", "valid"))
    `out` `resume=False` `split='valid'`

    Args:
        name: in Python.
        value: the value that is meant; None for the argument as such.
        option: its name at the command line, in Python's spelling, where that is another.
    """

    name: str
    value: object = None
    option: str | None = None

    def __str__(self) -> str:
        return f"`{self.name}`" if self.value is None else f"`{self.name}={self.value!r}`"


class Call:
    """A call in Python, which the command line has as a command.

    >>> print(Call("run.evaluate(split='valid')", "evaluate", "runs/hcr", split="valid"))
    `run.evaluate(split='valid')`

    Args:
        python: the call as Python writes it.
        command: the name of the command; `operands` and `options` are what it takes.
    """

    def __init__(self, python: str, command: str, *operands: object, **options: object) -> None:
        self.python = python
        self.command = command
        self.operands = operands
        self.options: Mapping[str, object] = options

    def __str__(self) -> str:
        return f"`{self.python}`"


Words = Callable[[Argument | Call], str]
"""How a reader names an argument or a call: `str` for Python."""


class Phrase:
    """A text that mentions arguments and calls, worded for whoever reads it.

    >>> print(Phrase("choose another {}, or remove the folder", Argument("out")))
    choose another `out`, or remove the folder

    Args:
        text: with `{}` in place of each mention.
        mentions: arguments, calls, or what is printed as it is.
    """

    def __init__(self, text: str, *mentions: object) -> None:
        self.text = text
        self.mentions = mentions

    def worded(self, words: Words) -> str:
        return self.text.format(*(worded(mention, words) for mention in self.mentions))

    def __str__(self) -> str:
        return self.worded(str)


OUT = Argument("out")
ANOTHER_FOLDER = Phrase("choose another {}", OUT)
ANOTHER_FOLDER_OR_REMOVE = Phrase("choose another {}, or remove the folder", OUT)
TRAIN_OR_RESTORE = "train the run again, or restore it from a copy"
TRAIN_AGAIN = Phrase("train from scratch with {}, or choose another {}", Argument("resume", False), OUT)


class GraphrecError(Exception):
    """Base of every error that a user can fix.

    >>> print(GraphrecError("the folder is not empty", where="runs/hcr", next_step=ANOTHER_FOLDER))
    the folder is not empty
      where: runs/hcr
      next step: choose another `out`

    Args:
        problem: one sentence that names what is wrong.
        expected: what would have been accepted.
        got: what came instead, as it came.
        where: file and line, recipe key, or argument.
        next_step: what to do now.

    Each of them may be a text, or a `Phrase`, `Argument` or `Call` where the command line has another word for it.
    """

    def __init__(
        self,
        problem: str,
        *,
        expected: object = None,
        got: object = None,
        where: object = None,
        next_step: str | Phrase | Argument | Call | None = None,
    ) -> None:
        self.problem = problem
        self.expected = expected
        self.got = got
        self.where = where
        self.next_step = next_step
        super().__init__(str(self))

    def __str__(self) -> str:
        return self.worded(str)

    def __reduce__(self) -> tuple[Any, ...]:
        # By default an exception is unpickled by calling its class with the message alone, which not every class of
        # ours takes; an error that cannot be unpickled breaks the pool of processes that it was raised in.
        return _unpickled, (type(self), self.__dict__)

    def worded(self, words: Words) -> str:
        """The whole message; `words` names the arguments and calls in it."""
        lines = [self.problem]
        for label, value in (
            ("expected", self.expected),
            ("got", self.got),
            ("where", self.where),
            ("next step", self.next_step),
        ):
            if value is not None:
                lines.append(f"  {label}: {worded(value, words)}")
        return "\n".join(lines)


def _unpickled(kind: type[GraphrecError], fields: dict[str, Any]) -> GraphrecError:
    error = kind.__new__(kind)
    error.__dict__.update(fields)
    error.args = (str(error),)
    return error


def worded(value: object, words: Words) -> str:
    """A field of an error as text.

    >>> worded(Phrase("choose another {}", OUT), lambda mention: f"option {mention.name}")
    'choose another option out'
    """
    if isinstance(value, Phrase):
        return value.worded(words)
    return words(value) if isinstance(value, (Argument, Call)) else str(value)


class DataError(GraphrecError):
    """A raw file, a table or a dataset breaks its layout.

    >>> gr.prepare("table", "nowhere.csv", "prepared")
    Traceback (most recent call last):
    graphrec.errors.DataError: no such raw data
      expected: an existing folder or file
      got: nothing
      where: nowhere.csv
      next step: check the path; `graphrec simulate` writes a dataset's twin where it cannot be had
    """


class SplitError(GraphrecError):
    """A split cannot be made, or leaves one of its sets empty.

    >>> from graphrec.data.split import SplitConfig, make_split
    >>> make_split(gr.load(data), SplitConfig(name="random", train=0.8, valid=0.2))
    Traceback (most recent call last):
    graphrec.errors.SplitError: the shares leave nothing for test
      expected: train + valid < 1
      got: train=0.8, valid=0.2
      where: split.train, split.valid
    """


class RecipeError(GraphrecError):
    """A recipe has an unknown key, a value out of range, or components that do not fit together.

    >>> gr.Recipe.from_dict({"data": {"path": "prepared"}, "training": {"epochs": 0}})
    Traceback (most recent call last):
    graphrec.errors.RecipeError: recipe key `training.epochs` has a wrong value
      expected: greater than or equal to 1
      got: `0`
      where: recipe
    """


class SeveralErrors(RecipeError):
    """Several mistakes in the settings of a recipe, reported together.

    >>> from graphrec.runs.recipe import Recipe
    >>> try:
    ...     Recipe.from_dict({"data": {"path": "prepared"}, "sed": 3}, ["training.epochs=many"])
    ... except SeveralErrors as error:
    ...     print(error)
    2 mistakes
      1. recipe key `training.epochs` has a wrong value
        expected: a valid integer
        got: `many`
        where: recipe
      2. unknown recipe key `sed`; did you mean `seed`?
        expected: one of backbone, data, decoder, evaluation, name, seed, split, training, tune
        got: `sed = 3`
        where: recipe

    Args:
        errors: one for each mistake, in the order in which they are shown.
    """

    def __init__(self, errors: Sequence[GraphrecError]) -> None:
        self.errors = tuple(errors)
        places = list(dict.fromkeys(error.where for error in self.errors))
        super().__init__(f"{len(self.errors)} mistakes", where=places[0] if len(places) == 1 else None)

    def worded(self, words: Words) -> str:
        """All messages, numbered."""
        shown = [f"{number}. {error.worded(words)}" for number, error in enumerate(self.errors, 1)]
        return "\n".join([self.problem, *(textwrap.indent(text, "  ") for text in shown)])


class Mistakes:
    """Collects errors in settings, so that a user hears of all of them at once.

    >>> mistakes = Mistakes()
    >>> with mistakes:
    ...     raise RecipeError("the key is wrong")
    >>> mistakes.report()
    Traceback (most recent call last):
    graphrec.errors.RecipeError: the key is wrong
    """

    def __init__(self) -> None:
        self.errors: list[GraphrecError] = []

    def __enter__(self) -> None:
        """What is raised inside is collected, and the block ends there."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, GraphrecError):
            return False
        self.add(error)
        return True

    def add(self, *errors: GraphrecError) -> None:
        """Collect errors that were not raised."""
        for error in errors:
            self.errors.extend(error.errors if isinstance(error, SeveralErrors) else [error])

    def report(self) -> None:
        """Raise what was collected: a single error as it is.

        Raises:
            GraphrecError: there is one.
            SeveralErrors: there are several.
        """
        if self.errors:
            raise self.errors[0] if len(self.errors) == 1 else SeveralErrors(self.errors)


class ArgumentError(GraphrecError):
    """An argument of a function is of a wrong type.

    >>> gr.train("hcr.toml", "runs/hcr")
    Traceback (most recent call last):
    graphrec.errors.ArgumentError: `recipe` is of a wrong type
      expected: a Recipe, such as Recipe.from_toml("hcr.toml")
      got: `'hcr.toml'`, a str
    """


class UnknownNameError(GraphrecError):
    """A name is not registered; the message lists the registered names and suggests the nearest.

    >>> print(UnknownNameError("decoder", "hrc", ["bpr", "hcr"]))
    unknown decoder `hrc`; did you mean `hcr`?
      expected: one of bpr, hcr
      got: `hrc`

    Args:
        kind: what the name is of, such as "decoder".
        name, names: the name that came, and those that are registered.
        reason: why the name leads nowhere, where it is an import path.
    """

    def __init__(
        self, kind: str, name: str, names: Iterable[str], where: object = None, *, reason: str | None = None
    ) -> None:
        names = sorted(names)
        nearest = nearest_name(str(name), names)  # a wrong type is no name either
        super().__init__(
            f"unknown {kind} `{name}`" + (f"; did you mean `{nearest}`?" if nearest else ""),
            expected="one of " + ", ".join(names) if names else f"nothing: there is no {kind}",
            got=f"`{name}`" + (f", {reason}" if reason else ""),
            where=where,
        )


class ComponentError(GraphrecError):
    """A name or import path leads to no complete component of its kind, or a new component cannot have that name.

    >>> from graphrec.backbones import backbones
    >>> backbones.get("fractions:Fraction")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.ComponentError: `fractions:Fraction` is no backbone
      expected: a subclass of graphrec.backbones.base:Backbone
    ...
    """


class UnknownIdError(GraphrecError):
    """External user or item ids that the trained run does not know.

    >>> run.recommend(["7", "7000"])
    Traceback (most recent call last):
    graphrec.errors.UnknownIdError: 1 of 2 user ids are unknown
      expected: ids such as 0, 1, 2 (60 in all)
      got: 7000
      next step: an id that was not in the training data has no embedding; leave it out
    """


class IdentificationError(GraphrecError):
    """An estimand is not identified on a causal graph; the message shows the path that breaks it.

    >>> from graphrec.causal import CausalGraph, Node, total_effect
    >>> nodes = {"I": Node("item"), "V": Node("fashion", observed=False), "L": Node("like")}
    >>> edges = [("V", "I"), ("V", "L"), ("I", "L")]
    >>> total_effect(CausalGraph(nodes, edges, treatment="I", outcome="L", mediators=()))
    Traceback (most recent call last):
    graphrec.errors.IdentificationError: the total effect is confounded: an open back-door path from I to L
      expected: every back-door path blocked
      got: I <- V -> L
      where: the causal graph
      next step: use an estimand that allows it, or observe a variable on the path and condition on it
    """


class RunError(GraphrecError):
    """A run folder is missing, incomplete, or does not match its own manifest.

    >>> gr.Run("runs/nothing")
    Traceback (most recent call last):
    graphrec.errors.RunError: not a run folder
      expected: a folder with run.json
      where: runs/nothing
      next step: `train(recipe, out)`
    """


class MismatchError(RunError):
    """The content of a folder was made by another recipe, from other data, or with other custom code.

    >>> other = gr.Recipe.from_dict({**recipe.model_dump(), "seed": 1})
    >>> gr.train(other, run.folder)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.MismatchError: the folder holds a run of another recipe
      expected: a new folder, or a run of recipe `hcr` as it is now
      got: a run whose recipe.toml differs
      where: ...
      next step: choose another `out`, or remove the folder
    """


class OutOfMemoryError(GraphrecError):
    """What is asked for needs more memory than there is.

    >>> large = gr.Recipe.from_dict({**recipe.model_dump(), "backbone": {"embedding_size": 10**9}})
    >>> gr.train(large, "runs/large")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.OutOfMemoryError: there is not enough memory for the embedding tables and their training
      expected: at most ... GiB, which are available
      got: a request for ... GiB
      where: backbone.embedding_size
      next step: lower the embedding size, or use fewer users and items, see data.filter
    """


class ForeignFileError(DataError, RunError):
    """What would be overwritten or removed was not written by graphrec, or was changed since.

    >>> Path("mine").mkdir()
    >>> Path("mine/photo.jpg").touch()
    >>> gr.train(recipe, "mine")
    Traceback (most recent call last):
    graphrec.errors.ForeignFileError: will not write a run into what is there
      expected: a new folder, or one with a run
      got: a folder with other content: photo.jpg
      where: mine
      next step: choose another `out`
    """


class DamagedFileError(DataError, RunError):
    """A file that graphrec wrote has another content now: it was changed, or the disk damaged it.

    >>> from shutil import copytree
    >>> copytree(run.folder, "copy")
    'copy'
    >>> _ = Path("copy/history.jsonl").write_text("{}")
    >>> gr.Run("copy").history  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.DamagedFileError: a file was changed after graphrec wrote it
      expected: ...
    """


def damaged(path: Path, got: str, next_step: str = "train the run again") -> RunError:
    """The error for a file in a run's folder that cannot be read.

    >>> print(damaged(Path("runs/hcr/model.safetensors"), "no such file"))
    a file of the run is missing or damaged
      got: no such file
      where: runs/hcr/model.safetensors
      next step: train the run again
    """
    return RunError("a file of the run is missing or damaged", got=got, where=path, next_step=next_step)


def file_not_found(path: Path) -> DataError:
    """The error for a file that a reader does not find.

    >>> print(file_not_found(Path("visual.npy")))
    file not found
      where: visual.npy
      next step: check the path, or obtain the file
    """
    return DataError("file not found", where=path, next_step="check the path, or obtain the file")


def nearest_name(name: str, names: Iterable[str]) -> str | None:
    """The name closest to `name`, or None when none is close.

    >>> nearest_name("lightgcm", ["lightgcn", "mmgcn"])
    'lightgcn'
    """
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return close[0] if close else None
