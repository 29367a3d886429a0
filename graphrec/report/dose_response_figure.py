"""A dose-response study as one picture: a panel a measure, a curve a method, over the parameter that was varied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from graphrec.report.primitives.plots import Estimate, curve_panels, standalone
from graphrec.system.output_file import write_output


def dose_curves(table: pd.DataFrame, methods: Iterable[str], metric: str) -> dict[str, list[tuple[float, Estimate]]]:
    """For each method the doses, in order, with the metric there.

    >>> table = pd.DataFrame({"dose": [2.0, 0.0], "method": "HCR", "x": [0.4, 0.5], "x_low": 0.3, "x_high": 0.6})
    >>> [(dose, str(estimate)) for dose, estimate in dose_curves(table, ["HCR"], "x")["HCR"]]
    [(0.0, '.5000 [.3000, .6000]'), (2.0, '.4000 [.3000, .6000]')]

    Args:
        table: a row a dose and method, with `METRIC`, `METRIC_low` and `METRIC_high`.
        methods: in the order of the legend.
    """
    return {
        method: [
            (row["dose"], Estimate(method, row[metric], row[f"{metric}_low"], row[f"{metric}_high"]))
            for _, row in table[table["method"] == method].sort_values("dose").iterrows()
        ]
        for method in methods
    }


def write_dose_response_figure(
    table: pd.DataFrame,
    methods: Sequence[str],
    metrics: Sequence[str],
    parameter: str,
    path: Path,
    *,
    force: bool = False,
) -> None:
    """Write the metrics over the parameter as an SVG file, a curve for each of `methods`.

    >>> table = pd.DataFrame(
    ...     {"dose": [0, 1], "method": "HCR", "mrr": [0.5, 0.4], "mrr_low": 0.3, "mrr_high": 0.6}
    ... )
    >>> write_dose_response_figure(table, ["HCR"], ["mrr"], "hidden", Path("figure.svg"))
    >>> Path("figure.svg").read_text().partition("<desc")[2].partition(">")[2].partition("<")[0]
    'MRR of HCR: 0: .5000 [.3000, .6000], 1: .4000 [.3000, .6000]'
    """
    panels = {metric: dose_curves(table, methods, metric) for metric in metrics}
    write_output(path, standalone(curve_panels(panels, parameter, path.stem)), "dose-response figure", force=force)
