"""graphrec: causal multimodal graph recommendation.

    import graphrec as gr

    run = gr.train(gr.Recipe.from_toml("recipe.toml"), "runs/hcr")
    run.evaluate()
    run.recommend(["42"], k=20)
    run.export("embeddings")

The names below load on first use, so that a command does not wait for torch to print its help.
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
    "write_report",
]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module `graphrec` has no attribute `{name}`")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
