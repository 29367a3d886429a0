"""The data, the split, and which runs were trained on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphrec.data.split import left_out
from graphrec.data.splitter import splitters
from graphrec.report.page import RunPage
from graphrec.report.primitives.tables import counted
from graphrec.report.run_records import ledger, prepared_manifest
from graphrec.report.section import Section
from graphrec.report.sections.methods import run_rows
from graphrec.report.trained_method import TrainedMethod
from graphrec.runs.run import Run

SPLIT_SETTINGS = {
    "chronological": ("train",),
    "global_time": ("train", "valid", "until"),
    "random": ("train", "valid", "seed"),
}
COUNTS = {
    "users": "users",
    "items": "items",
    "train_clicks": "train clicks",
    "train_likes": "train likes",
    "valid": "validation likes",
    "test": "test likes",
}


class DataSection(Section):
    """What was trained on, how it was split, and how often the test split was opened.

    >>> from graphrec.testing.small_run import small_page
    >>> facts = DataSection().context(small_page())["data"]
    >>> facts["split"], facts["sizes"][:2], facts["openings"]
    ('chronological (train 0.7)', [('users', 40), ('items', 30)], [('ct', '1 time')])
    """

    id = "data"
    title = "Data and protocol"
    template = "data.html"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        return {"data": _data(page.methods), "run_rows": run_rows(page.methods)}


def _data(methods: Sequence[TrainedMethod]) -> dict[str, Any]:
    run = methods[0].first
    rule = run.recipe.data.filter
    counts = run.manifest["counts"]
    prepared, problem = prepared_manifest(run)
    feedback = {} if prepared is None else prepared.feedback | dict(run.recipe.data.feedback)
    source = {} if prepared is None else prepared.provenance
    return {
        "name": run.manifest["dataset"],
        "simulated": run.manifest["simulated"],
        "problem": problem,
        "source": source.get("source"),
        "layout": source.get("layout"),
        "sizes": [(label, counts[key]) for key, label in COUNTS.items()],
        "left_out": left_out(counts),
        "split": _split_text(run),
        "filter": rule and f"{rule.kind}, at least {rule.users} items a user and {rule.items} users an item",
        "split_summary": dict(splitters.summaries()).get(run.recipe.split.name, ""),
        "feedback": {key: ", ".join(feedback[key]) for key in ("click", "like") if key in feedback},
        "single_behaviour": run.manifest["single_behaviour"],
        "modalities": {role: run.manifest["context"][role] for role in ("exposure", "content")},
        "openings": [(method.name, _times([len(ledger(run)) for run in method.runs])) for method in methods],
    }


def _split_text(run: Run) -> str:
    """The split's name and settings: `chronological (train 0.7)`."""
    split = run.recipe.split
    values = {key: getattr(split, key) for key in SPLIT_SETTINGS.get(split.name, ())}
    settings = ", ".join(f"{key} {value}" for key, value in values.items() if value is not None)
    return split.name + (f" ({settings})" if settings else "")


def _times(counts: Sequence[int]) -> str:
    """How often something was done in each of several runs."""
    low, high = min(counts), max(counts)
    return counted(high, "time") if low == high else f"{low} to {high} times"
