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
from graphrec.report.dose_response_figure import dose_curves
from graphrec.report.page import RunPage
from graphrec.report.primitives.plots import SERIES, curve_plot
from graphrec.report.primitives.tables import cell, metric_label, metric_names
from graphrec.report.primitives.text_table import TextTable
from graphrec.report.section import Section
from graphrec.system.integrity import read_own_json, require_intact

COLUMNS = ("dose", "method", "worlds")


class DoseResponseSection(Section):
    """The study that the caller names; nothing without one.

    >>> from dataclasses import replace
    >>> from graphrec.testing.small_run import small_page
    >>> DoseResponseSection().context(small_page()) is None  # no study, no section
    True
    >>> numbers = {"worlds": 5, "mrr": [0.4, 0.2], "mrr_low": [0.3, 0.1], "mrr_high": [0.5, 0.3]}
    >>> pd.DataFrame({"dose": [0, 1], "method": "CT", **numbers}).to_csv("results.csv", index=False)
    >>> context = DoseResponseSection().context(replace(small_page(), dose_response=Path("results.csv")))
    >>> [label for label, table in context["doses"]["tables"]]
    ['MRR']
    """

    id = "doses"
    title = "Dose-response study"
    template = "dose_response.html"

    def context(self, page: RunPage) -> Mapping[str, Any] | None:
        if page.dose_response is None:
            return None
        return {"doses": doses(page.dose_response, methods_in_order(page.comparison.table))}


def doses(path: Path, methods: Sequence[str]) -> dict[str, Any]:
    """Curves of a study's measures over the dose, and a table of each.

    Args:
        path: `results.csv` of a study; `about.json` next to it, where there is one, names the parameter.
        methods: those of the page, what matters most first.

    Returns:
        For the template. The tables have every method. The curves have the oracles, then of `methods` what the study
        has, or all that it has where that is none, then popularity: as many of these, from the first, as a plot holds.

    Raises:
        DataError: no such file, or not the table of a study.

    >>> numbers = {"worlds": 5, "mrr": [0.4, 0.2], "mrr_low": [0.3, 0.1], "mrr_high": [0.5, 0.3]}
    >>> pd.DataFrame({"dose": [0, 1], "method": "CT", **numbers}).to_csv("results.csv", index=False)
    >>> doses(Path("results.csv"), ["CT"])["tables"]
    [('MRR', (['method', 'dose 0', 'dose 1'], [('CT', '.4000 [.3000, .5000]', '.2000 [.1000, .3000]')]))]
    """
    table = _read(Path(path))
    about_file = Path(path).with_name("about.json")
    about = read_own_json(about_file) if about_file.is_file() else {}
    about = about if isinstance(about, dict) else {}
    parameter, all_methods = str(about.get("parameter", "dose")), list(dict.fromkeys(table["method"]))
    oracles = [name for name in all_methods if name.startswith(ORACLE)]
    popularity = [name for name in all_methods if name == POPULARITY]
    trained = [name for name in all_methods if name not in (*oracles, *popularity)]
    on_page = [name for name in methods if name in trained]
    drawn = [*oracles, *(on_page or trained), *popularity][: len(SERIES)]
    worlds = sorted({int(n) for n in table["worlds"]})
    return {
        "parameter": parameter,
        "worlds": " to ".join(dict.fromkeys(map(str, (worlds[0], worlds[-1])))),
        "target": about.get("target"),
        "left_out": len(all_methods) - len(drawn),
        "plots": [
            Markup(curve_plot(dose_curves(table, drawn, metric), metric, parameter, f"dose{number}"))
            for number, metric in enumerate(metric_names(table))
        ],
        "tables": [(metric_label(metric), _rows(table, metric, parameter)) for metric in metric_names(table)],
    }


def _read(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(
            "no dose-response study", expected="the results.csv of a study", got="no such file", where=path,
            next_step="benchmarks/dose_response.py writes one",
        )  # fmt: skip
    require_intact(path)
    try:
        # A method may have a name that reads as a number.
        table = pd.read_csv(path, dtype={"method": str})
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError("not a CSV file", got=str(error), where=path) from None
    numbers = [name for name in table.columns if name != "method"]
    required = [*COLUMNS, *(f"{metric}_high" for metric in metric_names(table))]
    wrong = [name for name in numbers if not pd.api.types.is_numeric_dtype(table[name])]
    gaps = [name for name in COLUMNS if name in table.columns and table[name].isna().any()]
    if wrong or gaps or table.empty or not metric_names(table) or not set(required) <= set(table.columns):
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


def _rows(table: pd.DataFrame, metric: str, parameter: str) -> TextTable:
    """A row a method, a column a dose."""
    doses = sorted(table["dose"].unique())
    rows = []
    for method in table["method"].unique():
        at = table[table["method"] == method].drop_duplicates("dose").set_index("dose")
        rows.append((method, *(cell(at.loc[dose], metric) if dose in at.index else "–" for dose in doses)))
    return ["method", *(f"{parameter} {dose:g}" for dose in doses)], rows
