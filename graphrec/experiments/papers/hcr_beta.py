"""Sensitivity of HCR to beta, the weight of its like task (Eq. 6), over the paper's grid; the paper has no figure."""

from __future__ import annotations

from collections.abc import Sequence

from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.hcr_tables import CUTOFFS, ENDS
from graphrec.experiments.papers.methods import BETAS, with_beta
from graphrec.experiments.papers.scored import Scored, about_metrics, measure_all, method_rows
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.plots import curve_panels


def hcr_beta(result: BenchmarkResult, title: str, cutoffs: Sequence[int] = CUTOFFS) -> PaperTable | None:
    """A training for each beta, all else as in HCR, which is one of them; None where no other was run.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.hcr_beta import hcr_beta
        >>> hcr_beta(BenchmarkResult.of_runs({"HCR": [run]}), "Twin") is None
        True
        >>> result = BenchmarkResult.of_runs({"HCR beta 5": [run]})
        >>> hcr_beta(result, "Twin", cutoffs=[10]).table["NDCG@10"].tolist()[:3]
        ['not run', 'not run', 'not run']
    """
    if not any(with_beta(beta).name in result.trained for beta in BETAS):
        return None
    hcr = result.trained.get("HCR")
    own = hcr[0].recipe.decoder["beta"] if hcr else None
    # HCR with the beta that it has anyway is HCR itself, and was not trained again.
    rows = [Scored.of(result, "HCR" if beta == own else with_beta(beta).name, name=str(beta)) for beta in BETAS]
    measured, metrics = measure_all(rows, [f"recall@{cutoffs[-1]}", f"ndcg@{cutoffs[0]}"], result, as_benchmark=True)
    drawn = [number for number in range(len(rows)) if number not in measured.failed]
    panels = {
        metric: {"HCR": [(float(BETAS[number]), measured.estimate(number, metric, "HCR")) for number in drawn]}
        for metric in metrics
    }
    return PaperTable(
        name="hcr-beta",
        title=f"HCR: sensitivity to beta. {title}",
        caption=f"HCR with its other settings as they are.{about_metrics(metrics)} "
        f"{measured.bold('every other row')} {ENDS}",
        table=method_rows(measured, metrics, "beta"),
        notes=("The paper tunes beta over this grid and shows no figure of it.", *measured.notes()),
        picture=curve_panels(panels, "beta", "hcr-beta"),
    )
