"""What was tried to refute the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphrec.report.page import RunPage
from graphrec.report.section import Section
from graphrec.runs.run import Run

OUTCOMES = {True: "passed", False: "failed", None: "no verdict"}


class RefutationSection(Section):
    """The checks of each run that `refute` was called on; nothing where there is none.

    >>> import shutil
    >>> from graphrec.report.trained_method import methods_of
    >>> from graphrec.system.owned_folder import write_own_json
    >>> tried = gr.Run(shutil.copytree(run.folder, "run"))
    >>> check = {"name": "placebo_modality", "passed": False, "settings": {"epochs": 3}}
    >>> write_own_json(tried.folder / "refutation" / "results.json", {"placebo_modality": check})
    >>> page = RunPage(tuple(methods_of([tried])), "valid", Path("page.html"))
    >>> [(check["name"], check["outcome"]) for check in RefutationSection().context(page)["refutations"][0]["checks"]]
    [('placebo_modality', 'failed')]
    """

    id = "refutation"
    title = "Refutation"
    template = "refutation.html"

    def context(self, page: RunPage) -> Mapping[str, Any] | None:
        tried = _refutations(page.runs, page.run_names)
        return {"refutations": tried} if tried else None


def _refutations(runs: Sequence[Run], names: Mapping[Path, str]) -> list[dict[str, Any]]:
    """The checks of each run that `refute` was called on."""
    by_name = {names[run.folder]: run.refutation() for run in runs}
    return [
        {"name": name, "checks": [_shown(check) for check in checks.values()]}
        for name, checks in by_name.items()
        if checks
    ]


def _shown(check: dict[str, Any]) -> dict[str, Any]:
    epochs = check["settings"]["epochs"]
    effort = "epochs as in the recipe" if epochs is None else f"at most {epochs} epochs a training"
    return check | {"outcome": OUTCOMES[check["passed"]], "effort": effort}
