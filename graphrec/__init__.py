"""graphrec: causal multimodal graph recommendation.

A world with known truth stands in for raw files here; `docs/data.md` tells how to read your own.

>>> import tempfile
>>> from pathlib import Path
>>> import graphrec as gr
>>> folder = Path(tempfile.mkdtemp())
>>> raw = gr.simulate("tiktok", folder / "raw", users=60, items=40, shown=20)
>>> data = gr.prepare("tiktok", raw, folder / "data")
>>> recipe = gr.Recipe.from_dict({
...     "data": {"path": str(data)},
...     "backbone": {"name": "mf", "embedding_size": 8},
...     "decoder": {"name": "ct"},
...     "training": {"epochs": 1},
... })
>>> run = gr.train(recipe, folder / "run")
>>> run.evaluate()[["method", "estimand"]].values.tolist()
[['CT', 'observational']]
>>> run.recommend(["0"], k=3)["rank"].tolist()
[1, 2, 3]

The names of the package load on first use, so that a command does not wait for torch to print its help.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphrec.causal import CausalGraph, Estimand, parse_estimand
    from graphrec.checks.dataset import check
    from graphrec.data.dataset import Feature, InteractionDataset
    from graphrec.data.prepare import prepare
    from graphrec.data.store import load, save
    from graphrec.errors import GraphrecError
    from graphrec.refutation import refute
    from graphrec.report.run_page import write_report
    from graphrec.runs.compare import compare
    from graphrec.runs.recipe import Recipe
    from graphrec.runs.run import Run
    from graphrec.runs.train import train
    from graphrec.simulation import simulate
    from graphrec.system.integrity import verify
    from graphrec.tuning import Tuning, tune

logging.getLogger(__name__).addHandler(logging.NullHandler())

_HOMES = {
    "CausalGraph": "graphrec.causal",
    "Estimand": "graphrec.causal",
    "parse_estimand": "graphrec.causal",
    "check": "graphrec.checks.dataset",
    "Feature": "graphrec.data.dataset",
    "InteractionDataset": "graphrec.data.dataset",
    "load": "graphrec.data.store",
    "save": "graphrec.data.store",
    "GraphrecError": "graphrec.errors",
    "prepare": "graphrec.data.prepare",
    "Recipe": "graphrec.runs.recipe",
    "refute": "graphrec.refutation",
    "verify": "graphrec.system.integrity",
    "write_report": "graphrec.report.run_page",
    "Run": "graphrec.runs.run",
    "compare": "graphrec.runs.compare",
    "train": "graphrec.runs.train",
    "simulate": "graphrec.simulation",
    "Tuning": "graphrec.tuning",
    "tune": "graphrec.tuning",
}

__all__ = [
    "CausalGraph",
    "Estimand",
    "Feature",
    "GraphrecError",
    "InteractionDataset",
    "Recipe",
    "Run",
    "Tuning",
    "check",
    "compare",
    "load",
    "parse_estimand",
    "prepare",
    "refute",
    "save",
    "simulate",
    "train",
    "tune",
    "verify",
    "write_report",
]


def __getattr__(name: str):
    if name == "__version__":
        from importlib.metadata import version  # late: a command does not need it

        return version("graphrec")
    if name not in _HOMES:
        raise AttributeError(f"module `graphrec` has no attribute `{name}`")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
