"""HCR's Table 2, the overall performance, and Table 3, its ablation (Zhu et al., TKDE 2024, sections 4.2 and 4.3)."""

from __future__ import annotations

from collections.abc import Sequence

from graphrec.causal import EffectOfMediator, EffectOnMediator, Observational
from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.methods import HCR_METHODS, HCR_NS
from graphrec.experiments.papers.scored import ENDS, NOT_RUN, Scored, about_metrics, measure_all, method_rows
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.plots import dot_plot

CUTOFFS = (50, 100)
UNQUOTED = "The paper's own figures are not next to ours: no text of it that has them could be obtained."


def hcr_table_2(result: BenchmarkResult, title: str, cutoffs: Sequence[int] = CUTOFFS) -> PaperTable:
    """All methods, Recall@K and NDCG@K of the held-out likes.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.hcr_tables import hcr_table_2
        >>> table = hcr_table_2(BenchmarkResult.of_runs({"HCR": [run]}), "Twin", cutoffs=[10]).table.set_index("Method")
        >>> table.index.tolist(), table.loc["CT", "NDCG@10"]
        (['CT', 'ESMM', 'CR', 'Multi-IPW', 'Multi-DR', 'DCF', 'HCR'], 'not run')
    """
    rows = [Scored.of(result, method.name) for method in HCR_METHODS]
    about = "overall performance of HCR and its baselines"
    return _table(result, rows, "hcr-table-2", f"HCR, Table 2: {about}. {title}", cutoffs)


def hcr_table_3(result: BenchmarkResult, title: str, cutoffs: Sequence[int] = CUTOFFS) -> PaperTable:
    """HCR without its intervention (T), each factor alone (S1: click, S2: like), without shared embeddings (NS).

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.hcr_tables import hcr_table_3
        >>> table = hcr_table_3(BenchmarkResult.of_runs({"HCR": [run]}), "Twin", cutoffs=[10]).table.set_index("Method")
        >>> table.index.tolist(), table.loc["HCR-NS", "NDCG@10"]
        (['HCR', 'HCR-T', 'HCR-S1', 'HCR-S2', 'HCR-NS'], 'not run')
    """
    rows = [
        Scored.of(result, "HCR"),
        Scored.of(result, "HCR", Observational(), "HCR-T"),
        Scored.of(result, "HCR", EffectOnMediator(), "HCR-S1"),
        Scored.of(result, "HCR", EffectOfMediator(), "HCR-S2"),
        Scored.of(result, HCR_NS.name),
    ]
    return _table(result, rows, "hcr-table-3", f"HCR, Table 3: HCR and its variants. {title}", cutoffs)


def _table(
    result: BenchmarkResult, rows: Sequence[Scored], name: str, title: str, cutoffs: Sequence[int]
) -> PaperTable:
    of_paper = [f"{metric}@{k}" for metric in ("recall", "ndcg") for k in cutoffs]
    measured, metrics = measure_all(rows, of_paper, result, as_benchmark=True)
    drawn = f"ndcg@{cutoffs[0]}" if result.truth is None else "ndcg_do@50"
    shown = [measured.estimate(row, drawn) for row in range(len(rows)) if row not in measured.failed]
    left_out = [row.name for row in rows if row.failed == NOT_RUN]
    return PaperTable(
        name=name,
        title=title,
        caption=f"Ranking of all items for the held-out likes.{about_metrics(metrics)} "
        f"{measured.bold('every other row')} {ENDS} {UNQUOTED}",
        table=method_rows(measured, metrics),
        notes=(*measured.notes(), *([f"Not run in the quick version: {', '.join(left_out)}."] if left_out else [])),
        picture=dot_plot(shown, drawn, name) if shown else None,
    )
