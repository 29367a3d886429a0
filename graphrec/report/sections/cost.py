"""What each training cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphrec.report.page import RunPage
from graphrec.report.section import Section
from graphrec.runs.run import Run


class CostSection(Section):
    """A row a run: parameters, epochs, seconds, memory.

    >>> from graphrec.testing.small_run import small_page
    >>> (row,) = CostSection().context(small_page())["cost"]
    >>> row["name"], row["epochs"], row["device"]
    ('ct', 1, 'cpu')
    """

    id = "cost"
    title = "Cost"
    template = "cost.html"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        return {"cost": [_cost(run, page.run_names[run.folder]) for run in page.runs]}


def _cost(run: Run, name: str) -> dict[str, Any]:
    facts = run.manifest
    return {
        "name": name,
        "parameters": f"{facts['parameters']:,}",
        "epochs": facts["epochs"],
        "best_epoch": facts["best_epoch"],
        "seconds": f"{facts['training_seconds']:,.1f}",
        "seconds_per_epoch": f"{facts['training_seconds'] / max(facts['epochs'], 1):,.2f}",
        "memory": f"{facts['peak_memory_mb']:,}",
        "device": run.recipe.training.device,
        "threads": facts["threads"],
    }
