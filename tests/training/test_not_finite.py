"""Numbers that are not finite: training stops at the step, says where, and the last good checkpoint stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from graphrec.training.callbacks import Callback
from graphrec.training.checkpoint import Checkpoint, saved_state
from graphrec.training.loop import Trainer, TrainingDiverged

TrainerOf = Callable[..., Trainer]


class Spoil(Callback):
    """Makes one value of a parameter not finite after a step, as a gradient that overflows does."""

    def __init__(self, epoch: int, step: int, parameter: str, value: float) -> None:
        self.position, self.parameter, self.value = (epoch, step), parameter, value

    def on_step(self, trainer: Trainer) -> None:
        if (trainer.state.epoch + 1, trainer.state.step) == self.position:
            with torch.no_grad():
                dict(trainer.model.named_parameters())[self.parameter].view(-1)[0] = self.value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(("step", "noticed"), [(1, "epoch 2, after step 1"), (4, "epoch 2, after step 4")])
def test_a_weight_that_is_not_finite_ends_training_with_its_name_and_keeps_the_checkpoint(
    trainer_of: TrainerOf, tmp_path: Path, value: float, step: int, noticed: str
) -> None:
    trainer, path = trainer_of("ct", epochs=3, batch_size=120), tmp_path / "t.safetensors"
    assert len(trainer.samplers[0].epoch(1)) == 4
    name = next(name for name, table in trainer.model.named_parameters() if table.dim() == 2)
    # The checkpoint comes after what spoils, so that it is asked to save spoilt weights.
    with pytest.raises(TrainingDiverged, match=noticed) as caught:
        trainer.run([Spoil(2, step, name, value), Checkpoint(path, seconds=-1)])
    assert f"parameter {name}: 1 of" in str(caught.value) and caught.value.where == "training.learning_rate"
    state = saved_state(path)
    assert state is not None and (state.epoch, state.step) == (1, step - 1 if step > 1 else 0)


@pytest.mark.parametrize("decoder", ["ct", "hcr", "causalrec", "esmm", "amr"])
def test_each_loss_that_is_not_finite_is_named_and_changes_no_weight(
    trainer_of: TrainerOf, monkeypatch: pytest.MonkeyPatch, decoder: str
) -> None:
    from graphrec.training import loop

    for number in range(len(trainer_of(decoder).objectives)):
        trainer, loss_of = trainer_of(decoder), loop.loss_of
        spoilt = trainer.objectives[number]

        def not_a_number(objective, branches, batch, loss_of=loss_of, spoilt=spoilt):  # type: ignore[no-untyped-def]
            loss = loss_of(objective, branches, batch)
            return loss * float("nan") if objective is spoilt else loss

        before = {name: table.clone() for name, table in trainer.model.state_dict().items()}
        with monkeypatch.context() as patch:
            patch.setattr(loop, "loss_of", not_a_number)
            with pytest.raises(TrainingDiverged, match=f"at step 1\n(.|\n)*loss {spoilt.name}: nan") as caught:
                trainer.run()
        assert "graphrec check" in str(caught.value)
        assert all(torch.equal(table, before[name]) for name, table in trainer.model.state_dict().items())
