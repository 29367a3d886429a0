"""The training loop: sums the objectives, steps, validates, stops early, keeps the best weights."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from graphrec.decoders import Objective
from graphrec.errors import RecipeError
from graphrec.graph.build import InteractionGraph
from graphrec.recommender import Recommender
from graphrec.seeding import derive_seed, generator
from graphrec.system.failures import typed_allocations
from graphrec.system.signals import uninterrupted
from graphrec.training.adversary import attacked
from graphrec.training.callbacks import Callback
from graphrec.training.config import TrainingConfig
from graphrec.training.objective import Batch, ObjectiveSampler, loss_of
from graphrec.training.regularisation import row_penalty, row_tables

logger = logging.getLogger(__name__)

SMALLER = "lower training.batch_size, or backbone.embedding_size and backbone.layers"
LOSS_LIMIT = 1e4
"""Every loss here starts near 1, and grows with the logits only: at ten thousand nothing is learned any more."""


class TrainingDiverged(RecipeError):
    """The loss stopped being a number, or grew out of all proportion.

    >>> from graphrec.testing.small_model import small_model
    >>> from graphrec.training.config import TrainingConfig
    >>> from graphrec.training.loop import Trainer
    >>> config = TrainingConfig(learning_rate=1e6, epochs=9, monitor="none")
    >>> Trainer(*small_model("ct"), config, 0, lambda model: {"none": 0.0}).run()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.training.loop.TrainingDiverged: training diverged in epoch ...
    """


@dataclass
class TrainingState:
    """How far training is. With weights, moments and what the epoch holds it is all that resuming needs.

    >>> from graphrec.training.config import TrainingConfig
    >>> from graphrec.training.loop import TrainingState
    >>> config = TrainingConfig(epochs=20, patience=3)
    >>> [TrainingState(epoch=12, waited=waited).finished(config) for waited in (2, 3)]
    [False, True]
    """

    epoch: int = 0
    """Epochs that are complete."""
    step: int = 0
    """Steps of the next epoch that are complete; 0 between epochs."""
    best_epoch: int = 0
    best_value: float = float("-inf")
    waited: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    """One dict an epoch: `epoch`, `loss`, one `loss/NAME` an objective, `seconds` since training began, and validation
    metrics where validated."""

    def position(self) -> str:
        """Where training is, for people, such as "after epoch 3 and 7 steps"."""
        return f"after epoch {self.epoch}" + (f" and {self.step} steps" if self.step else "")

    def finished(self, config: TrainingConfig) -> bool:
        return self.epoch >= config.epochs or self.waited >= config.patience


class Trainer:
    """Trains a recommender. Training that is stopped after an epoch and resumed from its state ends with the same bits.

    Args:
        model, graph: what is trained, and on what.
        config: the settings of training.
        seed: the run's seed.
        validate: from the model to validation metrics by name, `config.monitor` among them.

    >>> from graphrec.testing.small_model import small_model
    >>> from graphrec.training.config import TrainingConfig
    >>> from graphrec.training.loop import Trainer
    >>> trainer = Trainer(*small_model("ct"), TrainingConfig(epochs=1, monitor="none"), 0, lambda model: {"none": 0.0})
    >>> state = trainer.run()
    >>> state.epoch, sorted(state.history[0])
    (1, ['epoch', 'loss', 'loss/like', 'none', 'seconds'])
    """

    def __init__(
        self,
        model: Recommender,
        graph: InteractionGraph,
        config: TrainingConfig,
        seed: int,
        validate: Callable[[Recommender], dict[str, float]],
    ) -> None:
        self.model, self.graph, self.config, self.seed = model, graph, config, seed
        self.validate = validate
        self.objectives = model.decoder.objectives()
        steps = -(-len(graph.pairs("click")) // config.batch_size)
        self.samplers = [
            ObjectiveSampler(objective, graph, config.batch_size, steps, seed) for objective in self.objectives
        ]
        self.auxiliaries = {
            name: auxiliaries for name, tower in model.networks.items() if (auxiliaries := tower.auxiliaries())
        }
        # One sampler a tower, whose auxiliaries share its batch. Its streams have names of their own, so no objective's
        # draws shift.
        for name in self.auxiliaries:
            role = model.decoder.towers()[name].feedback_role
            pairs = Objective(f"auxiliary/{name}", role, "bpr", negatives="unclicked")
            self.samplers.append(ObjectiveSampler(pairs, graph, config.batch_size, steps, seed))
        self.terms = [(objective.name, objective.weight) for objective in self.objectives]
        for name, auxiliaries in self.auxiliaries.items():
            prefix = f"{name}/" if len(model.networks) > 1 else ""
            self.terms += [(prefix + auxiliary.name, auxiliary.weight) for auxiliary in auxiliaries]
        if not any(weight for _, weight in self.terms):
            raise RecipeError(
                "nothing would be trained: every loss has weight zero",
                expected="a weight above zero",
                got=", ".join(f"{name}: {weight:g}" for name, weight in self.terms),
                where="decoder",
                next_step="give the decoder a weight, or take a backbone with auxiliary losses",
            )
        rows = row_tables(model, graph.num_users, graph.num_items) if config.decay == "rows" else []
        # Adam's weight decay would shrink every row in every step. Tables that decay by rows have their penalty in the
        # loss.
        by_row = {id(table) for table in rows}
        trained = [p for p in model.parameters() if p.requires_grad]
        self.optimiser = torch.optim.Adam(
            [
                {"params": [p for p in trained if id(p) not in by_row], "weight_decay": config.weight_decay},
                {"params": [p for p in trained if id(p) in by_row], "weight_decay": 0.0},
            ],
            lr=config.learning_rate,
        )
        self.state = TrainingState()
        self.totals = torch.zeros(len(self.terms))
        """Sums of the losses over the steps of the epoch so far."""
        self.random: dict[str, Tensor] = {}
        """The state of torch's generators after the last step, by kind of device."""
        self.changing = False
        """Whether the state, or a weight, is being changed: what there is in between is no state to resume from."""
        self.best_weights: dict[str, Tensor] = _copy(model)

    def run(self, callbacks: Sequence[Callback] = ()) -> TrainingState:
        """Train until the last epoch or early stopping; leaves the best weights in the model.

        Args:
            callbacks: each hook calls them in this order, `on_end` in the reverse order.

        Raises:
            TrainingDiverged: a loss is not finite, or farther from zero than `LOSS_LIMIT`.
        """
        with ExitStack() as ends:
            for callback in callbacks:
                callback.on_start(self)
                # After `on_start`: a callback that fails to start is not ended.
                ends.callback(callback.on_end, self)
            try:
                while not self.state.finished(self.config):
                    self._run_epoch(callbacks)
            except KeyboardInterrupt:
                if not self.changing:
                    with uninterrupted():
                        for callback in callbacks:
                            callback.on_interrupt(self)
                raise
            self.model.load_state_dict(self.best_weights)
        return self.state

    def _run_epoch(self, callbacks: Sequence[Callback]) -> None:
        number, self.lap_began = self.state.epoch + 1, time.perf_counter()
        row: dict[str, Any] = {"epoch": number, **self._train_epoch(number, callbacks)}
        metrics = None
        # The last epoch is validated whatever the interval: its weights could not be the best otherwise.
        if number % self.config.validate_every == 0 or number == self.config.epochs:
            metrics = self.validate(self.model)
            row |= metrics
        with self._change():
            self.state.epoch, self.state.step = number, 0
            if metrics is not None:
                self._keep_best(metrics)
            row["seconds"] = round(self._end_lap(), 3)
            self.state.history.append(row)
        logger.debug("epoch %(epoch)d: loss %(loss).4f", row)
        # The state is complete before any of them runs, so that a checkpoint written here resumes after this epoch.
        for callback in callbacks:
            if metrics is not None:
                callback.on_validate(self, metrics)
            callback.on_epoch(self)

    def _train_epoch(self, number: int, callbacks: Sequence[Callback]) -> dict[str, float]:
        """Train the steps of an epoch that are left, and give the mean losses of all."""
        device = self.graph.device
        # Dropout draws from torch's global generator. Seeded by the epoch, a resumed training draws what an
        # uninterrupted one does.
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            self._start_epoch(number)
            batches_of_steps = list(zip(*(sampler.epoch(number) for sampler in self.samplers)))
            for batches in batches_of_steps[self.state.step :]:
                with self._change(), typed_allocations("a step of training", "training.batch_size", SMALLER):
                    self.totals += self._step(batches)
                    self.state.step += 1
                    self.random = _generator_states(device)
                    self._end_lap()
                for callback in callbacks:
                    callback.on_step(self)
                self.lap_began = time.perf_counter()
        self.require_finite()
        names, weights = [name for name, _ in self.terms], torch.tensor([weight for _, weight in self.terms])
        means = self.totals / len(batches_of_steps)
        # Written as `not <`, since every comparison with nan is False.
        if not bool((means.abs() < LOSS_LIMIT).all()):
            raise TrainingDiverged(
                f"training diverged in epoch {number}",
                expected=f"losses below {LOSS_LIMIT:g}",
                got=", ".join(f"{name}: {value:.3g}" for name, value in zip(names, means.tolist())),
                where="training.learning_rate",
                next_step="lower the learning rate",
            )
        row = {"loss": float((means * weights).sum())}
        return row | {f"loss/{name}": value for name, value in zip(names, means.tolist())}

    @contextmanager
    def _change(self) -> Iterator[None]:
        """A change of the state, which no signal cuts where the command handles signals."""
        with uninterrupted():
            self.changing = True
            yield
            self.changing = False

    def _end_lap(self) -> float:
        """Count the time since the last lap as training; gives the seconds so far."""
        now = time.perf_counter()
        self.state.seconds += now - self.lap_began
        self.lap_began = now
        return self.state.seconds

    def _start_epoch(self, number: int) -> None:
        """Prepare the epoch's random numbers and networks; where it resumes within one, as they were after its step."""
        self.model.train()
        states = {name: tower.epoch_state() for name, tower in self.model.networks.items()} if self.state.step else {}
        for name, tower in self.model.networks.items():
            tower.start_epoch(self.graph, generator(self.seed, "graph", name, number))
            if self.state.step:
                tower.load_epoch_state(states[name])
        if self.state.step:
            _set_generators(self.random, self.graph.device)
        else:
            self.totals = torch.zeros(len(self.terms))
            torch.manual_seed(derive_seed(self.seed, "noise", number))

    def _step(self, batches: Sequence[Batch]) -> Tensor:
        """One step of the optimiser; gives the losses, `[terms]`."""
        weights = torch.tensor([weight for _, weight in self.terms])
        self.optimiser.zero_grad(set_to_none=True)
        losses = self._losses(batches)
        total = (weights.to(losses) * losses).sum()
        if self.config.decay == "rows" and self.config.weight_decay:
            # The auxiliaries' batches follow those of the objectives and have no penalty.
            total = total + self.config.weight_decay * self._row_penalty(batches[: len(self.objectives)])
        total.backward()
        values = losses.detach().cpu()
        # Before the step: the weights stay those of the last one. A gradient that is not finite although the loss is
        # shows in the loss of the next step, or at the end of the epoch, and no checkpoint is written in between.
        if not bool(values.isfinite().all()):
            raise self._diverged(values)
        self.optimiser.step()
        return values

    def require_finite(self) -> None:
        """Refuse weights that are no longer finite.

        Raises:
            TrainingDiverged: it names the first parameter that is not.
        """
        if any(not bool(parameter.isfinite().all()) for parameter in self.model.parameters()):
            raise self._diverged(torch.zeros(0))

    def _diverged(self, losses: Tensor) -> TrainingDiverged:
        """The error for losses `[terms]` of the next step, or for weights, that are not finite; it names which."""
        named = zip((name for name, _ in self.terms), losses.tolist())
        wrong = [f"loss {name}: {value:g}" for name, value in named if not isfinite(value)]
        broken = [
            f"parameter {name}: {int((~values.isfinite()).sum())} of {values.numel()} values"
            for name, values in self.model.named_parameters()
            if not bool(values.isfinite().all())
        ]
        next_step = "lower the learning rate, or raise the weight decay"
        if not broken:
            # On sound weights it comes from the data or from the loss itself.
            next_step = f"look at the features with `graphrec check` and at the decoder's settings, or {next_step}"
        step = f"at step {self.state.step + 1}" if len(losses) else f"after step {self.state.step}"
        return TrainingDiverged(
            f"training diverged in epoch {self.state.epoch + 1}, {step}",
            expected="finite losses and weights",
            got=", ".join([*wrong, *broken[:3]]),
            where="training.learning_rate" if broken else "decoder",
            next_step=next_step,
        )

    def _losses(self, batches: Sequence[Batch]) -> Tensor:
        """`[terms]` losses: each objective on its own batch, the auxiliaries of a tower on one for all."""
        propagated = self.model.propagate(self.graph)
        clean = self.model(self.graph, propagated)
        losses = []
        for objective, batch in zip(self.objectives, batches):
            branches = clean
            if objective.attack is not None:
                branches = self.model(attacked(self.model, self.graph, objective, batch))
            losses.append(loss_of(objective, branches, batch))
        for (name, auxiliaries), batch in zip(self.auxiliaries.items(), batches[len(self.objectives) :]):
            pairs = batch.pairs(self.graph.device)
            losses += [auxiliary.loss(propagated[name], pairs) for auxiliary in auxiliaries]
        return torch.stack(losses)

    def _row_penalty(self, batches: Sequence[Batch]) -> Tensor:
        sizes = self.graph.num_users, self.graph.num_items
        return torch.stack([row_penalty(self.model, batch, *sizes) for batch in batches]).sum()

    def _keep_best(self, metrics: dict[str, float]) -> None:
        if self.config.monitor not in metrics:
            raise RecipeError(
                f"`{self.config.monitor}` is not a validation metric",
                expected="one of " + ", ".join(sorted(metrics)),
                where="training.monitor",
            )
        value = metrics[self.config.monitor]
        # Of equal validations the earliest stays the best, and patience runs on.
        if value > self.state.best_value:
            self.state.best_value, self.state.best_epoch, self.state.waited = value, self.state.epoch, 0
            self.best_weights = _copy(self.model)
        else:
            self.state.waited += 1


def _generator_states(device: torch.device) -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {})


def _set_generators(states: dict[str, Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"])
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


def _copy(model: Recommender) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}
