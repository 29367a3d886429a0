"""Small trained and evaluated runs on a tiny twin of Tiktok, which tests read and do not change."""

from __future__ import annotations

from html import escape

import pandas as pd
import pytest
from support.hostile import HOSTILE
from support.trained_runs import copied

from graphrec.data.prepare import prepare
from graphrec.report.primitives.paper_table import PaperTable
from graphrec.report.primitives.plots import Estimate, curve_panels, dot_plot
from graphrec.report.run_page import write_report
from graphrec.runs import analyses
from graphrec.runs.recipe import Recipe
from graphrec.runs.train import train
from graphrec.simulation import simulate

SWEEP = ("observational", "total_indirect_effect:strength=0,0.5,1")


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A folder with `raw` (and its truth) and `prepared`."""
    folder = tmp_path_factory.mktemp("world")
    simulate("tiktok", folder / "raw", users=120, items=80, shown=60)
    prepare("tiktok", folder / "raw", folder / "prepared")
    return folder


@pytest.fixture(scope="session")
def hcr(world):
    """Two epochs, evaluated on test and by the truth; its name tries to break the page."""
    run = train(_recipe(world, HOSTILE, "hcr", epochs=2), world / "hcr")
    run.evaluate()
    run.evaluate_truth(world / "raw")
    return run


@pytest.fixture(scope="session")
def causalrec(world):
    """One epoch, evaluated on test and by the truth at three strengths."""
    run = train(_recipe(world, "causalrec", "causalrec", epochs=1), world / "causalrec")
    run.evaluate(SWEEP)
    run.evaluate_truth(world / "raw", SWEEP)
    return run


@pytest.fixture(scope="session")
def ct(world):
    """One epoch, evaluated on the validation split alone."""
    run = train(_recipe(world, "ct", "ct", epochs=1), world / "ct")
    run.evaluate(split="valid")
    return run


@pytest.fixture(scope="session")
def analysed(hcr, tmp_path_factory):
    """The HCR run with every analysis that its data allows."""
    run = copied(hcr, tmp_path_factory.mktemp("analysed") / "hcr")
    for analysis in (analyses.by_activity, analyses.by_time, analyses.by_like_ratio, analyses.of_lists):
        analysis(run)
    return run


@pytest.fixture(scope="session")
def hcr_beta(world):
    """The HCR run's recipe with another beta."""
    run = train(_recipe(world, "beta 3", "hcr", epochs=2, beta=3.0), world / "hcr-beta")
    run.evaluate()
    run.evaluate_truth(world / "raw", target="satisfaction")
    return run


@pytest.fixture(scope="session")
def paper_tables():
    """A table whose texts try to break the page, and a wide picture; both pictures were drawn with one prefix."""
    table = pd.DataFrame(
        {
            "Method": ["CT", HOSTILE],
            "Recall@50": [0.1, 0.2],
            "Recall@50_low": [0.05, 0.15],
            "Recall@50_high": [0.15, 0.25],
            "Recall@50_best": [False, True],
            "RI (%)": [float("nan"), 100.0],
            "HR@50": ["failed: no likes", "–"],
        }
    )
    dots = [Estimate("CT", 0.1, 0.05, 0.15), Estimate(HOSTILE, 0.2, 0.15, 0.25)]
    panels = {metric: {"CT": [(1.0, dots[0]), (2.0, dots[1])]} for metric in ("ndcg@50", "recall@50")}
    return [
        PaperTable("table-1", "Table 1 of a paper", f"All methods, {HOSTILE}", table, (f"Read so: {HOSTILE}",),
                dot_plot(dots, "recall@50", "one")),
        PaperTable("figure-5", "Figure 5 of a paper", "Over time.", table, (), curve_panels(panels, "time", "one")),
    ]  # fmt: skip


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """`results.csv` of a dose-response study with more methods than a plot can hold."""
    path = tmp_path_factory.mktemp("study") / "results.csv"
    methods = ["popularity (clicks)", "oracle: true effect", "HCR", HOSTILE, *(f"M{n}" for n in range(8))]
    rows = [
        {"dose": dose, "method": method, "worlds": 5}
        | {
            f"{metric}{end}": 0.1 + shift + dose / 100
            for metric in ("ndcg_do@50", "leakage_do")
            for end, shift in (("", 0), ("_low", -0.01), ("_high", 0.01))
        }
        for dose in (0.0, 2.0, 8.0)
        for method in methods
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.fixture
def undrawn(monkeypatch):
    """Plots keep their words and are not drawn, for tests that do not check pictures: drawing is half the time."""

    def words(figure, key, title, description):
        return f"<svg><title>{escape(title)}</title><desc>{escape(description)}</desc></svg>"

    monkeypatch.setattr("graphrec.report.primitives.plots.page_svg", words)


@pytest.fixture(scope="session")
def whole_page(analysed, hcr_beta, causalrec, paper_tables, study, tmp_path_factory):
    """A report with every section."""
    return write_report(
        [analysed, hcr_beta, causalrec],
        tmp_path_factory.mktemp("whole") / "report.html",
        paper_tables=paper_tables,
        dose_response=study,
        failed={"ESMM": f"DataError: {HOSTILE}"},
    )


def _recipe(world, name, decoder, epochs, **settings):
    return Recipe.from_dict(
        {
            "name": name,
            "data": {"path": str(world / "prepared")},
            "backbone": {"name": "mmgcn", "embedding_size": 8},
            "decoder": {"name": decoder, **settings},
            "training": {"epochs": epochs, "batch_size": 4096},
            "evaluation": {"k": [20, 50]},
        }
    )
