"""What was run, and how it departs from its paper: each part's own notes, and every setting with what it decides.

The notes are the docstring of the module that defines the backbone or decoder, the one place where deviations are
written; the settings' meanings are the docstrings under the fields. Nothing is said here a second time.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from graphrec.backbones import Backbone
from graphrec.decoders import Decoder
from graphrec.report.page import RunPage
from graphrec.report.primitives.text_table import TextTable
from graphrec.report.section import Section
from graphrec.report.trained_method import TrainedMethod
from graphrec.runs.recipe import COMPONENTS
from graphrec.runs.run import Run

ProseBlock = tuple[Literal["text", "formula", "list"], list[str]]


class MethodsSection(Section):
    """The notes and settings of each backbone and decoder, and how the experiments depart from their paper."""

    id = "methods"
    title = "Methods and deviations"
    template = "methods.html"

    def heading(self, page: RunPage) -> str:
        return "Methods and deviations from the papers"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        return {"methods": methods(page.first_runs, page.method_names), "deviations": list(page.deviations)}


def run_rows(methods: Sequence[TrainedMethod]) -> TextTable:
    """A row a method: its parts, its seeds, and the settings in which it differs from their defaults."""
    rows = []
    for method in methods:
        run = method.first
        training = run.recipe.training.model_dump(mode="json")
        chosen = _unlike(training, _defaults(type(run.recipe.training)), "training.")
        for kind in COMPONENTS:
            given = getattr(run.recipe, kind)
            defaults = _defaults(COMPONENTS[kind].get(given["name"]).Config)
            chosen += _unlike({key: value for key, value in given.items() if key != "name"}, defaults, f"{kind}.")
        seeds = ", ".join(str(one.recipe.seed) for one in method.runs)
        row = (method.name, run.recipe.backbone["name"], run.recipe.decoder["name"], seeds)
        rows.append((*row, ", ".join(chosen) or "none"))
    return ["run", "backbone", "decoder", "seed", "settings other than the default"], rows


def _defaults(config: type[BaseModel]) -> dict[str, Any]:
    return config.model_construct().model_dump(mode="json", warnings=False)


def _unlike(given: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str) -> list[str]:
    return [f"{prefix}{key} = {_shown(value)}" for key, value in given.items() if value != defaults.get(key)]


def methods(runs: Sequence[Run], names: Mapping[Path, str]) -> list[dict[str, Any]]:
    """Each backbone and decoder of the runs once, with its notes and settings."""
    found = []
    for kind in COMPONENTS:
        users: dict[str, list[Run]] = {}
        for run in runs:
            users.setdefault(getattr(run.recipe, kind)["name"], []).append(run)
        for name, same in users.items():
            part = COMPONENTS[kind].get(name)
            found.append(
                {
                    "kind": kind,
                    "name": name,
                    "runs": ", ".join(names[run.folder] for run in same),
                    "notes": [_note(module, text) for module, text in _docstrings(part)],
                    "settings": _settings(part.Config, [getattr(run.recipe, kind) for run in same]),
                }
            )
    return found


def _note(module: str, text: str) -> dict[str, Any]:
    paragraphs = text.split("\n\n")
    marked = [n for n, one in enumerate(paragraphs) if re.search(r"\bDeviations?\b", one)]
    return {
        "module": module,
        "deviations": [block for n in marked for block in blocks(paragraphs[n])],
        "whole": [block for one in paragraphs for block in blocks(one)],
    }


def _docstrings(part: type) -> list[tuple[str, str]]:
    """The docstrings of the modules of a part and of the classes that it is made from, the contract left out."""
    found: dict[str, str] = {}
    for one in part.__mro__:
        if issubclass(one, (Backbone, Decoder)) and one.__module__ not in (Backbone.__module__, Decoder.__module__):
            text = inspect.cleandoc(sys.modules[one.__module__].__doc__ or "")
            if one is part or "\n\n" in text:  # a line alone names a module and says nothing of the method
                found.setdefault(one.__module__, text or f"{one.__module__} has no docstring.")
    return list(found.items())


def blocks(paragraph: str) -> list[ProseBlock]:
    """A paragraph of a docstring as running text, formulas (indented by four) and lists, for the page to set."""
    found: list[ProseBlock] = []
    for line in paragraph.splitlines():
        last = found[-1][0] if found else None
        if line.startswith("- "):
            if last != "list":
                found.append(("list", []))
            found[-1][1].append(line[2:])
        elif last == "list" and line.startswith("  "):
            found[-1][1][-1] += " " + line.strip()
        elif line.startswith("    "):
            if last != "formula":
                found.append(("formula", []))
            found[-1][1].append(line[4:])
        elif last == "text":
            found[-1][1][0] += " " + line
        else:
            found.append(("text", [line]))
    return found


def _settings(config: type[BaseModel], given: Sequence[Mapping[str, Any]]) -> TextTable:
    """A row a setting: what the runs have, the default, what it decides."""
    meanings, rows = _meanings(config), []
    defaults = _defaults(config)
    for key in config.model_fields:
        here = ", ".join(dict.fromkeys(_shown(one[key]) for one in given))
        rows.append((key, here, _shown(defaults[key]) if key in defaults else "–", meanings.get(key, "")))
    return ["setting", "here", "default", "what it decides"], rows


def _shown(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@cache
def _meanings(config: type) -> dict[str, str]:
    """The docstring under each field, in the class and its bases; none where there is no source to read."""
    found: dict[str, str] = {}
    for one in reversed(config.__mro__[: config.__mro__.index(object)]):
        if one.__module__.startswith("pydantic"):
            continue
        try:
            (tree,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        except (OSError, TypeError):
            continue
        assert isinstance(tree, ast.ClassDef)
        for field, text in zip(tree.body, tree.body[1:]):
            match field, text:
                case ast.AnnAssign(target=ast.Name(id=key)), ast.Expr(value=ast.Constant(value=str(said))):
                    found[key] = " ".join(said.split())
    return found
