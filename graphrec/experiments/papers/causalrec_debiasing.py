"""CausalRec's Figure 5: visually-aware models with and without causal inference (Qiu et al., section 5.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from graphrec.causal import Observational, TotalIndirectEffect
from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.bars import Bars, bar_panels, panel_title
from graphrec.experiments.papers.causalrec_lambda2 import CAUSALREC, about_lambda2, with_full_removal
from graphrec.experiments.papers.scored import ENDS, NAN, Measured, Scored, about_metrics, measure_all, one_family
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.plots import Estimate
from graphrec.report.primitives.tables import metric_label

METHODS = ("VBPR", "AMR", CAUSALREC)
SIDES = ("w/o CI", "w/ CI")
GAIN = "Improvement (%)"


def causalrec_figure_5(result: BenchmarkResult, title: str) -> PaperTable:
    """MRR of each model as trained (w/o CI) and by its total indirect effect (w/ CI).

    Where CausalRec's own lambda2 is not 1, a row more has its whole direct effect removed.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.causalrec_debiasing import causalrec_figure_5
        >>> result = BenchmarkResult.of_runs({"HCR": [run]}, failed={"AMR": "it diverged; got NaN"})
        >>> table = causalrec_figure_5(result, "Twin").table
        >>> dict(zip(table["Model"], table["w/ CI"]))
        {'VBPR': 'not run', 'AMR': 'failed: it diverged', 'CausalRec': 'not run'}
    """
    own = Scored.of(result, CAUSALREC)
    inferred = [Scored.of(result, name, TotalIndirectEffect()) for name in METHODS if name != CAUSALREC]
    inferred += with_full_removal([own])
    measured: dict[str, Measured] = {}
    for scored in inferred:
        plain = replace(scored, estimand=Observational())
        pair = [replace(row, name=side) for side, row in zip(SIDES, (plain, scored))]
        measured[scored.name], metrics = measure_all(pair, ["mrr"], result)
    # All pairs of the figure are one family: each model was measured in a call of its own, which corrected its pair
    # alone.
    measured = dict(zip(measured, one_family(list(measured.values()))))
    rows: list[dict[str, Any]] = []
    for metric in metrics:
        for name, sides in measured.items():
            cells = {key: value for n, side in enumerate(SIDES) for key, value in sides.cell(n, metric, side).items()}
            gain = sides.gain(1, 0, metric) if metric == "mrr" else Estimate("", NAN, NAN, NAN)
            row = {"Metric": metric_label(metric), "Model": name, **cells}
            rows.append(row | {GAIN: gain.mean, f"{GAIN}_low": gain.low, f"{GAIN}_high": gain.high})
    drawn = [name for name, sides in measured.items() if len(sides.failed) < len(SIDES)]
    panels = [
        Bars(
            panel_title(metric),
            tuple(drawn),
            {side: [_estimate(measured[name], n, metric) for name in drawn] for n, side in enumerate(SIDES)},
        )
        for metric in metrics
    ]
    return PaperTable(
        name="causalrec-figure-5",
        title=f"CausalRec, Figure 5: models with and without causal inference. {title}",
        caption="Each model once trained, scored as trained and with causal inference."
        f"{about_lambda2([own], result.trials)}{about_metrics(metrics)} "
        f"{measured[CAUSALREC].bold('the other of the row')} {ENDS}",
        table=pd.DataFrame(rows),
        notes=(
            "VBPR and AMR have no lambda2: all of the direct effect is removed.",
            *dict.fromkeys(f"{name} {note}" for name, sides in measured.items() for note in sides.notes()),
        ),
        picture=bar_panels(panels, title, "causalrec-figure-5") if drawn else None,
    )


def _estimate(measured: Measured, row: int, metric: str) -> Estimate:
    return Estimate("", NAN, NAN, NAN) if row in measured.failed else measured.estimate(row, metric)
