"""The leak audit finds every planted leak, in the parts of a split and in the graph made of it."""

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import graphrec
from graphrec.checks.graph import audit_graph
from graphrec.checks.leaks import audit_leaks
from graphrec.data.dataset import Feature, dataset_from_events
from graphrec.data.split import SplitConfig, make_split
from graphrec.graph.build import InteractionGraph


def test_every_planted_leak_is_found(random_dataset):
    split = make_split(random_dataset(0), SplitConfig())
    assert audit_leaks(split) == []
    pair = split.train_pairs("click")[:1]
    stranger = np.array([[0, split.dataset.num_items]])
    valid = np.concatenate([split.valid, pair, split.valid[:1], split.open_test("audit")[:1], stranger])
    findings = {finding.code: finding for finding in audit_leaks(replace(split, valid=valid))}
    assert set(findings) == {
        "valid_pair_in_train",
        "valid_pair_repeated",
        "pair_in_valid_and_test",
        "valid_item_not_in_train",
    }
    assert {finding.severity for finding in findings.values()} == {"error"}
    assert {finding.count for finding in findings.values()} == {1}
    assert findings["valid_item_not_in_train"].example == f"user number 0, item number {split.dataset.num_items}"
    emptied = replace(split.dataset, interactions=split.train[split.train["user"] != split.valid[0, 0]])
    assert "valid_user_not_in_train" in {finding.code for finding in audit_leaks(replace(split, dataset=emptied))}


@pytest.fixture
def split(random_dataset):
    plain = random_dataset(0)
    mask = np.arange(plain.num_items) % 5 > 0
    values = np.random.default_rng(1).normal(3, 7, size=(plain.num_items, 4)).astype(np.float32) * mask[:, None]
    dataset = replace(plain, features={"visual": Feature(values, mask)}, roles={"visual": "content"})
    return make_split(dataset, SplitConfig(unseen="keep", train=0.05))


def test_a_graph_of_train_has_no_leak(split):
    assert audit_graph(InteractionGraph.from_split(split), split) == []


def test_a_held_out_edge_in_the_graph_is_found(split):
    graph = InteractionGraph.from_split(split)
    edges = graph.data["user", "like", "item"].edge_index
    leaked = torch.from_numpy(split.valid[:3].T.copy())
    graph.data["user", "like", "item"].edge_index = torch.cat([edges, leaked], dim=1)
    findings = audit_graph(graph, split)
    assert [(finding.code, finding.count) for finding in findings] == [("edges_outside_train", 3)] * 3
    user, item = split.valid[0]
    assert findings[0].example == f"user {split.dataset.user_ids[user]}, item {split.dataset.item_ids[item]}"


def test_features_scaled_on_all_items_are_found(split):
    graph = InteractionGraph.from_split(split)
    feature = split.dataset.features["visual"]
    present = feature.values[feature.mask]
    graph.data["item"]["visual"] = torch.from_numpy((feature.values - present.mean(0)) / present.std(0))
    assert {finding.code for finding in audit_graph(graph, split)} == {"features_scaled_elsewhere"}


@pytest.fixture(scope="module")
def million():
    """A split of a million training edges."""
    draw = np.random.default_rng(0)
    users, items, number = 20_000, 5_000, 1_100_000
    keys = np.unique(draw.integers(users * items, size=number))
    liked = draw.random(len(keys)) < 0.3
    events = pd.DataFrame({"user": keys // items, "item": keys % items, "behaviour": np.where(liked, "like", "click")})
    feedback = {"click": ("click", "like"), "like": ("like",)}
    return make_split(
        dataset_from_events("million", events, feedback=feedback, provenance={}),
        SplitConfig(name="random", train=0.9, valid=0.05),
    )


EDGE_TYPES = [
    ("user", "click", "item"),
    ("user", "like", "item"),
    ("item", "rev_click", "user"),
    ("item", "rev_like", "user"),
]


def planted_edges_are_found(split):
    """A held-out pair of each part, as an edge of each type, one at a time."""
    graph = InteractionGraph.from_split(split)
    assert audit_graph(graph, split) == []
    for edge_type in EDGE_TYPES:
        store = graph.data[edge_type]
        edges = store.edge_index
        for pairs in (split.valid, split._test):
            user, item = pairs[len(pairs) // 2]
            leaked = torch.tensor([[user], [item]] if edge_type[0] == "user" else [[item], [user]])
            store.edge_index = torch.cat([edges, leaked], dim=1)
            assert {finding.code for finding in audit_graph(graph, split)} == {"edges_outside_train"}, edge_type
        store.edge_index = edges


def planted_pairs_are_found(split):
    """A training pair among the held-out pairs of each part."""
    pairs = split.train_pairs("click")
    pair = pairs[len(pairs) // 2 :][:1]
    for part, leaky in (
        ("valid", replace(split, valid=np.concatenate([split.valid, pair]))),
        ("test", replace(split, _test=np.concatenate([split._test, pair]))),
    ):
        assert {finding.code for finding in audit_leaks(leaky)} == {f"{part}_pair_in_train"}


def test_a_single_held_out_pair_is_found_wherever_it_is(random_dataset):
    split = make_split(random_dataset(0), SplitConfig())
    planted_edges_are_found(split)
    planted_pairs_are_found(split)


@pytest.mark.slow  # the same on small data is above
def test_a_single_held_out_pair_among_a_million_is_found_wherever_it_is(million):
    assert len(million.train_pairs("click")) > 900_000
    planted_edges_are_found(million)
    planted_pairs_are_found(million)


def test_every_training_is_audited_fit_too_and_with_optimisation(tiny_recipe, tmp_path, monkeypatch):
    """`python -O` removes assertions; the audits are none."""
    from graphrec.errors import SplitError
    from graphrec.runs.build import prepare_split
    from graphrec.runs.train import fit, train

    recipe = tiny_recipe("ct")
    split = prepare_split(recipe)
    leaky = replace(split, valid=split.train_pairs("click")[:3])
    with pytest.raises(SplitError, match="leaks: valid pairs are among the training pairs"):
        fit(recipe, leaky)

    from_split = InteractionGraph.from_split

    def with_a_leak(split, scaling="columns"):
        graph = from_split(split, scaling)
        store = graph.data["item", "rev_click", "user"]
        store.edge_index = torch.cat([store.edge_index, torch.from_numpy(split.valid[:1, ::-1].T.copy())], dim=1)
        return graph

    monkeypatch.setattr(InteractionGraph, "from_split", with_a_leak)
    for attempt in (lambda: fit(recipe, split), lambda: train(recipe, tmp_path / "run")):
        with pytest.raises(SplitError, match="edges of the graph are not training pairs"):
            attempt()
    assert not (tmp_path / "run").exists()


@pytest.mark.slow  # starts a process; that no audit is an assertion is held by a search below
def test_the_audits_are_there_without_assertions(tiny_recipe, tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(tiny_recipe("ct").to_toml())
    code = (
        "import sys; from dataclasses import replace; from graphrec.runs.recipe import Recipe\n"
        "from graphrec.runs.build import prepare_split; from graphrec.runs.train import fit\n"
        "recipe = Recipe.from_toml(sys.argv[1]); split = prepare_split(recipe)\n"
        "assert False, 'never checked'\n"
        "fit(recipe, replace(split, valid=split.train_pairs('click')[:3]))"
    )
    answer = subprocess.run([sys.executable, "-O", "-c", code, recipe], capture_output=True, text=True)
    assert answer.returncode == 1 and "SplitError: the split" in answer.stderr


def test_no_check_or_audit_is_an_assertion():
    package = Path(graphrec.__file__).parent
    for room in ("checks", "runs", "data/split.py", "data/splitter.py", "data/splitters.py"):
        paths = [package / room] if room.endswith(".py") else (package / room).rglob("*.py")
        for path in paths:
            assert not any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(path.read_text()))), path
