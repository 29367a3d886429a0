"""A pairwise loss of a decoder's own: what it is given, its gradient, and what it does to training."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from graphrec.backbones import FUSED, Representation
from graphrec.backbones.mf import MFConfig
from graphrec.causal import CausalGraph, Logits, Node, Observational, Outcome
from graphrec.decoders import Context, Decoder, DecoderConfig, Objective, PairwiseBatch, PairwiseLoss, Tower
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.testing.planted import planted_graph
from graphrec.testing.small_graph import NUM_ITEMS, NUM_USERS, small_graph
from graphrec.training.config import TrainingConfig
from graphrec.training.loop import Trainer
from graphrec.training.objective import Batch, ObjectiveSampler, loss_of


class Masked(Decoder):
    """Interest and conformity apart, as DICE has it (Zheng et al., WWW 2021), on one pair of towers.

    A click of an item that is less popular than the negative shows interest. One of a more popular item may show
    conformity: there the conformity branch ranks it first, and elsewhere last. The sum of both is trained on all pairs.
    """

    def towers(self) -> dict[str, Tower]:
        return {"interest": Tower("click", (FUSED,)), "conformity": Tower("click", (FUSED,))}

    share_embeddings = False

    def fit_statistics(self, graph: InteractionGraph, seed: int) -> None:
        counts = torch.bincount(graph.pairs("click")[:, 1], minlength=graph.num_items)
        self.register_buffer("popularity", counts)

    def branches(self, representations: Any) -> dict[str, Representation]:
        return {name: outputs[FUSED] for name, outputs in representations.items()}

    def masked(self, positive: Logits, negative: Logits, batch: PairwiseBatch) -> Tensor:
        popularity: Tensor = self.popularity  # type: ignore[assignment]
        obscure = popularity[batch.items] < popularity[batch.negatives]
        gap = {name: positive[name] - negative[name] for name in ("interest", "conformity")}
        interest = torch.where(obscure, F.softplus(-gap["interest"]), torch.zeros_like(gap["interest"]))
        conformity = F.softplus(torch.where(obscure, gap["conformity"], -gap["conformity"]))
        return F.softplus(-gap["interest"] - gap["conformity"]) + interest + conformity

    def objectives(self) -> list[Objective]:
        return [Objective("click", "click", PairwiseLoss(self.masked), negatives="unclicked")]

    @property
    def outcome(self) -> Outcome:
        nodes = {"U": Node("user"), "I": Node("item"), "C": Node("click")}
        graph = CausalGraph(nodes, [("U", "C"), ("I", "C")], "I", "C", mediators=(), conditioned=("U",))
        return Outcome(score=lambda logits: logits["interest"] + logits["conformity"], log=False, graph=graph)

    @property
    def formula(self) -> str:
        return "interest + conformity"

    def variants(self) -> dict[str, Observational]:  # type: ignore[override]
        return {"Masked": Observational()}


def masked_model(graph: InteractionGraph) -> Recommender:
    context = Context((), (), embedding_size=4, num_users=graph.num_users, num_items=graph.num_items)
    return Recommender("mf", MFConfig(embedding_size=4), f"{__name__}:Masked", DecoderConfig(), graph, context)


def objective(loss: Any, **changes: Any) -> Objective:
    settings = {"name": "x", "label": "like", "score": itemgetter("a"), "negatives": "unliked"}
    return Objective(loss=loss, **{**settings, **changes})


def tables(seed: int = 0) -> dict[str, Representation]:
    random = torch.Generator().manual_seed(seed)
    user, item = (torch.randn(rows, 3, generator=random, requires_grad=True) for rows in (NUM_USERS, NUM_ITEMS))
    return {"a": Representation(user, item)}


def written_out(positive: Logits, negative: Logits, batch: PairwiseBatch) -> Tensor:
    return F.softplus(negative["a"] - positive["a"])


def test_bpr_written_as_a_custom_loss_has_the_bits_of_the_built_in_one() -> None:
    graph = small_graph()
    gradients = []
    for loss in ("bpr", PairwiseLoss(written_out)):
        bpr = objective(loss)
        (batch,) = ObjectiveSampler(bpr, graph, batch_size=16, steps=1, seed=3).epoch(1)
        branches = tables()
        value = loss_of(bpr, branches, batch)
        value.backward()
        gradients.append([value.detach(), branches["a"].user.grad, branches["a"].item.grad])
    for built_in, custom in zip(*gradients):
        assert built_in is not None and custom is not None and torch.equal(built_in, custom)


def test_a_pairwise_loss_draws_the_pairs_of_bpr_and_knows_what_the_log_says_of_both() -> None:
    graph = planted_graph()
    clicks, likes = (set(map(tuple, graph.pairs(role).tolist())) for role in ("click", "like"))
    settings = {"label": "click", "negatives": "unliked"}
    built_in, custom = (
        ObjectiveSampler(objective(loss, **settings), graph, batch_size=64, steps=3, seed=1).epoch(2)
        for loss in ("bpr", PairwiseLoss(written_out))
    )
    clicked_negatives = 0.0
    for of_built_in, of_custom in zip(built_in, custom):
        assert of_built_in.labels is None and of_custom.labels is not None and of_custom.negative_labels is not None
        for name in ("users", "items", "negatives"):
            assert torch.equal(getattr(of_built_in, name), getattr(of_custom, name))
        assert of_custom.negatives is not None
        pairs = list(zip(of_custom.users.tolist(), of_custom.items.tolist()))
        against = list(zip(of_custom.users.tolist(), of_custom.negatives.tolist()))
        assert of_custom.labels.clicked.eq(1).all()
        assert of_custom.labels.liked.tolist() == [float(pair in likes) for pair in pairs]
        assert of_custom.negative_labels.clicked.tolist() == [float(pair in clicks) for pair in against]
        assert of_custom.negative_labels.liked.tolist() == [float(pair in likes) for pair in against]
        clicked_negatives += float(of_custom.negative_labels.clicked.sum())
    assert clicked_negatives > 0


def test_the_gradient_of_a_masked_loss_is_that_computed_by_hand() -> None:
    """DICE's mask takes the interest gradient away from pairs whose positive is the more popular item."""
    graph = planted_graph()
    model = masked_model(graph).double()
    (term,) = model.decoder.objectives()
    (batch,) = ObjectiveSampler(term, graph, batch_size=64, steps=1, seed=0).epoch(1)
    branches = {
        name: Representation(*(table.detach().requires_grad_() for table in (branch.user, branch.item)))
        for name, branch in model(graph).items()
    }
    loss_of(term, branches, batch).backward()
    assert batch.negatives is not None
    users, items, negatives = (rows.numpy() for rows in (batch.users, batch.items, batch.negatives))
    popularity = np.bincount(graph.pairs("click")[:, 1].numpy(), minlength=graph.num_items)
    obscure = popularity[items] < popularity[negatives]
    assert 0 < obscure.sum() < len(obscure)
    value = {name: (b.user.detach().numpy(), b.item.detach().numpy()) for name, b in branches.items()}
    gap = {name: (user[users] * (item[items] - item[negatives])).sum(1) for name, (user, item) in value.items()}

    def slope(x: np.ndarray) -> np.ndarray:
        """The derivative of softplus(-x)."""
        return -1 / (1 + np.exp(x))

    both = slope(gap["interest"] + gap["conformity"])
    by_gap = {
        "interest": both + np.where(obscure, slope(gap["interest"]), 0),
        "conformity": both + np.where(obscure, -slope(-gap["conformity"]), slope(gap["conformity"])),
    }
    for name, (user, item) in value.items():
        step = by_gap[name][:, None] / len(users)
        of_users, of_items = np.zeros_like(user), np.zeros_like(item)
        np.add.at(of_users, users, step * (item[items] - item[negatives]))
        np.add.at(of_items, items, step * user[users])
        np.add.at(of_items, negatives, -step * user[users])
        branch = branches[name]
        assert branch.user.grad is not None and branch.item.grad is not None
        np.testing.assert_allclose(branch.user.grad.numpy(), of_users, atol=1e-14)
        np.testing.assert_allclose(branch.item.grad.numpy(), of_items, atol=1e-14)


def test_a_decoder_with_a_pairwise_loss_trains() -> None:
    graph = planted_graph()
    model = masked_model(graph)
    config = TrainingConfig(epochs=8, batch_size=256, learning_rate=0.01, monitor="x")
    state = Trainer(model, graph, config, seed=0, validate=lambda model: {"x": 0.0}).run()
    losses = [row["loss/click"] for row in state.history]
    assert losses[-1] < 0.9 * losses[0]


def test_a_pairwise_loss_needs_negatives() -> None:
    for loss in ("bpr", PairwiseLoss(written_out)):
        with pytest.raises(ValueError, match="objective `x`: a pairwise loss needs `negatives`"):
            objective(loss, negatives=None)


def test_a_batch_keeps_its_labels_on_another_device() -> None:
    graph = small_graph()
    (batch,) = ObjectiveSampler(objective(PairwiseLoss(written_out)), graph, batch_size=4, steps=1, seed=0).epoch(1)
    moved: Batch = batch.to(torch.device("meta"))
    assert moved.labels is not None and moved.negative_labels is not None and moved.negatives is not None
    assert {values.device.type for values in (moved.labels.liked, moved.negative_labels.clicked)} == {"meta"}
