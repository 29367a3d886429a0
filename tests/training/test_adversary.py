"""The attack moves features by its size, in the direction that hurts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import itemgetter

from graphrec.decoders import Attack, Objective
from graphrec.training.adversary import attacked
from graphrec.training.loop import Trainer
from graphrec.training.objective import ObjectiveSampler, loss_of

TrainerOf = Callable[..., Trainer]
CLEAN = Objective("x", "click", "bpr", itemgetter("notice"), "unclicked")


def test_the_moved_features_raise_the_loss_as_the_gradient_says(trainer_of: TrainerOf) -> None:
    trainer = trainer_of("causalrec")
    model, graph = trainer.model.double(), trainer.graph
    batch = ObjectiveSampler(CLEAN, graph, 200, 1, seed=0).epoch(1)[0]
    start = loss_of(CLEAN, model(graph), batch)
    gains = []
    for size in (1e-4, 2e-4):
        attack = replace(CLEAN, attack=Attack(("visual", "title"), size))
        moved = attacked(model, graph, attack, batch)
        gains.append((loss_of(CLEAN, model(moved), batch) - start).item())
        for name in ("visual", "title"):
            length = moved._perturbations[name].norm(dim=1)
            assert ((length == 0) | ((length - size).abs() < 1e-9)).all()
            assert (length > 0).float().mean() > 0.8
    assert gains[0] > 0
    assert abs(gains[1] / gains[0] - 2) < 0.05, "to first order the gain grows with the size"


def test_the_direction_is_held_constant_and_the_weights_get_no_gradient_from_finding_it(trainer_of: TrainerOf) -> None:
    trainer = trainer_of("causalrec")
    batch = ObjectiveSampler(CLEAN, trainer.graph, 200, 1, seed=0).epoch(1)[0]
    moved = attacked(trainer.model, trainer.graph, replace(CLEAN, attack=Attack(("visual",), 1.0)), batch)
    assert not moved._perturbations["visual"].requires_grad
    assert all(parameter.grad is None for parameter in trainer.model.parameters())


def test_a_gradient_whose_square_underflows_moves_as_far_as_any_other(trainer_of: TrainerOf) -> None:
    """Pairs learned by a margin of fifty have such gradients in single precision."""
    trainer = trainer_of("causalrec")
    batch = ObjectiveSampler(CLEAN, trainer.graph, 200, 1, seed=0).epoch(1)[0]
    for scale in (1e-12, 1e-24, 1e-30):
        faint = replace(CLEAN, score=lambda logits, scale=scale: scale * logits["notice"])
        moved = attacked(trainer.model, trainer.graph, replace(faint, attack=Attack(("visual",), 0.5)), batch)
        length = moved._perturbations["visual"].norm(dim=1)
        assert ((length == 0) | ((length - 0.5).abs() < 1e-5)).all(), scale
        assert (length > 0).float().mean() > 0.8
