"""The loop: repeatable, stops early, keeps the best, and says when it diverges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from graphrec.backbones import backbones
from graphrec.errors import RecipeError
from graphrec.recommender import Recommender
from graphrec.training.callbacks import AfterEpoch
from graphrec.training.loop import Trainer, TrainingDiverged

TrainerOf = Callable[..., Trainer]


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def scripted(
    values: list[float],
) -> tuple[Callable[[Recommender], dict[str, float]], list[dict[str, Tensor]]]:
    """A validation that gives the listed values, and the weights it saw."""
    stream: Iterator[float] = iter(values)
    seen: list[dict[str, Tensor]] = []

    def validate(model: Recommender) -> dict[str, float]:
        seen.append({name: value.clone() for name, value in model.state_dict().items()})
        return {"recall@4": next(stream)}

    return validate, seen


@pytest.mark.parametrize("decoder", ["ct", "esmm", "hcr", "causalrec"])
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(trainer_of: TrainerOf, decoder: str) -> None:
    first, again, other = (trainer_of(decoder, seed, epochs=2) for seed in (3, 3, 4))
    for trainer in (first, again, other):
        trainer.run()
    assert same(weights(first), weights(again))
    drop = lambda trainer: [{**row, "seconds": 0} for row in trainer.state.history]  # noqa: E731
    assert drop(first) == drop(again)
    assert not same(weights(first), weights(other))
    assert drop(first) != drop(other)


def test_the_global_random_state_plays_no_part(trainer_of: TrainerOf) -> None:
    results = []
    for noise in (0, 1):
        torch.manual_seed(noise)
        trainer = trainer_of(epochs=2)
        if noise:
            trainer.run([AfterEpoch(lambda trainer: torch.manual_seed(3))])
        else:
            trainer.run()
        results.append(weights(trainer))
    assert same(*results)


def test_the_loss_falls_and_the_history_tells_each_part(trainer_of: TrainerOf) -> None:
    trainer = trainer_of(epochs=4)
    history = trainer.run().history
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    assert history[-1]["loss"] < history[0]["loss"]
    for row in history:
        assert row["loss"] == pytest.approx(row["loss/click"] + row["loss/like"])
        assert 0 <= row["recall@4"] <= 1


def test_training_stops_after_patience_and_keeps_the_best_weights(trainer_of: TrainerOf) -> None:
    validate, seen = scripted([0.1, 0.5, 0.3, 0.5, 0.4, 0.9])
    trainer = trainer_of("ct", validate=validate, epochs=20, patience=3)
    state = trainer.run()
    assert (state.epoch, state.best_epoch, state.best_value) == (5, 2, 0.5), "an equal value is not a better one"
    assert same(weights(trainer), seen[1])
    assert not same(weights(trainer), seen[4])


def test_validation_comes_every_so_often_and_after_the_last_epoch(trainer_of: TrainerOf) -> None:
    validate, _ = scripted([0.1, 0.2, 0.3])
    state = trainer_of("ct", validate=validate, epochs=5, validate_every=2).run()
    assert ["recall@4" in row for row in state.history] == [False, True, False, True, True]
    assert state.best_epoch == 5


def test_validation_does_not_change_the_training(trainer_of: TrainerOf) -> None:
    often, once = trainer_of(epochs=3), trainer_of(epochs=3, validate_every=3)
    validated = []
    for trainer in (often, once):
        validate, seen = scripted([1.0, 2.0, 3.0])
        trainer.validate = validate
        trainer.run()
        validated.append(seen[-1])
    assert same(*validated)


@pytest.mark.parametrize(("decoder", "rate"), [("ct", 1e6), ("hcr", 1e6), ("causalrec", 1e6), ("esmm", 1e30)])
def test_a_learning_rate_out_of_all_proportion_is_told_as_divergence(
    trainer_of: TrainerOf, decoder: str, rate: float
) -> None:
    trainer = trainer_of(decoder, learning_rate=rate, epochs=20)
    with pytest.raises(TrainingDiverged, match="epoch 1"):
        trainer.run()


def test_a_weight_that_is_no_number_is_told_as_divergence(trainer_of: TrainerOf) -> None:
    trainer = trainer_of("ct")
    with torch.no_grad():
        trainer.model.get_parameter("tables.shared.id")[0, 0] = torch.nan
    with pytest.raises(TrainingDiverged, match=r"training\.learning_rate"):
        trainer.run()


def test_a_loss_that_falls_without_bound_is_told_as_divergence(trainer_of: TrainerOf) -> None:
    trainer = trainer_of("multi_ipw")
    click, like = trainer.objectives
    trainer.objectives = [click, replace(like, loss=lambda logits, labels: 0 * logits["conversion"] - torch.inf)]
    with pytest.raises(TrainingDiverged, match="like: -inf"):
        trainer.run()


def test_an_unknown_monitor_is_a_recipe_error(trainer_of: TrainerOf) -> None:
    with pytest.raises(RecipeError, match="one of recall@4"):
        trainer_of("ct", monitor="ndgc@50").run()


def test_tables_that_are_not_trainable_stay_at_their_start(trainer_of: TrainerOf) -> None:
    trainer = trainer_of(epochs=1, backbone={"trainable_embeddings": False})
    before = weights(trainer)
    trainer.run()
    after = weights(trainer)
    for name in before:
        assert torch.equal(before[name], after[name]) == name.startswith("tables."), name


def test_weight_decay_shrinks_the_weights(trainer_of: TrainerOf) -> None:
    sizes = []
    for decay in (0.0, 1.0):
        trainer = trainer_of("ct", epochs=2, weight_decay=decay)
        trainer.run()
        sizes.append(sum(float(value.square().sum()) for value in trainer.model.state_dict().values()))
    assert sizes[1] < sizes[0]


def test_a_step_does_not_see_the_gradient_of_the_step_before(trainer_of: TrainerOf) -> None:
    trainer = trainer_of("ct", epochs=1, batch_size=480)
    trainer.run()
    once = [p.grad.clone() for p in trainer.model.parameters() if p.grad is not None]
    again = trainer_of("ct", epochs=1, batch_size=480)
    for parameter in again.model.parameters():
        parameter.grad = torch.full_like(parameter, 1e3)
    again.run()
    twice = [p.grad for p in again.model.parameters() if p.grad is not None]
    assert len(once) == len(twice) > 0
    assert all(torch.equal(a, b) for a, b in zip(once, twice))


def test_a_backbones_own_losses_are_trained_and_told_for_each_tower(trainer_of: TrainerOf) -> None:
    row = trainer_of("hcr", network="bm3", epochs=1).run().history[0]
    own = [f"loss/{tower}/{name}" for tower in ("click", "like") for name in backbones.get("bm3").auxiliary_losses]
    assert set(own) <= set(row)
    trainer = trainer_of("ct", network="bm3", epochs=3)
    weights = dict(trainer.terms)
    history = trainer.run().history
    for row in history:
        assert row["loss"] == pytest.approx(sum(weight * row[f"loss/{name}"] for name, weight in weights.items()))
    assert history[-1]["loss/reconstruction"] < history[0]["loss/reconstruction"]


def test_training_nothing_is_refused(trainer_of: TrainerOf) -> None:
    trainer = trainer_of("bpr", epochs=1)
    trainer.model.decoder.config = trainer.model.decoder.Config(weight=0.0)
    with pytest.raises(RecipeError, match="nothing would be trained"):
        Trainer(trainer.model, trainer.graph, trainer.config, 0, trainer.validate)
