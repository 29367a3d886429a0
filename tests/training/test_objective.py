"""Batches and losses."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from graphrec.backbones import Representation
from graphrec.decoders import Labels, Objective
from graphrec.errors import RecipeError
from graphrec.graph.build import InteractionGraph
from graphrec.testing.planted import NUM_USERS, planted_graph
from graphrec.testing.small_graph import small_graph
from graphrec.training.objective import Batch, ObjectiveSampler, log_complement, loss_of


@pytest.fixture(scope="module")
def graph() -> InteractionGraph:
    return planted_graph()


def objective(**changes: Any) -> Objective:
    settings = {
        "name": "x",
        "label": "like",
        "loss": "bpr",
        "score": lambda logits: logits["a"],
        "negatives": "unliked",
    }
    return Objective(**{**settings, **changes})


def _some(tensor: torch.Tensor | None) -> torch.Tensor:
    assert tensor is not None
    return tensor


def pairs_of(users: torch.Tensor, items: torch.Tensor) -> list[tuple[int, int]]:
    return list(zip(users.tolist(), items.tolist()))


def known(graph: InteractionGraph, role: str) -> set[tuple[int, int]]:
    return set(map(tuple, graph.pairs(role).tolist()))


def test_each_pair_comes_once_a_round(graph: InteractionGraph) -> None:
    count = len(graph.pairs("like"))
    sampler = ObjectiveSampler(objective(), graph, batch_size=64, steps=2 * count // 64, seed=0)
    batches = sampler.epoch(1)
    assert [len(batch.users) for batch in batches] == [64] * (2 * count // 64)
    drawn = [pair for batch in batches for pair in pairs_of(batch.users, batch.items)]
    assert Counter(drawn[:count]) == Counter(known(graph, "like"))
    assert Counter(drawn) == Counter(dict.fromkeys(known(graph, "like"), 2))


def test_negatives_are_none_of_the_positives(graph: InteractionGraph) -> None:
    for batch in ObjectiveSampler(objective(), graph, batch_size=100, steps=3, seed=0).epoch(1):
        assert batch.labels is None and batch.negatives is not None
        assert not set(pairs_of(batch.users, batch.negatives)) & known(graph, "like")


def test_a_batch_is_never_larger_than_its_population(graph: InteractionGraph) -> None:
    sampler = ObjectiveSampler(objective(), graph, batch_size=10**6, steps=2, seed=0)
    for batch in sampler.epoch(1):
        assert Counter(pairs_of(batch.users, batch.items)) == Counter(known(graph, "like"))


def test_labels_tell_positives_of_the_population_from_the_rest(graph: InteractionGraph) -> None:
    given_click = objective(loss="bce", population="click", negatives=None)
    for batch in ObjectiveSampler(given_click, graph, batch_size=100, steps=3, seed=0).epoch(1):
        drawn = pairs_of(batch.users, batch.items)
        assert set(drawn) <= known(graph, "click")
        assert batch.labels is not None
        assert batch.labels.liked.bool().tolist() == [pair in known(graph, "like") for pair in drawn]
        assert 0 < batch.labels.liked.mean() < 1
        assert batch.labels.clicked.eq(1).all()


def test_with_negatives_a_bce_batch_is_doubled_and_they_are_no_positives(graph: InteractionGraph) -> None:
    everything = objective(loss="bce", population="click", negatives="unclicked")
    for batch in ObjectiveSampler(everything, graph, batch_size=100, steps=2, seed=0).epoch(1):
        assert batch.labels is not None
        assert len(batch.users) == len(batch.items) == len(batch.labels.liked) == 200
        assert batch.labels.liked[100:].eq(0).all()
        assert batch.labels.clicked.tolist() == [1] * 100 + [0] * 100
        assert not set(pairs_of(batch.users[100:], batch.items[100:])) & known(graph, "click")


def test_negatives_that_were_clicked_are_labelled_so(graph: InteractionGraph) -> None:
    mixed = objective(loss="bce", negatives="mixed")
    batch = ObjectiveSampler(mixed, graph, batch_size=100, steps=1, seed=0).epoch(1)[0]
    assert batch.labels is not None
    drawn = pairs_of(batch.users, batch.items)
    assert batch.labels.clicked.bool().tolist() == [pair in known(graph, "click") for pair in drawn]
    assert 0.5 < batch.labels.clicked.mean() < 1


def test_a_loss_of_its_own_form_gets_logits_and_labels() -> None:
    branch = {"a": Representation(torch.randn(4, 3), torch.randn(6, 3))}
    users, items = torch.tensor([0, 3, 3]), torch.tensor([5, 0, 1])
    labels = Labels(clicked=torch.tensor([1.0, 1.0, 0.0]), liked=torch.tensor([1.0, 0.0, 0.0]))
    custom = objective(loss=lambda logits, labels: labels.clicked * logits["a"] - labels.liked)
    logits = (branch["a"].user @ branch["a"].item.T)[users, items]
    loss = loss_of(custom, branch, Batch(users, items, labels=labels))
    torch.testing.assert_close(loss, (labels.clicked * logits - labels.liked).mean())


def test_pairs_know_their_stage_and_negatives_have_their_positives(graph: InteractionGraph) -> None:
    assert ObjectiveSampler(objective(), graph, 10, 1, seed=0).epoch(1)[0].stages is None
    staged = ObjectiveSampler(objective(stages=3), graph, 10**6, 1, seed=0)
    batch = staged.epoch(1)[0]
    stages = graph.stages("like", 3)
    assert stages is not None and batch.stages is not None
    expected = dict(zip(map(tuple, graph.pairs("like").tolist()), stages.tolist()))
    assert batch.stages.tolist() == [expected[pair] for pair in pairs_of(batch.users, batch.items)]


def test_an_epoch_is_drawn_by_seed_name_and_number(graph: InteractionGraph) -> None:
    def items(seed: int = 0, name: str = "x", number: int = 1) -> tuple[list[int], list[int]]:
        sampler = ObjectiveSampler(objective(name=name), graph, batch_size=50, steps=2, seed=seed)
        sampler.epoch(9)
        drawn = sampler.epoch(number)
        positives = torch.cat([batch.items for batch in drawn])
        return positives.tolist(), torch.cat([_some(batch.negatives) for batch in drawn]).tolist()

    assert items() == items()
    for other in (items(seed=1), items(name="y"), items(number=2)):
        assert other[0] != items()[0]
        assert other[1] != items()[1]


def test_bpr_is_the_mean_logistic_loss_of_the_margin() -> None:
    branch = {"a": Representation(torch.randn(4, 3), torch.randn(6, 3))}
    users, items, negatives = torch.tensor([0, 3, 3]), torch.tensor([5, 0, 1]), torch.tensor([2, 2, 4])
    table = branch["a"].user @ branch["a"].item.T
    expected = -F.logsigmoid(table[users, items] - table[users, negatives]).mean()
    loss = loss_of(objective(), branch, Batch(users, items, negatives))
    torch.testing.assert_close(loss, expected)


def test_bce_is_the_mean_cross_entropy() -> None:
    branch = {"a": Representation(3 * torch.randn(4, 3), torch.randn(6, 3))}
    users, items, labels = torch.tensor([0, 3, 3]), torch.tensor([5, 0, 1]), torch.tensor([1.0, 0.0, 1.0])
    logits = (branch["a"].user @ branch["a"].item.T)[users, items]
    bce = objective(loss="bce", score=lambda logits: F.logsigmoid(logits["a"]))
    loss = loss_of(bce, branch, Batch(users, items, labels=Labels(torch.ones(3), labels)))
    torch.testing.assert_close(loss, F.binary_cross_entropy_with_logits(logits, labels))


@pytest.mark.parametrize("log_p", [-1e-30, -1e-12, -1e-8, -1e-4, -0.1, -0.6931, -0.6932, -1.0, -5.0, -50.0, -1e4])
def test_log_complement_is_accurate_in_single_precision(log_p: float) -> None:
    rough = torch.tensor(log_p, requires_grad=True)
    exact = torch.tensor(rough.item(), dtype=torch.float64, requires_grad=True)
    value = log_complement(rough)
    expected = torch.log(-torch.expm1(exact)) if log_p > -1 else torch.log1p(-torch.exp(exact))
    assert value.item() == pytest.approx(expected.item(), rel=1e-6, abs=0)
    value.backward()
    slope = torch.exp(exact) / torch.expm1(exact)
    assert _some(rough.grad).item() == pytest.approx(slope.item(), rel=1e-6, abs=0)


def test_log_complement_is_finite_at_certainty() -> None:
    log_p = torch.tensor([0.0, -torch.inf], requires_grad=True)
    value = log_complement(log_p)
    assert value.isfinite().all() and value[0] < -80 and value[1] == 0
    value.sum().backward()
    assert log_p.grad is not None and log_p.grad.isfinite().all()


@pytest.mark.parametrize("logit", [5.0, 20.0, 60.0])
def test_a_pair_wrongly_held_for_certain_is_still_corrected(logit: float) -> None:
    x = torch.tensor(logit, requires_grad=True)
    log_complement(F.logsigmoid(x)).backward()
    assert _some(x.grad).item() == pytest.approx(-1.0, rel=0.01)


def test_every_user_can_be_drawn_for(graph: InteractionGraph) -> None:
    sampler = ObjectiveSampler(objective(negatives="mixed"), graph, batch_size=10**6, steps=1, seed=0)
    assert set(sampler.epoch(1)[0].users.tolist()) == set(range(NUM_USERS))


def test_an_objective_without_pairs_is_refused() -> None:
    graph = small_graph()
    graph.data["user", "like", "item"].edge_index = torch.empty(2, 0, dtype=torch.int64)
    ObjectiveSampler(objective(population="click"), graph, batch_size=4, steps=1, seed=0)
    with pytest.raises(RecipeError, match="objective `x` has nothing to learn from"):
        ObjectiveSampler(objective(), graph, batch_size=4, steps=1, seed=0)
