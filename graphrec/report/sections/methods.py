"""What was run, and how it departs from its paper: the notes of each component, and every setting with what it decides.

The notes are the docstring of the module that defines the backbone or decoder, the one place where deviations are
written; the settings' meanings are the docstrings under the fields. Nothing is said here a second time.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Mapping, Sequence
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
from graphrec.validation import field_meanings

ProseBlock = tuple[Literal["text", "formula", "list"], list[str]]


class MethodsSection(Section):
    """The notes and settings of each backbone and decoder, and how the experiments depart from their paper.

    >>> from graphrec.testing.small_run import small_page
    >>> [(note["kind"], note["name"]) for note in MethodsSection().context(small_page())["methods"]]
    [('backbone', 'mmgcn'), ('decoder', 'ct')]
    """

    id = "methods"
    title = "Methods and deviations"
    template = "methods.html"

    def heading(self, page: RunPage) -> str:
        return "Methods and deviations from the papers"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        return {"methods": methods(page.first_runs, page.method_names), "deviations": list(page.deviations)}


def run_rows(methods: Sequence[TrainedMethod]) -> TextTable:
    """A row a method: its components, its seeds, and the settings in which it differs from their defaults.

    >>> from graphrec.testing.small_run import small_page
    >>> headers, rows = run_rows(small_page().methods)
    >>> rows[0][:4]
    ('ct', 'mmgcn', 'ct', '0')
    """
    rows = []
    for method in methods:
        run = method.first
        training = run.recipe.training.model_dump(mode="json")
        chosen = _unlike(training, _defaults(type(run.recipe.training)), "training.")
        for kind in COMPONENTS:
            config = getattr(run.recipe, kind)
            defaults = _defaults(COMPONENTS[kind].get(config["name"]).Config)
            chosen += _unlike({key: value for key, value in config.items() if key != "name"}, defaults, f"{kind}.")
        seeds = ", ".join(str(seeded.recipe.seed) for seeded in method.runs)
        row = (method.name, run.recipe.backbone["name"], run.recipe.decoder["name"], seeds)
        rows.append((*row, ", ".join(chosen) or "none"))
    return ["run", "backbone", "decoder", "seed", "settings other than the default"], rows


def _defaults(config: type[BaseModel]) -> dict[str, Any]:
    # `model_construct` leaves out required settings, which have no default.
    return config.model_construct().model_dump(mode="json", warnings=False)


def _unlike(config: Mapping[str, Any], defaults: Mapping[str, Any], prefix: str) -> list[str]:
    return [f"{prefix}{key} = {_shown(value)}" for key, value in config.items() if value != defaults.get(key)]


def methods(runs: Sequence[Run], names: Mapping[Path, str]) -> list[dict[str, Any]]:
    """Each backbone and decoder of the runs once, with its notes and settings.

    >>> from graphrec.testing.small_run import small_run
    >>> note = methods([small_run()], {small_run().folder: "CT"})[1]
    >>> note["name"], note["runs"], note["notes"][0]["module"]
    ('ct', 'CT', 'graphrec.decoders.ct')
    """
    notes = []
    for kind in COMPONENTS:
        users: dict[str, list[Run]] = {}
        for run in runs:
            users.setdefault(getattr(run.recipe, kind)["name"], []).append(run)
        for name, same in users.items():
            component = COMPONENTS[kind].get(name)
            notes.append(
                {
                    "kind": kind,
                    "name": name,
                    "runs": ", ".join(names[run.folder] for run in same),
                    "notes": [_note(module, text) for module, text in _docstrings(component)],
                    "settings": _settings(component.Config, [getattr(run.recipe, kind) for run in same]),
                }
            )
    return notes


def _note(module: str, text: str) -> dict[str, Any]:
    paragraphs = text.split("\n\n")
    marked = [n for n, paragraph in enumerate(paragraphs) if re.search(r"\bDeviations?\b", paragraph)]
    return {
        "module": module,
        "deviations": [block for n in marked for block in blocks(paragraphs[n])],
        "whole": [block for paragraph in paragraphs for block in blocks(paragraph)],
    }


def _docstrings(component: type) -> list[tuple[str, str]]:
    """The docstrings of the modules of a component and of the classes that it is made from, the contract left out."""
    texts: dict[str, str] = {}
    for base in component.__mro__:
        if issubclass(base, (Backbone, Decoder)) and base.__module__ not in (Backbone.__module__, Decoder.__module__):
            text = inspect.cleandoc(sys.modules[base.__module__].__doc__ or "")
            if base is component or "\n\n" in text:  # a line alone names a module and says nothing of the method
                texts.setdefault(base.__module__, text or f"{base.__module__} has no docstring.")
    return list(texts.items())


def blocks(paragraph: str) -> list[ProseBlock]:
    r"""A paragraph of a docstring as running text, formulas (indented by four) and lists, for the page to set.

    >>> lines = ["The score is", "    f = h1 h2", "- h1: first", "- h2: second"]
    >>> blocks("\n".join(lines))
    [('text', ['The score is']), ('formula', ['f = h1 h2']), ('list', ['h1: first', 'h2: second'])]
    """
    prose: list[ProseBlock] = []
    for line in paragraph.splitlines():
        last = prose[-1][0] if prose else None
        if line.startswith("- "):
            if last != "list":
                prose.append(("list", []))
            prose[-1][1].append(line[2:])
        elif last == "list" and line.startswith("  "):
            prose[-1][1][-1] += " " + line.strip()
        elif line.startswith("    "):
            if last != "formula":
                prose.append(("formula", []))
            prose[-1][1].append(line[4:])
        elif last == "text":
            prose[-1][1][0] += " " + line
        else:
            prose.append(("text", [line]))
    return prose


def _settings(config: type[BaseModel], configs: Sequence[Mapping[str, Any]]) -> TextTable:
    """A row a setting: what the runs have, the default, what it decides."""
    meanings, rows = field_meanings(config), []
    defaults = _defaults(config)
    for key in config.model_fields:
        here = ", ".join(dict.fromkeys(_shown(values[key]) for values in configs))
        rows.append((key, here, _shown(defaults[key]) if key in defaults else "–", meanings.get(key, "")))
    return ["setting", "here", "default", "what it decides"], rows


def _shown(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
