"""CausalRec's Figure 6: additive or multiplicative fusion, multi-task learning or not (Qiu et al., section 5.4)."""

from __future__ import annotations

from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.bars import Bars, bar_panels, panel_title
from graphrec.experiments.papers.causalrec_lambda2 import CAUSALREC, about_lambda2
from graphrec.experiments.papers.methods import FUSIONS
from graphrec.experiments.papers.scored import ENDS, Scored, about_metrics, measure_all, method_rows
from graphrec.report.primitives.paper_table import PaperTable


def causalrec_figure_6(result: BenchmarkResult, title: str) -> PaperTable:
    """NDCG@50 and HR@50 of CausalRec-A, -M, -AML and -MML.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.causalrec_fusion import causalrec_figure_6
        >>> figure = causalrec_figure_6(BenchmarkResult.of_runs({"HCR": [run]}), "Twin")
        >>> dict(zip(figure.table["Variant"], figure.table["NDCG@50"]))
        {'A': 'not run', 'M': 'not run', 'AML': 'not run', 'MML': 'not run'}
    """
    rows = [Scored.of(result, method.name, name=method.name.removeprefix("CausalRec-")) for method in FUSIONS]
    rows.append(Scored.of(result, CAUSALREC, name="MML"))
    measured, metrics = measure_all(rows, ["ndcg@50", "hr@50"], result, as_benchmark=True)
    drawn = [number for number in range(len(rows)) if number not in measured.failed]
    panels = [
        Bars(
            panel_title(metric),
            tuple(rows[number].name for number in drawn),
            {CAUSALREC: [measured.estimate(number, metric) for number in drawn]},
        )
        for metric in metrics
    ]
    return PaperTable(
        name="causalrec-figure-6",
        title=f"CausalRec, Figure 6: variants of the causal module. {title}",
        caption="A: additive fusion; M: multiplicative; AML and MML: the same with multi-task learning. MML is "
        f"CausalRec.{about_lambda2(rows, result.trials)}{about_metrics(metrics)} "
        f"{measured.bold('every other row')} {ENDS}",
        table=method_rows(measured, metrics, "Variant"),
        notes=(
            "A, M and AML have the settings of MML, lambda2 too; it was not chosen for them.",
            "The paper lists names and meanings in different orders; the names decide here.",
            *measured.notes(),
        ),
        picture=bar_panels(panels, title, "causalrec-figure-6") if drawn else None,
    )
