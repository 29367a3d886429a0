"""The checks find what is planted, and nothing where nothing is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from graphrec.refutation import (
    CheckResult,
    Figure,
    InjectedConfounder,
    PlaceboModality,
    PlaceboTreatment,
    RefutationExperiment,
    SubsetStability,
)
from graphrec.refutation.subset_stability import _jaccard, _passed_and_verdict
from graphrec.runs.run import Run


@pytest.fixture(scope="module")
def telling(telling_run: Run) -> RefutationExperiment:
    return RefutationExperiment.from_run(telling_run, seeds=2, epochs=None)


@pytest.fixture(scope="module")
def hcr(tiny_runs: dict[str, Run]) -> RefutationExperiment:
    return RefutationExperiment.from_run(tiny_runs["hcr"], seeds=2, epochs=None)


def values(result: CheckResult) -> dict[str, float]:
    return {figure.label: figure.value for figure in result.figures}


def test_a_modality_that_tells_is_used_and_noise_is_caught(telling: RefutationExperiment) -> None:
    result = PlaceboModality().run(telling)
    assert result.passed is False
    assert result.verdict.startswith("Uses visual.")
    assert "No use of acoustic shows" in result.verdict
    figures = values(result)
    real, placebo = (figures[f"visual: share of the ranking's spread, {which}"] for which in ("real", "placebo"))
    assert real > 1.2 * placebo
    assert figures["visual: NDCG@10 of CausalRec, real - placebo"] > 0.02


def test_exchanged_items_teach_nothing(telling: RefutationExperiment) -> None:
    split = telling.split
    real = telling.ndcg(
        telling.unaltered_model.scorer(telling.first_variant[1]), split.valid, split.train_pairs("click")
    )
    result = PlaceboTreatment().run(telling)
    assert result.passed is True
    assert values(result)["NDCG@10 of CausalRec"] < 0.5 * real.mean()


def test_a_model_that_has_seen_the_answer_fails_the_placebo_treatment(
    telling: RefutationExperiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RefutationExperiment, "retrain", lambda self, what, split: self.unaltered_model)
    result = PlaceboTreatment().run(telling)
    assert result.passed is False
    assert "leaks" in result.verdict


def test_raised_likes_say_nothing_of_a_decoder_that_learns_clicks_alone(telling: RefutationExperiment) -> None:
    result = InjectedConfounder().run(telling)
    assert result.passed is None and result.figures == ()
    assert "clicks alone" in result.verdict


@pytest.mark.slow
def test_injected_likes_pull_marked_items_into_the_lists(hcr: RefutationExperiment) -> None:
    training = hcr.recipe.training.model_copy(update={"epochs": 12, "batch_size": 512})
    longer = replace(hcr, recipe=hcr.recipe.model_copy(update={"training": training}))
    result = InjectedConfounder().run(longer)
    figures = values(result)
    assert set(figures) >= {"rise, HCR, p = 0.25", "rise, observational, p = 0.5", "share of marked items, HCR, p = 0"}
    assert figures["rise, observational, p = 0.5"] > 0


@pytest.mark.parametrize(
    ("observational", "causal", "passed", "message"),
    [
        (0.3, 0.1, True, "takes up less"),
        (0.3, 0.3, False, "does not take up clearly less"),
        (0.3, 0.5, False, "does not take up clearly less"),
        (0.0, 0.0, None, "nothing to remove"),
    ],
)
def test_a_sound_deconfounder_rises_less(
    hcr: RefutationExperiment,
    monkeypatch: pytest.MonkeyPatch,
    observational: float,
    causal: float,
    passed: bool | None,
    message: str,
) -> None:
    users = np.linspace(0.9, 1.1, 20)

    def shares(self, experiment, plain, marked, p, scores):
        return {name: p * users * (observational if name == "observational" else causal) for name in scores}

    monkeypatch.setattr(InjectedConfounder, "_shares", shares)
    result = InjectedConfounder().run(hcr)
    assert result.passed is passed
    assert message in result.verdict


def test_the_confounder_check_says_when_it_does_not_apply(hcr: RefutationExperiment) -> None:
    dataset = hcr.split.dataset
    single = replace(dataset, feedback={"click": ("like",), "like": ("like",)})
    plain = replace(dataset, features={}, roles={})
    for changed, reason in ((single, "every click is a like"), (plain, "no mark would show")):
        result = InjectedConfounder().run(replace(hcr, split=replace(hcr.split, dataset=changed)))
        assert result.passed is None and result.figures == ()
        assert reason in result.verdict
    result = PlaceboModality().run(replace(hcr, split=replace(hcr.split, dataset=plain)))
    assert result.passed is None and "no item features" in result.verdict


def test_a_method_without_a_causal_step_gets_figures_and_no_verdict(tiny_runs: dict[str, Run]) -> None:
    ct = RefutationExperiment.from_run(tiny_runs["ct"], seeds=2, epochs=None)
    for check in (InjectedConfounder(), SubsetStability()):
        result = check.run(ct)
        assert result.passed is None and "no causal step" in result.verdict
        assert result.figures
        assert not any("observational" in figure.label for figure in result.figures)


def test_stability_shows_the_gain_on_every_subset_and_its_spread(hcr: RefutationExperiment) -> None:
    result = SubsetStability().run(hcr)
    gains = [figure.value for figure in result.figures if "subset" in figure.label and "NDCG" in figure.label]
    assert len(gains) == 2
    overlap = result.figures[0]
    assert 0 < overlap.low <= overlap.value <= overlap.high < 1
    deviation = result.figures[-1].value
    assert deviation == pytest.approx(abs(gains[0] - gains[1]) / np.sqrt(2))


@pytest.mark.parametrize(
    ("intervals", "passed", "message"),
    [
        ([(0.1, 0.3), (0.01, 0.2)], True, "gains on every subset"),
        ([(-0.3, -0.1), (-0.2, -0.01)], True, "loses on every subset"),
        ([(0.1, 0.3), (-0.2, -0.1)], False, "changes its sign"),
        ([(0.1, 0.3), (-0.1, 0.2), (-0.2, -0.1)], False, "changes its sign"),
        ([(0.1, 0.3), (-0.1, 0.2)], None, "too small to have a sign"),
    ],
)
def test_stability_is_decided_by_the_signs_of_clear_gains(
    intervals: list[tuple[float, float]], passed: bool | None, message: str
) -> None:
    outcome, verdict = _passed_and_verdict([Figure("gain", (low + high) / 2, low, high) for low, high in intervals])
    assert outcome is passed and message in verdict


def test_the_overlap_of_two_lists() -> None:
    first, second = (
        sparse.csr_array(np.array(rows)) for rows in ([[1, 1, 0, 0], [1, 0, 0, 0]], [[0, 1, 1, 0], [1, 0, 0, 0]])
    )
    assert _jaccard(first, second).tolist() == [pytest.approx(1 / 3), 1.0]


def test_the_spread_through_a_modality_is_a_share_and_none_where_it_is_fused(
    telling: RefutationExperiment, tiny_runs: dict[str, Run]
) -> None:
    visual = telling.spread_through(telling.unaltered_model, "visual")
    assert visual is not None and ((visual >= 0) & (visual <= 1)).all() and visual.mean() > 0.05
    fused = RefutationExperiment.from_run(tiny_runs["ct"], seeds=2, epochs=None)
    assert fused.spread_through(fused.unaltered_model, "textual") is None


def test_lists_hold_the_best_unseen_items(hcr: RefutationExperiment) -> None:
    seen = hcr.split.train_pairs("click")
    lists = hcr.lists(hcr.unaltered_model.scorer(hcr.first_variant[1]), seen)
    assert lists.shape == (len(hcr.users), hcr.split.dataset.num_items)
    table = hcr.run.recommend(hcr.run.user_ids[hcr.users], k=hcr.k)
    for row, (_, items) in enumerate(table.groupby("user", sort=False)["item"]):
        assert set(hcr.run.item_ids[np.flatnonzero(lists[[row]].toarray())]) == set(items)
