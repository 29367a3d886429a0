"""CausalRec's Figure 7: lambda2, the removed share of the visual direct effect (Qiu et al., section 5.5)."""

from __future__ import annotations

from graphrec.causal import TotalIndirectEffect
from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.scored import ENDS, Scored, about_metrics, measure_all, method_rows
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.plots import curve_panels

LAMBDA2 = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2)


def causalrec_figure_7(result: BenchmarkResult, title: str) -> PaperTable:
    """MRR and NDCG@50 along lambda2; one training serves all.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.causalrec_strengths import causalrec_figure_7
        >>> figure = causalrec_figure_7(BenchmarkResult.of_runs({"HCR": [run]}), "Twin")
        >>> figure.table["lambda2"].tolist(), figure.table["MRR"].unique().tolist()
        (['0', '0.2', '0.4', '0.6', '0.8', '1', '1.2'], ['not run'])
    """
    rows = [
        Scored.of(result, "CausalRec", TotalIndirectEffect(strength=strength), f"{strength:g}") for strength in LAMBDA2
    ]
    measured, metrics = measure_all(rows, ["mrr", "ndcg@50"], result)
    drawn = [number for number in range(len(rows)) if number not in measured.failed]
    panels = {
        metric: {"CausalRec": [(LAMBDA2[number], measured.estimate(number, metric)) for number in drawn]}
        for metric in metrics
    }
    return PaperTable(
        name="causalrec-figure-7",
        title=f"CausalRec, Figure 7: sensitivity to lambda2. {title}",
        caption="At 0 nothing of the visual features' direct effect is removed, at 1 all of it."
        f"{about_metrics(metrics)} {measured.bold('every other row')} {ENDS}",
        table=method_rows(measured, metrics, "lambda2"),
        notes=tuple(dict.fromkeys(measured.notes())),
        picture=curve_panels(panels, "lambda2", "causalrec-figure-7") if drawn else None,
    )
