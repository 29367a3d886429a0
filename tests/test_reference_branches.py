"""Reference branches of trained models: what factual branches are compared with, in memory and after saving."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from torch import Tensor

from graphrec.causal import NaturalDirectEffect, Observational, TotalEffect, TotalIndirectEffect, label
from graphrec.data.dataset import Feature
from graphrec.data.store import load, save
from graphrec.decoders import BlockLogits
from graphrec.errors import IdentificationError, RecipeError, UnknownNameError
from graphrec.export.embeddings import export_model
from graphrec.recommender import FrozenModel
from graphrec.runs.build import build
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.testing.small_graph import LONE_ITEM, NUM_ITEMS, NUM_USERS, small_graph
from graphrec.testing.small_model import EVERYONE, small_model
from graphrec.training.checkpoint import load_weights

KINDS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1])
MEDIATED = ("match", "match_visual")


@pytest.fixture(scope="module")
def frozen() -> FrozenModel:
    """CausalRec over a graph where each item has one word of a bag, `title`; the lone item is in no training pair."""
    graph = small_graph()
    graph.data["item"]["title"] = torch.eye(3)[KINDS].to_sparse_csr()
    return small_model("causalrec", graph=graph, centre_items=False)[0].freeze(graph)


def logits(frozen: FrozenModel, **options) -> BlockLogits:
    return BlockLogits(frozen.reference_branches(**options), EVERYONE)


def test_freezing_keeps_which_items_are_trained_and_what_their_categories_are(frozen: FrozenModel) -> None:
    assert frozen.in_train.tolist() == [item != LONE_ITEM for item in range(NUM_ITEMS)]
    assert frozen.categories.keys() == {"title"}
    assert torch.equal(frozen.categories["title"], KINDS)
    many_words, graph = small_model("causalrec")
    assert many_words.freeze(graph).categories == {}


def test_the_mean_item_is_that_of_the_training_items(frozen: FrozenModel) -> None:
    match = frozen.branches["match"]
    torch.testing.assert_close(
        logits(frozen, reference="mean")["match"],
        (match.user @ match.item[frozen.in_train].T).mean(1, keepdim=True),
    )
    all_items = replace(frozen, in_train=None)
    assert not torch.allclose(logits(all_items, reference="mean")["match"], logits(frozen, reference="mean")["match"])


def test_a_category_gives_each_item_the_mean_of_its_own_and_runs_the_decoder_on_it(frozen: FrozenModel) -> None:
    values = logits(frozen, reference="category", category="title")
    assert values["match"].shape == (NUM_USERS, NUM_ITEMS)
    match = frozen.branches["match"]
    for item, kind in enumerate(KINDS.tolist()):
        members = frozen.in_train & (kind == KINDS)
        expected = match.user @ match.item[members].mean(0)
        torch.testing.assert_close(values["match"][:, item], expected)
    visual = frozen.branches["match_visual"].item[frozen.in_train & (KINDS == 0)].mean(0)
    reference = frozen.reference_branches("category", category="title")["match_visual"].item
    assert torch.equal(reference[0], reference[3])
    assert not torch.allclose(reference[0], visual), (
        "the visual features pass through a tanh: the mean goes in, not out"
    )


def test_without_a_value_a_constant_is_each_branchs_mean_logit_over_users_and_training_items(
    frozen: FrozenModel,
) -> None:
    values = logits(frozen, reference="constant")
    for name, branch in frozen.branches.items():
        mean = (branch.user @ branch.item[frozen.in_train].T).mean()
        torch.testing.assert_close(values[name], mean.expand(NUM_USERS, 1), rtol=1e-12, atol=1e-13)


def test_a_constant_value_stands_for_the_mediated_branches_alone(frozen: FrozenModel) -> None:
    values, means = logits(frozen, reference="constant", constant=-1.5), logits(frozen, reference="constant")
    for name in frozen.branches:
        expected = torch.full_like(means[name], -1.5) if name in MEDIATED else means[name]
        assert torch.equal(values[name], expected)


@pytest.mark.parametrize(
    "options",
    [{}, {"reference": "zero"}, {"reference": "category", "category": "title"}, {"reference": "constant"},
     {"reference": "constant", "constant": 0.25}],
    ids=str,
)  # fmt: skip
def test_scores_of_all_effects_are_those_of_their_two_worlds(frozen: FrozenModel, options: dict) -> None:
    factual = BlockLogits(frozen.branches, EVERYONE)
    reference = logits(frozen, **{"reference": "mean", **options})
    outcome = frozen.outcome

    def y(world: Tensor) -> Tensor:
        return outcome.score(world).exp()

    mixed = {**factual, **{name: reference[name] for name in MEDIATED}}
    expected = {
        TotalEffect(**options): y(factual) - y(reference),
        NaturalDirectEffect(**options): y(mixed) - y(reference),
        TotalIndirectEffect(**options): y(factual) - y(mixed),
    }
    for estimand, effect in expected.items():
        scores = frozen.scorer(estimand)(EVERYONE)
        assert scores.shape == (NUM_USERS, NUM_ITEMS)
        assert torch.equal(scores.argsort(dim=1), effect.argsort(dim=1)), label(estimand)
        assert torch.equal(scores > 0, effect > 0)


def test_a_category_reference_changes_the_ranking_where_the_mean_does_not(frozen: FrozenModel) -> None:
    observed = frozen.scorer(Observational())(EVERYONE).argsort(dim=1)
    assert torch.equal(frozen.scorer(TotalEffect())(EVERYONE).argsort(dim=1), observed)
    own = frozen.scorer(TotalEffect(reference="category", category="title"))(EVERYONE)
    assert not torch.equal(own.argsort(dim=1), observed)


def test_a_block_with_a_category_reference_is_known_to_take_more_memory(frozen: FrozenModel) -> None:
    plain = frozen.scorer(TotalIndirectEffect())
    own = frozen.scorer(TotalIndirectEffect(reference="category", category="title"))
    assert own.bytes_per_user - plain.bytes_per_user == 4 * NUM_ITEMS * len(frozen.branches)
    assert plain.bytes_per_user == frozen.scorer(Observational()).bytes_per_user


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({}, 1),
        ({"reference": "constant", "constant": 2.0}, 1),
        ({"reference": "category", "category": "title"}, NUM_ITEMS),
    ],
)
def test_an_export_carries_what_a_variant_is_compared_with(
    frozen: FrozenModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict, rows: int
) -> None:
    estimand = TotalIndirectEffect(**options)
    monkeypatch.setattr(frozen.decoder, "variants", lambda: {"own": estimand})
    ids = [np.array([str(n) for n in range(size)]) for size in (NUM_USERS, NUM_ITEMS)]
    for format in ("npz", "parquet"):
        export_model(frozen, *ids, tmp_path / format, format)
    tables = np.load(tmp_path / "npz" / "tables.npz")
    for name, branch in frozen.reference_of(estimand).items():
        item = tables[f"reference/{name}/item"]
        side = "reference" if f"reference/{name}/user" in tables else "branch"
        exported = tables[f"{side}/{name}/user"] @ item.T
        np.testing.assert_allclose(exported, (branch.user @ branch.item.T).numpy(), rtol=1e-5, atol=1e-6)
        assert len(item) == rows == len(pd.read_parquet(tmp_path / "parquet" / f"reference/{name}/item.parquet"))


def test_another_modality_than_a_categorical_one_is_refused_with_those_there_are(frozen: FrozenModel) -> None:
    with pytest.raises(UnknownNameError, match="categorical modality `visual`") as caught:
        frozen.scorer(TotalIndirectEffect(reference="category", category="visual"))
    assert "title" in str(caught.value.expected)
    none = replace(frozen, categories={})
    with pytest.raises(UnknownNameError, match="reference=mean"):
        none.scorer(TotalIndirectEffect(reference="category", category="title"))


def test_items_that_a_category_leaves_without_a_reference_are_counted(frozen: FrozenModel) -> None:
    estimand = TotalIndirectEffect(reference="category", category="title")
    lone = KINDS.clone()
    lone[LONE_ITEM] = 7
    with pytest.raises(RecipeError, match="1 items are of a `title` that no training item has"):
        replace(frozen, categories={"title": lone}).scorer(estimand)
    lone[:2] = -1
    with pytest.raises(RecipeError, match="2 of 11 items have no `title`"):
        replace(frozen, categories={"title": lone}).scorer(estimand)


def test_an_estimand_is_checked_on_ones_own_graph_and_scores_the_same_where_it_holds(frozen: FrozenModel) -> None:
    claimed = frozen.outcome.graph
    estimand = TotalIndirectEffect()
    nodes = claimed.nodes | {"W": replace(claimed.nodes["U"], meaning="weekday")}
    harmless = replace(claimed, nodes=nodes, edges=[*claimed.edges, ("W", "Y")])
    assert torch.equal(frozen.scorer(estimand, harmless)(EVERYONE), frozen.scorer(estimand)(EVERYONE))
    hidden = claimed.nodes | {"H": replace(claimed.nodes["U"], meaning="trend", observed=False)}
    broken = replace(claimed, nodes=hidden, edges=[*claimed.edges, ("H", "I"), ("H", "Y")])
    with pytest.raises(IdentificationError) as caught:
        frozen.scorer(estimand, broken)
    assert caught.value.got == "I <- H -> Y"
    with pytest.raises(RecipeError, match="role `outcome`"):
        frozen.scorer(estimand, replace(claimed, outcome="N"))


@pytest.fixture(scope="module")
def run_with_categories(tiny_prepared: Path, tiny_recipe: Callable, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """CausalRec on the tiny world, to whose items a category of four values is added."""
    folder = tmp_path_factory.mktemp("categories")
    dataset = load(tiny_prepared)
    values = sparse.csr_array(np.eye(4, dtype=np.float32)[np.arange(dataset.num_items) % 4])
    kind = Feature(values, np.ones(dataset.num_items, dtype=bool), columns=("a", "b", "c", "d"))
    features, roles = {**dataset.features, "kind": kind}, {**dataset.roles, "kind": "content"}
    save(replace(dataset, features=features, roles=roles), folder / "data")
    recipe = tiny_recipe("causalrec", f"data.path={folder / 'data'}", "training.epochs=1")
    return train(recipe, folder / "run")


def test_a_saved_run_scores_under_every_reference(run_with_categories: Run) -> None:
    run = run_with_categories
    stored = load_weights(run.folder / "tables.safetensors")[0]
    assert stored["categories/kind"].dtype == torch.int32
    kinds = run.model.categories["kind"]
    assert kinds.shape == (len(run.item_ids),) and kinds.unique().tolist() == [0, 1, 2, 3]
    assert run.model.in_train.all()
    texts = [
        f"{name}:reference={reference}"
        for name in ("total_effect", "natural_direct_effect", "total_indirect_effect")
        for reference in ("zero", "constant", "constant:constant=0.5", "category:category=kind")
    ]
    table = run.evaluate(texts, split="valid")
    assert list(table["estimand"]) == texts
    assert table["ndcg@20"].notna().all()
    assert len(run.recommend(run.user_ids[:2], 5, estimand=texts[-1])) == 10
    assert list(run.results["valid", texts[-1]].per_user["user"])


def test_a_saved_runs_references_are_those_of_its_training(run_with_categories: Run) -> None:
    run = run_with_categories
    trained_again, graph = build(run.recipe, run.split())
    weights, _ = load_weights(run.folder / "weights.safetensors")
    trained_again.load_state_dict(weights)
    before = trained_again.freeze(graph)
    assert torch.equal(before.categories["kind"], run.model.categories["kind"])
    assert torch.equal(before.in_train, run.model.in_train)
    for name, branch in before.reference_branches("category", category="kind").items():
        torch.testing.assert_close(
            run.model.reference_branches("category", category="kind")[name].item, branch.item, rtol=1e-5, atol=1e-6
        )


def test_a_run_without_categorical_modality_says_so(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["causalrec"]
    assert run.model.categories == {}
    with pytest.raises(UnknownNameError, match="reference=mean"):
        run.recommend(run.user_ids[:1], estimand="total_indirect_effect:reference=category:category=title")
