"""How each training went: loss and validation metric over the epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from graphrec.report.page import RunPage
from graphrec.report.primitives.plots import training_plot
from graphrec.report.section import Section
from graphrec.runs.run import Run


class TrainingSection(Section):
    """A plot for each method, of its first seed.

    >>> from graphrec.testing.small_run import small_page
    >>> (curves,) = TrainingSection().context(small_page())["training"]
    >>> curves["name"], "whose weights were kept" in curves["plot"]
    ('ct', True)
    """

    id = "training"
    title = "Training"
    template = "training.html"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        names = page.run_names
        return {
            "training": [_curves(run, names[run.folder], f"train{n}") for n, run in enumerate(page.first_runs)],
        }


def _curves(run: Run, name: str, key: str) -> dict[str, Any]:
    monitor = run.recipe.training.monitor
    plot = training_plot(run.history, monitor, run.manifest["best_epoch"], name, key)
    return {"name": name, "plot": Markup(plot)}
