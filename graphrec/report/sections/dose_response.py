"""A dose-response study: the same methods on worlds that differ in the strength of one bias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from graphrec.errors import DataError
from graphrec.evaluation.baselines import ORACLE, POPULARITY
from graphrec.report.compared_methods import methods_in_order
from graphrec.report.page import RunPage
from graphrec.report.primitives.plots import SERIES, Estimate, curve_plot
from graphrec.report.primitives.tables import cell, metric_label, metric_names
from graphrec.report.primitives.text_table import TextTable
from graphrec.report.section import Section
from graphrec.system.files import read_json

COLUMNS = ("dose", "method", "worlds")


class DoseResponseSection(Section):
    """The study that the caller names; nothing without one."""

    id = "doses"
    title = "Dose and response"
    template = "dose_response.html"

    def context(self, page: RunPage) -> Mapping[str, Any] | None:
        if page.dose_response is None:
            return None
        return {"doses": doses(page.dose_response, methods_in_order(page.comparison.table))}


def doses(path: Path, methods: Sequence[str]) -> dict[str, Any]:
    """Curves of a study's measures over the dose, and a table of each.

    Args:
        path: `results.csv` of a study; `about.json` beside it, where it is, names the dial.
        methods: those of the page, what matters most first.

    Returns:
        For the template. The tables have every method. The curves have the oracles, then of `methods` what the study
        has, or all that it has where that is none, then popularity: as many of these, from the first, as a plot holds.

    Raises:
        DataError: no such file, or not the table of a study.
    """
    table = _read(Path(path))
    about_file = Path(path).with_name("about.json")
    about = read_json(about_file) if about_file.is_file() else {}
    about = about if isinstance(about, dict) else {}
    dial, every = str(about.get("dial", "dose")), list(dict.fromkeys(table["method"]))
    oracles = [one for one in every if one.startswith(ORACLE)]
    beside = [one for one in every if one == POPULARITY]
    trained = [one for one in every if one not in (*oracles, *beside)]
    drawn = [*oracles, *([one for one in methods if one in trained] or trained), *beside][: len(SERIES)]
    worlds = sorted({int(n) for n in table["worlds"]})
    return {
        "dial": dial,
        "worlds": " to ".join(dict.fromkeys(map(str, (worlds[0], worlds[-1])))),
        "target": about.get("target"),
        "left_out": len(every) - len(drawn),
        "plots": [
            Markup(_plot(table, drawn, metric, dial, f"dose{n}")) for n, metric in enumerate(metric_names(table))
        ],
        "tables": [(metric_label(metric), _rows(table, metric, dial)) for metric in metric_names(table)],
    }


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(
            "no dose-response study", expected="the results.csv of a study", got="no such file", where=path,
            next_step="benchmarks/dose_response.py writes one",
        )  # fmt: skip
    try:
        table = pd.read_csv(path, dtype={"method": str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError("not a CSV file", got=str(error), where=path) from None
    numbers = [name for name in table.columns if name != "method"]
    wanted = [*COLUMNS, *(f"{metric}_high" for metric in metric_names(table))]
    wrong = [name for name in numbers if not pd.api.types.is_numeric_dtype(table[name])]
    gaps = [name for name in COLUMNS if name in table.columns and table[name].isna().any()]
    if wrong or gaps or table.empty or not metric_names(table) or not set(wanted) <= set(table.columns):
        raise DataError(
            "not the results of a dose-response study",
            expected="columns dose, method, worlds and, for each metric, METRIC, METRIC_low, METRIC_high, all numbers "
            "but the method; a dose, a method and a number of worlds in each row",
            got=f"{len(table)} rows of "
            + ", ".join(table.columns)
            + (f"; no numbers: {', '.join(wrong)}" * bool(wrong))
            + (f"; gaps in: {', '.join(gaps)}" * bool(gaps)),
            where=path,
            next_step="give the results.csv that benchmarks/dose_response.py wrote",
        )
    return table


def _plot(table: pd.DataFrame, drawn: list[str], metric: str, dial: str, key: str) -> str:
    curves = {
        method: [
            (row["dose"], Estimate(method, row[metric], row[f"{metric}_low"], row[f"{metric}_high"]))
            for _, row in table[table["method"] == method].sort_values("dose").iterrows()
        ]
        for method in drawn
    }
    return curve_plot(curves, metric, dial, key)


def _rows(table: pd.DataFrame, metric: str, dial: str) -> TextTable:
    """A row a method, a column a dose."""
    found = sorted(table["dose"].unique())
    rows = []
    for method in table["method"].unique():
        at = table[table["method"] == method].drop_duplicates("dose").set_index("dose")
        rows.append((method, *(cell(at.loc[dose], metric) if dose in at.index else "–" for dose in found)))
    return ["method", *(f"{dial} {dose:g}" for dose in found)], rows
