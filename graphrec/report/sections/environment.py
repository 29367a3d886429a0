"""What the runs were trained with and on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphrec.report.page import RunPage
from graphrec.report.section import Section
from graphrec.runs.manifest import BEGUN_WITH
from graphrec.runs.run import Run
from graphrec.system.environment import code_of


class EnvironmentSection(Section):
    """Versions, device and threads; each environment once.

    >>> from graphrec.testing.small_run import small_page
    >>> (environment,) = EnvironmentSection().context(small_page())["environments"]
    >>> environment["runs"], environment["facts"]["device"]
    (['ct'], 'cpu')
    """

    id = "environment"
    title = "Environment"
    template = "environment.html"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        return {"environments": environments(page.runs, page.run_names)}


def environments(runs: Sequence[Run], names: Mapping[Path, str]) -> list[dict[str, Any]]:
    """Each environment in which runs were trained once: the `runs`, and what they were made with and on.

    >>> from graphrec.testing.small_run import small_run
    >>> run = small_run()
    >>> [group["runs"] for group in environments([run, run], {run.folder: "CT"})]
    [['CT', 'CT']]
    """
    groups: list[dict[str, Any]] = []
    for run in runs:
        facts = run.manifest["environment"] | {
            "threads": run.manifest["threads"],
            "device": run.recipe.training.device,
        }
        if BEGUN_WITH in run.manifest:
            facts[BEGUN_WITH] = code_of(run.manifest[BEGUN_WITH])
        same = next((group for group in groups if group["facts"] == facts), None)
        if same is None:
            groups.append(same := {"runs": [], "facts": facts})
        same["runs"].append(names[run.folder])
    return groups
