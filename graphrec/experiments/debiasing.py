"""CausalRec's Figure 5: visually-aware models with and without causal inference (Qiu et al., section 5.3)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from graphrec.benchmark import BenchmarkResult
from graphrec.causal import Observational, TotalIndirectEffect
from graphrec.experiments.bars import Bars, bar_panels, panel_title
from graphrec.experiments.scored import NAN, Measured, Scored, about_metrics, measure_all
from graphrec.report.exhibits import Exhibit
from graphrec.report.plots import Estimate
from graphrec.report.tables import metric_label

METHODS = ("VBPR", "AMR", "CausalRec")
SIDES = ("w/o CI", "w/ CI")
GAIN = "Improvement (%)"


def causalrec_figure_5(result: BenchmarkResult, title: str) -> Exhibit:
    """MRR of each model as trained (w/o CI) and by its total indirect effect (w/ CI)."""
    pairs = {
        name: [
            Scored.of(result, name, Observational(), SIDES[0]),
            Scored.of(result, name, None if name == "CausalRec" else TotalIndirectEffect(), SIDES[1]),
        ]
        for name in METHODS
    }
    measured: dict[str, Measured] = {}
    for name, pair in pairs.items():
        measured[name], metrics = measure_all(pair, ["mrr"], result)
    rows: list[dict[str, Any]] = []
    for metric in metrics:
        for name, one in measured.items():
            cells = {key: value for n, side in enumerate(SIDES) for key, value in one.cell(n, metric, side).items()}
            gain = one.gain(1, 0, metric) if metric == "mrr" else Estimate("", NAN, NAN, NAN)
            row = {"Metric": metric_label(metric), "Model": name, **cells}
            rows.append(row | {GAIN: gain.mean, f"{GAIN}_low": gain.low, f"{GAIN}_high": gain.high})
    drawn = [name for name, one in measured.items() if len(one.failed) < len(SIDES)]
    panels = [
        Bars(
            panel_title(metric),
            tuple(drawn),
            {side: [_estimate(measured[name], n, metric) for name in drawn] for n, side in enumerate(SIDES)},
        )
        for metric in metrics
    ]
    return Exhibit(
        name="causalrec-figure-5",
        title=f"CausalRec, Figure 5: models with and without causal inference. {title}",
        caption=f"Each model once trained, scored as trained and with causal inference.{about_metrics(metrics)} Bold: "
        "significantly better than the other of the row (p < .05).",
        table=pd.DataFrame(rows),
        notes=(
            "CausalRec w/ CI has the lambda2 of its recipe, 1 where it was not tuned; the others have no lambda2.",
            *dict.fromkeys(f"{name} {note}" for name, one in measured.items() for note in one.notes()),
        ),
        picture=bar_panels(panels, title, "causalrec-figure-5") if drawn else None,
    )


def _estimate(measured: Measured, row: int, metric: str) -> Estimate:
    return Estimate("", NAN, NAN, NAN) if row in measured.failed else measured.estimate(row, metric)
