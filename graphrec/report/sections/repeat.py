"""The commands that repeat the runs and the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphrec.evaluation.result_sets import EVALUATE_ARGUMENTS, HELD_OUT, SLICES, TRUTH_SETS
from graphrec.report.page import RunPage
from graphrec.report.run_records import prepared_manifest
from graphrec.report.section import Section
from graphrec.runs.files import RECIPE
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.system.shell import command


class RepeatSection(Section):
    """The commands as one block.

    >>> from graphrec.testing.small_run import small_page
    >>> [line.split()[1] for line in RepeatSection().context(small_page())["commands"].splitlines()]
    ['prepare', 'train', 'evaluate', 'compare']
    """

    id = "repeat"
    title = "Repeat"
    template = "repeat.html"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        lines = commands(page.runs, page.split, page.out, page.dose_response, replicates=page.seeds > 1)
        return {"commands": lines}


def commands(
    runs: Sequence[Run], split: str, out: Path, dose_response: Path | None = None, *, replicates: bool = False
) -> str:
    """The commands that make this page again; RAW and WORLD stand for what a run does not know.

    Args:
        replicates: whether runs that differ in the seed alone are one method on the page.

    >>> from graphrec.testing.small_run import small_run
    >>> lines = commands([small_run()], "test", Path("page.html")).splitlines()
    >>> [(line.split()[1], line.split()[-1]) for line in lines[2:]]
    [('evaluate', 'observational'), ('compare', 'page-again.html')]
    """
    prepared, _ = prepared_manifest(runs[0])
    lines = []
    if prepared is not None and "source" in prepared.provenance:
        source, options = prepared.provenance["source"], prepared.provenance.get("options", {})
        chosen = [f"{key}={_text(value)}" for key, value in options.items() if value not in (None, "")]
        lines.append(command("prepare", source, raw="RAW", out=runs[0].recipe.data.path, options=chosen))
    folders = []
    for run in runs:
        # Into another folder: in its own the complete run would be returned as it is.
        again = f"{run.folder}-again"
        folders.append(again)
        recipe, data = run.folder / RECIPE, run.recipe.data.path
        moved = Recipe.from_toml(recipe).data.path != data
        overrides = [f"data.path={data}"] if moved else []
        lines.append(command("train", recipe, out=again, overrides=overrides))
        labels = list(run.results.by_estimand(split))
        result_sets = dict.fromkeys(result.result_set for result in run.results)
        truths = [EVALUATE_ARGUMENTS[name] for name in TRUTH_SETS.values() if name in result_sets]
        # Splits and truths have arguments of their own below. Slices can be evaluated with the test split alone.
        elsewhere = (*HELD_OUT, *TRUTH_SETS.values(), *(SLICES if split != "test" else ()))
        more: dict[str, object] = {}
        for name in result_sets:
            if name not in elsewhere:
                more |= EVALUATE_ARGUMENTS[name]
        first, *rest = truths or [{}]  # one evaluation has one truth
        lines.append(command("evaluate", again, split=split, estimands=labels, **more, **first))
        lines += [command("evaluate", again, split=split, estimands=labels, **truth) for truth in rest]
    page = out.with_stem(f"{out.stem}-again")
    lines.append(
        command("compare", *folders, result_set=split, replicates=replicates, out=page, dose_response=dose_response)
    )
    return "\n".join(lines)


def _text(option: Any) -> str:
    return ",".join(map(str, option)) if isinstance(option, list) else str(option)
