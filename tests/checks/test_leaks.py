"""The leak audit finds every planted leak, in the parts of a split and in the graph made of it."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from graphrec.checks.graph import audit_graph
from graphrec.checks.leaks import audit_leaks
from graphrec.data.dataset import Feature
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
    assert [(finding.code, finding.count) for finding in findings] == [("edges_outside_train", 3)] * 2
    user, item = split.valid[0]
    assert findings[0].example == f"user {split.dataset.user_ids[user]}, item {split.dataset.item_ids[item]}"


def test_features_scaled_on_all_items_are_found(split):
    graph = InteractionGraph.from_split(split)
    feature = split.dataset.features["visual"]
    present = feature.values[feature.mask]
    graph.data["item"]["visual"] = torch.from_numpy((feature.values - present.mean(0)) / present.std(0))
    assert {finding.code for finding in audit_graph(graph, split)} == {"features_scaled_elsewhere"}
