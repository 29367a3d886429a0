"""Multi-DR: the doubly robust loss; each term trains its own tower."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from graphrec.decoders import Branches, Labels, Objective
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.testing import DecoderContract
from graphrec.testing.small_model import first_batches, small_model
from graphrec.training.objective import Batch, loss_of


class TestMultiDR(DecoderContract):
    decoder = "multi_dr"


class TestMultiDROnLikeEdges(DecoderContract):
    decoder = "multi_dr"
    settings: ClassVar = {"like_graph": "like", "self_normalised": True, "imputation_weight": 0.3}


SEPARATE = {"share_embeddings": False}


def gradients(model: Recommender, loss: Tensor) -> dict[str, Tensor]:
    """Of the parameters that get any."""
    parameters = dict(model.named_parameters())
    actual = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    return {
        name: gradient
        for name, gradient in zip(parameters, actual)
        if gradient is not None and gradient.abs().max() > 0
    }


def terms(model: Recommender, graph: InteractionGraph) -> dict[str, tuple[Objective, Batch]]:
    return {
        objective.name: (objective, batch)
        for objective, batch in zip(model.decoder.objectives(), first_batches(model, graph))
    }


def test_each_loss_trains_its_own_tower_and_no_other() -> None:
    model, graph = small_model("multi_dr", SEPARATE)
    towers = {"click": ("click",), "like": ("like", "conversion"), "imputation": ("imputation",)}
    reached = {name: set(gradients(model, loss_of(o, model(graph), b))) for name, (o, b) in terms(model, graph).items()}
    expected = {
        name: {key for key, _ in model.named_parameters() if any(f".{part}" in key for part in parts)}
        for name, parts in towers.items()
    }
    assert reached == expected
    assert set.union(*expected.values()) == {name for name, _ in model.named_parameters()}


def test_the_losses_are_the_formulas() -> None:
    model, graph = small_model("multi_dr", {"imputation_weight": 0.3})
    with torch.no_grad():
        model.get_parameter("decoder.imputation_offset").fill_(-1.3)
        model.get_parameter("decoder.click_offset").fill_(-2.0)
    reps = model.representations(graph)
    table = {name: (pairs["fused"].user @ pairs["fused"].item.T).detach() for name, pairs in reps.items()}
    actual = terms(model, graph)
    assert [objective.weight for objective, _ in actual.values()] == [1.0, 1.0, 0.3]
    for name in ("like", "imputation"):
        objective, batch = actual[name]
        at, labels = (batch.users, batch.items), batch.labels
        assert labels is not None
        total = 0.0
        for f, g, h, o, liked in zip(
            table["click"][at], table["like"][at], table["imputation"][at], labels.clicked, labels.liked
        ):
            p = max(float(torch.sigmoid(f - 2.0)), 0.05)
            d = float(F.binary_cross_entropy(torch.sigmoid(g), liked.double()))
            q = float(torch.log1p(torch.exp(h - 1.3)))
            total += q + float(o) * (d - q) / p if name == "like" else float(o) * (d - q) ** 2 / p
        expected = torch.tensor(total / len(batch.users), dtype=torch.float64)
        torch.testing.assert_close(loss_of(objective, model(graph), batch).detach(), expected)


def test_a_perfect_imputation_makes_the_loss_independent_of_the_propensity() -> None:
    model, _ = small_model("multi_dr")
    objective = model.decoder.objectives()[1]
    assert callable(objective.loss)
    conversion = torch.tensor([0.7, -1.1, 2.0], dtype=torch.float64)
    error = F.softplus(conversion)  # of pairs that are not liked
    imputation = torch.log(torch.expm1(error))
    labels = Labels(torch.tensor([1.0, 1.0, 0.0]).double(), torch.zeros(3).double())
    for click in (-2.0, 0.0, 3.0):
        logits = {"click": torch.full_like(error, click), "conversion": conversion, "imputation": imputation}
        torch.testing.assert_close(objective.loss(logits, labels), error)


def test_the_right_propensity_makes_the_loss_right_whatever_is_imputed() -> None:
    """Averaged over clicks drawn with probability p, the loss is the error of all pairs."""
    model, _ = small_model("multi_dr")
    objective = model.decoder.objectives()[1]
    assert callable(objective.loss)
    click, conversion = torch.tensor([-1.0, 0.4]).double(), torch.tensor([0.3, -0.8]).double()
    p, error = torch.sigmoid(click), F.softplus(conversion)
    for imputation in (-3.0, 0.0, 2.0):
        logits = {"click": click, "conversion": conversion, "imputation": torch.full_like(click, imputation)}
        unclicked, clicked = (
            objective.loss(logits, Labels(torch.full_like(p, o), torch.zeros_like(p))) for o in (0, 1)
        )
        torch.testing.assert_close(p * clicked + (1 - p) * unclicked, error)


def test_the_conversion_tower_gets_the_gradient_of_multi_ipw() -> None:
    doubly, graph = small_model("multi_dr", SEPARATE)
    plain, _ = small_model("multi_ipw", SEPARATE)
    plain.load_state_dict({name: doubly.state_dict()[name] for name in plain.state_dict()})
    doubly_robust, other = (gradients(model, loss_of(*like_term(model, graph))) for model in (doubly, plain))
    assert doubly_robust.keys() == other.keys()
    for name, gradient in doubly_robust.items():
        torch.testing.assert_close(gradient, other[name])


def like_term(model: Recommender, graph: InteractionGraph) -> tuple[Objective, Branches, Batch]:
    objective, batch = terms(model, graph)["like"]
    return objective, model(graph), batch


def test_extreme_logits_stay_finite_and_single_precision_agrees() -> None:
    model, _ = small_model("multi_dr")
    extreme = torch.tensor([-1e4, -3.0, 0.2, 1e4], dtype=torch.float64)
    grid = torch.cartesian_prod(extreme, extreme, extreme).T
    logits = dict(zip(("click", "conversion", "imputation"), grid))
    ones = torch.ones_like(grid[0])
    for objective in model.decoder.objectives()[1:]:
        assert callable(objective.loss)
        double = objective.loss(logits, Labels(ones, ones))
        single = objective.loss(
            {name: logit.float() for name, logit in logits.items()}, Labels(ones.float(), ones.float())
        )
        assert double.isfinite().all()
        scale = double.abs().max() if objective.name == "like" else 1.0  # differences of large numbers cancel
        torch.testing.assert_close(single.double(), double, rtol=1e-5, atol=1e-6 * float(scale))
