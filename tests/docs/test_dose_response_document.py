"""What the text of docs/dose-response.md rests on is in the committed results."""

from __future__ import annotations

import pandas as pd
from support.paths import ROOT


def test_a_study_has_enough_worlds_and_values() -> None:
    for study in ("hidden", "visual"):
        results = pd.read_csv(ROOT / "benchmarks" / "results" / f"dose-{study}" / "results.csv")
        assert results["worlds"].min() >= 5 and results["dose"].nunique() >= 5


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
