"""The tables of docs/dose-response.md are the committed results, and what the text rests on stands in them."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from support.paths import ROOT

from graphrec.report.primitives.tables import number

TEXT = (ROOT / "docs" / "dose-response.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("study", ["hidden", "visual"])
def test_tables_are_the_committed_means(study: str) -> None:
    results = pd.read_csv(ROOT / "benchmarks" / "results" / f"dose-{study}" / "results.csv")
    assert results["worlds"].min() >= 5 and results["dose"].nunique() >= 5
    means = results.set_index(["method", "dose"])["ndcg_do@50"]
    table = re.search(
        r"\n\| method \|.*\n\|---.*\n((?:\|.*\n)+)", TEXT[TEXT.index(f"results/dose-{study}/results.md") :]
    )
    assert table
    doses = sorted(results["dose"].unique())
    shown = {
        cells[0]: cells[1:] for cells in ([c.strip() for c in line.split("|")[1:-1]] for line in table[1].splitlines())
    }
    for method, cells in shown.items():
        if not method.startswith("*"):
            assert cells == [number(means[method, dose]) for dose in doses]
    assert {"oracle: as observed", "oracle: true effect"} < set(shown)


def test_the_measure_sees_the_bias() -> None:
    """The parameter reaches a world in which ranking by the observed truth loses at least 15 % of NDCG@50."""
    for study in ("hidden", "visual"):
        results = pd.read_csv(ROOT / "benchmarks" / "results" / f"dose-{study}" / "results.csv")
        means = results.pivot(index="dose", columns="method", values="ndcg_do@50")
        lost = 1 - means["oracle: as observed"] / means["oracle: true effect"]
        assert lost.iloc[0] < 0.01 and lost.max() > 0.15


def test_the_variant_with_likes_keeps_its_ranking_as_the_visual_bias_grows() -> None:
    results = pd.read_csv(ROOT / "benchmarks" / "results" / "dose-visual" / "results.csv")
    mean, low, high = (
        results.pivot(index="dose", columns="method", values=f"ndcg_do@50{end}") for end in ("", "_low", "_high")
    )
    ours, theirs = "CausalRec-L", "CausalRec"
    assert mean[ours].min() > 0.9 * mean[ours][0.0] and mean[theirs].min() < 0.5 * mean[theirs][0.0]
    assert (low[ours] > high[theirs])[[2.0, 3.0]].all()
    assert (low[ours] > high[f"{ours} w/o CI"])[[2.0, 3.0]].all(), "it is the counterfactual that does it"
