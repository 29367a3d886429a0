"""Explanations: contributions sum to the total, ranks are those of the ranking, all outputs have the same numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from support.command_line import Call
from support.on_mf import mf_model
from support.paths import ROOT

from graphrec.backbones import Representation
from graphrec.causal import (
    CausalGraph,
    NaturalDirectEffect,
    Observational,
    Outcome,
    TotalEffect,
    TotalIndirectEffect,
    parse_estimand,
)
from graphrec.causal.graphs import match_notice_graph
from graphrec.decoders import BlockLogits, decoders
from graphrec.decoders.visual import match_and_notice
from graphrec.errors import IdentificationError, RunError, UnknownIdError
from graphrec.explanation import Contribution, Explanation, ScoreDecomposition, explain
from graphrec.recommender import FrozenModel
from graphrec.report.primitives.plots import SERIES, effect_plot
from graphrec.report.run_page import write_report
from graphrec.report.sections.explanation import typical_user
from graphrec.runs.run import Run
from graphrec.testing.small_graph import KIND, MODALITIES, NUM_ITEMS, small_graph
from graphrec.testing.small_model import small_model

DOCUMENT = ROOT / "docs" / "explanation.md"
USER, ITEM = 2, 3
NO_ITEMS = np.array([], dtype=np.int64)
MEDIATED = [
    ("causalrec", {}),
    ("causalrec", {"fusion": "add"}),
    ("causalrec", {"fusion": "author"}),
    ("vbpr", {}),
    ("amr", {}),
    ("cr", {}),
    ("macr", {}),
]
FACTORED = [("hcr", {}), ("hcr", {"link": "softplus"}), ("hcr_additive", {}), ("pda", {})]


def frozen(name: str, settings: Mapping[str, Any] | None = None) -> FrozenModel:
    model, graph = small_model(name, dict(settings or {}), small_graph((*MODALITIES, KIND)))
    return model.freeze(graph)


def explained(model: FrozenModel, user: int = USER, item: int = ITEM, **more: Any) -> Explanation:
    return explain(model, user, item, **{"train_items": NO_ITEMS, **more})


def planted(match: list[float], notice: list[float]) -> FrozenModel:
    """One user with these logits: score = match + notice, match mediated, notice direct."""
    tables = {
        name: Representation(torch.ones(1, 1), torch.tensor(values).unsqueeze(1))
        for name, values in {"match": match, "notice": notice}.items()
    }
    decoder = SimpleNamespace(
        outcome=Outcome(score=match_and_notice, log=False, mediated=("match",), graph=match_notice_graph()),
        variants=lambda: {"ours": Observational(), "ours with CI": TotalIndirectEffect()},
        branches=lambda representations: dict(representations["main"]),
    )
    return FrozenModel({"main": tables}, tables, decoder)  # type: ignore[arg-type]


# The components of the score


@pytest.mark.parametrize(("name", "settings"), MEDIATED)
@pytest.mark.parametrize("reference", ["mean", "zero", f"category:category={KIND}"])
def test_direct_and_indirect_make_the_total_effect(name: str, settings: dict[str, Any], reference: str) -> None:
    graph = small_graph((*MODALITIES, KIND))
    model = mf_model(name, settings, graph)[0].freeze(graph)
    model = FrozenModel(
        model.representations, model.branches, model.decoder, model.in_train, {KIND: torch.arange(NUM_ITEMS) % 3}
    )
    chosen = parse_estimand(f"total_indirect_effect:reference={reference}")[0]
    decomposition = explained(model, estimands={"this": chosen}).decomposition
    indirect, direct = decomposition.contributions
    assert (decomposition.kind, indirect.name, direct.name) == ("effects", "indirect", "direct")
    assert indirect.value + direct.value == pytest.approx(decomposition.total, rel=1e-12, abs=1e-15)
    assert abs(decomposition.total or 0) > 1e-4
    options = {"reference": chosen.reference, "category": chosen.category}  # type: ignore[attr-defined]
    users = torch.tensor([USER])
    factual = BlockLogits(model.branches, users)
    under = BlockLogits(model.reference_branches(options["reference"], category=options["category"]), users)
    for kind, value in (
        (TotalEffect, decomposition.total),
        (TotalIndirectEffect, indirect.value),
        (NaturalDirectEffect, direct.value),
    ):
        expected = kind(**options).effect(model.outcome, factual, under).detach()
        assert float(expected[0, ITEM]) == pytest.approx(value, rel=1e-9, abs=1e-12)


def test_the_effects_are_those_of_the_paper_s_product() -> None:
    explanation = explained(frozen("causalrec"))
    s = {branch.name: 1 / (1 + np.exp(-branch.logit)) for branch in explanation.branches}
    r = {branch.name: 1 / (1 + np.exp(-(branch.reference or 0))) for branch in explanation.branches}
    match, reference = s["match"] * s["match_visual"], r["match"] * r["match_visual"]
    indirect, direct = explanation.decomposition.contributions
    assert indirect.value == pytest.approx(s["notice"] * (match - reference), rel=1e-9)
    assert direct.value == pytest.approx(reference * (s["notice"] - r["notice"]), rel=1e-9)
    assert "match" in indirect.meaning and "visual features" in direct.meaning and "match" not in direct.meaning


def test_the_user_factor_is_no_effect_of_the_item() -> None:
    explanation = explained(frozen("macr"))
    user = next(branch for branch in explanation.branches if branch.name == "user")
    assert user.logit == pytest.approx(user.reference)
    assert explanation.decomposition.reference == "the average item"
    assert explanation.decomposition.contributions[1].meaning == "item, directly"


@pytest.mark.parametrize(("name", "settings"), FACTORED)
def test_the_factors_in_use_make_the_score_less_the_user_s_mean(name: str, settings: dict[str, Any]) -> None:
    model = frozen(name, settings)
    for method, estimand in model.decoder.variants().items():
        explanation = explained(model, estimands={method: estimand})
        if not getattr(estimand, "factor_names", ()):
            continue
        scores = model.scorer(estimand)(torch.tensor([USER]))[0]
        expected = float(scores[ITEM] - scores.mean())
        assert explanation.decomposition.kind == "factors"
        assert explanation.decomposition.total == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert sum(part.value for part in explanation.decomposition.contributions if part.used) == pytest.approx(
            expected, rel=1e-9, abs=1e-12
        )
        assert all(part.share is None for part in explanation.decomposition.contributions if not part.used)


def test_a_factor_that_is_summed_out_is_shown_as_not_used() -> None:
    model = frozen("hcr")
    parts = {part.name: part for part in explained(model).decomposition.contributions}
    assert {name: part.used for name, part in parts.items()} == {"mediator": True, "effect": True, "confounded": False}
    assert "Not used: association of the item with a hidden cause" in explained(model).text()
    observed = model.scorer(Observational())(torch.tensor([USER]))[0]
    assert sum(part.value for part in parts.values()) == pytest.approx(float(observed[ITEM] - observed.mean()))


@pytest.mark.parametrize(
    ("name", "settings", "output"),
    [("ct", {}, "no part of it has a causal meaning"), ("hcr", {"link": "raw"}, "signed numbers")],
)
def test_what_cannot_be_divided_says_why(name: str, settings: dict[str, Any], output: str) -> None:
    explanation = explained(frozen(name, settings))
    assert (
        explanation.decomposition.kind == "none"
        and explanation.decomposition.contributions == ()
        and explanation.decomposition.total is None
    )
    assert output in explanation.text() and explanation.counterfactual_rank is None
    assert explanation.branches and explanation.rankings[0].items


@pytest.mark.parametrize("name", list(decoders))
def test_every_decoder_can_be_explained(name: str) -> None:
    model = frozen(name)
    explanation = explained(model)
    assert (explanation.decomposition.kind == "effects") is bool(model.outcome.mediated)
    assert [branch.name for branch in explanation.branches] == list(model.branches)
    assert json.loads(json.dumps(explanation.to_dict(), allow_nan=False))["text"] == explanation.text()


def test_shares_add_up_or_are_none() -> None:
    together = explained(planted([0.0, 3.0], [0.0, 1.0]), user=0, item=1).decomposition
    assert [part.share for part in together.contributions] == [0.75, 0.25]
    below = explained(planted([0.0, 3.0], [0.0, 1.0]), user=0, item=0)
    assert [part.share for part in below.decomposition.contributions] == [
        0.75,
        0.25,
    ] and "below that of the average item" in below.text()
    apart = explained(planted([0.0, 3.0], [1.0, 0.0]), user=0, item=1)
    assert [part.share for part in apart.decomposition.contributions] == [None, None]
    assert "+1.5 comes through" in apart.text() and "-0.5 past it" in apart.text() and "%" not in apart.text()
    assert [part.share for part in explained(planted([1.0, 1.0], [2.0, 2.0]), 0, 1).decomposition.contributions] == [
        None,
        None,
    ]


# Ranks and lists


def test_without_its_direct_effect_the_item_falls_to_the_rank_of_its_match() -> None:
    model = planted(match=[0.0, 1.0, 2.0, 3.0], notice=[9.0, 0.0, 0.0, 3.0])
    explanation = explained(model, user=0, item=0)
    assert explanation.observed.rank == 1
    assert explanation.counterfactual_rank == 2, "0 + 3, the mean notice, is between 3 + 3 and 2 + 0"
    assert explanation.decomposition.contributions[0].rank_without == 1, "1.5, the mean match, + 9"
    assert "would rank 2nd by the observational score" in explanation.text()
    with_ci = explanation.rankings[1]
    assert (with_ci.method, with_ci.rank, with_ci.items) == ("ours with CI", 4, ("3", "2", "1", "0"))


def test_ties_go_to_the_lower_item_number() -> None:
    tied = planted([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])
    assert [explained(tied, user=0, item=item).observed.rank for item in range(3)] == [1, 2, 3]
    moved = planted([1.0, 1.0, 1.0], [0.0, 3.0, -3.0])
    assert [explained(moved, user=0, item=item).counterfactual_rank for item in range(3)] == [2, 2, 3]


@pytest.mark.parametrize("seen", [[], [1, 5, 8], [1, ITEM, 8]])
def test_ranks_are_places_in_the_whole_ranking(seen: list[int]) -> None:
    model = frozen("causalrec")
    explanation = explained(model, train_items=np.array(seen, dtype=np.int64), k=4)
    left_out = [item for item in seen if item != ITEM]
    assert explanation.in_train is (ITEM in seen) and explanation.candidates == NUM_ITEMS - len(left_out)
    for ranking in explanation.rankings:
        scores = model.scorer(parse_estimand(ranking.estimand)[0])(torch.tensor([USER]))[0]
        order = [int(item) for item in scores.argsort(descending=True, stable=True) if int(item) not in left_out]
        assert order.index(ITEM) + 1 == ranking.rank
        assert ranking.score == float(scores[ITEM])
        assert ranking.items == tuple(str(item) for item in order if item not in seen)[:4]
    assert ("is not recommended" in explanation.text()) is explanation.in_train


def test_the_rank_is_the_place_in_the_recommended_list(tiny_runs: dict[str, Run]) -> None:
    for name, run in tiny_runs.items():
        user = run.user_ids[7]
        listed = run.recommend([user], k=5)
        explanation = run.explain(user, listed["item"][3], k=5)
        assert explanation.explained.rank == 4, name
        assert explanation.explained.items == tuple(listed["item"])
        assert [ranking.method for ranking in explanation.rankings] == list(run.model.decoder.variants())
        item = int(np.flatnonzero(run.item_ids == explanation.item)[0])
        seen = run.train_interactions[run.train_interactions[:, 0] == 7, 1]
        assert (
            explain(run.model, 7, item, train_items=seen, k=5, user_ids=run.user_ids, item_ids=run.item_ids)
            == explanation
        )


def test_a_training_item_is_explained_and_reported_as_one(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["causalrec"]
    user, item = run.train_interactions[0]
    explanation = run.explain(run.user_ids[user], run.item_ids[item])
    assert explanation.in_train and "in the user's training split" in explanation.text()
    assert all(explanation.item not in ranking.items for ranking in explanation.rankings)


def test_the_first_estimand_asked_for_is_explained(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["causalrec"]
    explanation = run.explain(
        run.user_ids[0], run.item_ids[0], estimands=["total_indirect_effect:strength=0,0.5:reference=zero"]
    )
    assert [ranking.estimand for ranking in explanation.rankings][1:] == [
        "total_indirect_effect:reference=zero:strength=0.5",
        "observational",
    ]
    assert explanation.explained.rank == explanation.observed.rank, "strength 0 takes nothing away"
    assert explanation.decomposition.reference == "an item of zeros"


# Custom causal graphs, and mistakes


def test_on_a_graph_that_breaks_the_effects_the_score_is_not_divided() -> None:
    model = frozen("causalrec")
    own = model.outcome.graph.to_dict()
    own["nodes"]["X"] = {"meaning": "hidden", "observed": False}
    graph = CausalGraph.from_dict({**own, "edges": [*own["edges"], ["X", "I"], ["X", "Y"]]})
    with pytest.raises(IdentificationError, match="I <- X -> Y"):
        explained(model, causal_graph=graph)
    explanation = explained(model, causal_graph=graph, estimands={"as trained": Observational()})
    assert explanation.decomposition.kind == "none" and "I <- X -> Y" in explanation.text()


def test_mistakes_are_named(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["ct"]
    user, item = run.user_ids[0], run.item_ids[11]
    with pytest.raises(UnknownIdError, match="user ids are unknown") as caught:
        run.explain("nobody", item)
    assert "did you mean" not in str(caught.value)
    with pytest.raises(UnknownIdError, match=f"did you mean `{item}`"):
        run.explain(user, f"{item}x")
    with pytest.raises(RunError, match="at least 1 item"):
        run.explain(user, item, k=0)


# Readers: the terminal, the picture, the page, the document


@pytest.mark.parametrize("name", ["causalrec", "hcr", "ct"])
def test_the_command_prints_what_the_object_holds(
    tiny_runs: dict[str, Run], call: Call, name: str, tmp_path: Path
) -> None:
    run = tiny_runs[name]
    user, item = run.user_ids[3], run.item_ids[9]
    explanation = run.explain(user, item, k=3)
    asked = ("explain", run.folder, "--user", user, "--item", item, "-k", 3)
    output = call(*asked, "--json")
    assert output.status == 0 and output.json == json.loads(json.dumps(explanation.to_dict()))
    output = call(*asked)
    assert output.status == 0 and explanation.text() in " ".join(output.out.split())
    assert max(map(len, output.out.splitlines())) <= 120, "the sentences are wrapped"
    for ranking in explanation.rankings:
        assert re.search(rf"^{ranking.method} +{ranking.estimand} +{ranking.rank} ", output.out, flags=re.MULTILINE)
    for part in explanation.decomposition.contributions:
        assert f"{part.value:+.3g}" in output.out and part.meaning in output.out
    picture = tmp_path / "parts.svg"
    assert (call(*asked, "--svg", picture).status == 0) is picture.exists() is (name != "ct")


def test_the_picture_says_its_numbers_and_marks_what_is_not_used() -> None:
    parts = (
        Contribution("one", "<first> & $x_1", 3.0),
        Contribution("two", "second", -1.0),
        Contribution("three", "left out", 5.0, used=False),
    )
    svg = effect_plot(ScoreDecomposition("factors", "log score", "the mean", 2.0, parts), "<item>", "k")
    root = ElementTree.fromstring(svg)
    title, described = (
        "".join(root.find(f"{{http://www.w3.org/2000/svg}}{tag}").itertext()) for tag in ("title", "desc")
    )  # type: ignore[union-attr]
    assert "item <item>" in title
    assert described == ("one: <first> & $x_1: +3; two: second: -1; sum: log score: +2; not used, three: left out: +5")
    assert set(re.findall(r"#[0-9a-f]{6}\b", svg)) <= set(SERIES) and "currentColor" in svg
    filled = re.findall(rf"fill: ({'|'.join(SERIES)})", svg)
    assert filled == [SERIES[0], SERIES[1], SERIES[2]], "the part left out is an outline"
    assert all(actual.startswith("k-") for actual in re.findall(r'\bid="([^"]+)"', svg))


def test_the_typical_user_has_the_median_number_of_clicks() -> None:
    clicks = {0: 5, 1: 1, 2: 3, 3: 3, 4: 9}
    seen = np.array([(user, item) for user, count in clicks.items() for item in range(count)])
    assert typical_user(seen, 5) == 2
    assert typical_user(seen, 7) == 2, "two users without clicks: the median of 0 0 1 3 3 5 9"
    assert typical_user(seen[:5], 1) == 0


def test_the_page_explains_the_typical_user_s_first_item(own: Callable[[str], Run], tmp_path: Path) -> None:
    runs = [own(name) for name in ("causalrec", "hcr", "ct")]
    for run in runs:
        run.evaluate(split="valid")
    page = write_report(runs, tmp_path / "a.html", split="valid").read_text(encoding="utf-8")
    section = page[page.index('<h2 id="explanation">') : page.index('<h2 id="cost">')]
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section.replace("<wbr>", "")))
    assert section.count("<svg") == 2
    for run in runs:
        user = run.user_ids[typical_user(run.train_interactions, len(run.user_ids))]
        explanation = run.explain(user, run.recommend([user], k=1)["item"][0])
        assert explanation.text().replace("'", "&#39;") in words
        assert f"Where item {explanation.item} ranks under each estimand" in words
        for ranking in explanation.rankings:
            assert f"{ranking.method} {ranking.estimand} {ranking.rank}" in words


def test_the_document_s_code_runs_and_its_json_has_the_real_keys(
    tiny_runs: dict[str, Run],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    (code,), (shape,) = (re.findall(rf"```{kind}\n(.*?)```", text, flags=re.DOTALL) for kind in ("python", "json"))
    (tmp_path / "runs" / "try").mkdir(parents=True)
    (tmp_path / "runs" / "try" / "causalrec").symlink_to(tiny_runs["causalrec"].folder)
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert "CausalRec ranks item" in capsys.readouterr().out
    run = tiny_runs["causalrec"]
    assert _keys(json.loads(shape)) == _keys(run.explain(run.user_ids[7], run.item_ids[12]).to_dict())


def _keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _keys(explanation) for key, explanation in value.items()}
    return [_keys(value[0])] if isinstance(value, (list, tuple)) and value else None
