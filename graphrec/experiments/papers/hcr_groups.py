"""HCR against CT in groups of users, of likes or of items: what its Figures 5, 6 and 7 have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.bars import Bars, bar_panels
from graphrec.experiments.papers.hcr_tables import UNQUOTED
from graphrec.experiments.papers.scored import ENDS, NAN, Measured, Scored, measure, one_family
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.plots import Estimate

METHODS = ("HCR", "CT")
"""In the order of the paper, whose bars of HCR are plain and whose bars of CT are hatched."""
GAIN = "Improvement (%)"
USERS = "#Users"
NO_GAIN = "No improvement can be computed where CT has 0 or no value."


@dataclass(frozen=True)
class Groups:
    """Both methods in every group.

    Args:
        groups: their names.
        measured: of each.
        table: a row a group.
        series: for each method an estimate a group, NaN where it failed.
        gains: of HCR over CT in percent, one a group.

    Example:
        >>> from graphrec.evaluation.result_sets import ACTIVITY
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.hcr_groups import against_ct
        >>> result = BenchmarkResult.of_runs({"HCR": [run]})
        >>> groups = against_ct(result, {"active": ACTIVITY[0]}, "recall@10", "User group")
        >>> groups.groups, list(groups.series), groups.undefined
        (('active',), ['HCR', 'CT'], False)
    """

    groups: tuple[str, ...]
    measured: tuple[Measured, ...]
    table: pd.DataFrame
    series: Mapping[str, Sequence[Estimate]]
    gains: Sequence[Estimate]

    @property
    def undefined(self) -> bool:
        """Whether a method that did not fail has no value in some group."""
        return any(
            math.isnan(estimate.mean) and row not in of_group.failed
            for row, name in enumerate(METHODS)
            for estimate, of_group in zip(self.series[name], self.measured)
        )


def against_ct(result: BenchmarkResult, result_sets: Mapping[str, str], metric: str, head: str) -> Groups:
    """HCR and CT on one metric in each of several result sets, which are one family of tests.

    Args:
        result_sets: by the group's name, a result set of `graphrec.runs.analyses`.
        metric: what is measured there.
        head: of the column of groups.

    Example:
        >>> from graphrec.evaluation.result_sets import ACTIVITY
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.hcr_groups import against_ct
        >>> result = BenchmarkResult.of_runs({"HCR": [run]})
        >>> groups = against_ct(result, dict(zip(("active", "others"), ACTIVITY)), "recall@10", "User group")
        >>> groups.table[["User group", "CT"]].values.tolist()
        [['active', 'not run'], ['others', 'not run']]
    """
    scored = [Scored.of(result, name) for name in METHODS]
    measured = one_family([measure(scored, [metric], [result_set]) for result_set in result_sets.values()])
    gains = [of_group.gain(METHODS.index("HCR"), METHODS.index("CT"), metric) for of_group in measured]
    rows: list[dict[str, Any]] = []
    for group, of_group, gain in zip(result_sets, measured, gains):
        cells = {
            key: value for row, name in enumerate(METHODS) for key, value in of_group.cell(row, metric, name).items()
        }
        gained = {GAIN: gain.mean, f"{GAIN}_low": gain.low, f"{GAIN}_high": gain.high}
        rows.append({head: group, USERS: of_group.users(metric), **cells, **gained})
    series = {
        name: [
            Estimate(name, NAN, NAN, NAN) if row in of_group.failed else of_group.estimate(row, metric)
            for of_group in measured
        ]
        for row, name in enumerate(METHODS)
    }
    return Groups(tuple(result_sets), measured, pd.DataFrame(rows), series, gains)


def figure(
    groups: Groups, *, name: str, title: str, caption: str, panels: Sequence[Bars], notes: Sequence[str] = ()
) -> PaperTable:
    """The paper's figure; without a picture where neither method could be measured anywhere.

    Example:
        >>> from graphrec.evaluation.result_sets import ACTIVITY
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.hcr_groups import against_ct, figure
        >>> result = BenchmarkResult.of_runs({"BPR": [run]})
        >>> groups = against_ct(result, {"active": ACTIVITY[0]}, "recall@10", "User group")
        >>> drawn = figure(groups, name="hcr-figure-5", title="Activity", caption="Recall.", panels=[])
        >>> drawn.picture is None, drawn.caption[:8]
        (True, 'Recall. ')
    """
    failures = dict.fromkeys(note for of_group in groups.measured for note in of_group.notes())
    whole = not any(of_group.failed for of_group in groups.measured)
    gaps = [NO_GAIN] if whole and any(math.isnan(gain.mean) for gain in groups.gains) else []
    drawn = any(len(of_group.failed) < len(METHODS) for of_group in groups.measured)
    return PaperTable(
        name=name,
        title=title,
        caption=f"{caption} {groups.measured[0].bold('the other of the row')} {ENDS} {UNQUOTED}",
        table=groups.table,
        notes=(*notes, *gaps, *failures),
        picture=bar_panels(panels, title, name) if drawn else None,
    )
