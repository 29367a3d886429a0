"""Callbacks: code that the training loop calls when it starts, validates, ends an epoch, and ends."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from graphrec.errors import ComponentError
from graphrec.registry import Registry

if TYPE_CHECKING:
    from graphrec.training.loop import Trainer


class Callback:
    """Base of every callback; each hook does nothing unless a subclass overrides it.

    A hook reads `trainer.state`, `trainer.config` and `trainer.model`.

    A recipe names callbacks by `training.callbacks`; they are made without arguments, and run before a checkpoint is
    written. A callback that changes what is trained belongs there. It must depend on the trainer's state alone, and
    set in `on_start` whatever a checkpoint does not hold, such as a learning rate: then an interrupted training resumes
    as it would have continued. Python passes objects that observe, by
    `graphrec.train(recipe, out, callbacks=[MyCallback(3)])`; no file of the run mentions them.

    >>> class BestEpochs(Callback):
    ...     def __init__(self):
    ...         self.epochs = []
    ...     def on_validate(self, trainer, metrics):
    ...         if trainer.state.best_epoch == trainer.state.epoch:
    ...             self.epochs.append(trainer.state.epoch)
    """

    name: ClassVar[str]

    def on_start(self, trainer: Trainer) -> None:
        """Before the first epoch of this process; `trainer.state.epoch` is above 0 where training resumes."""

    def on_validate(self, trainer: Trainer, metrics: Mapping[str, float]) -> None:
        """After an epoch that was validated, before `on_epoch`; `metrics` are the validation metrics by name."""

    def on_step(self, trainer: Trainer) -> None:
        """After each step; `trainer.state.step` is its number within the epoch, from 1."""

    def on_epoch(self, trainer: Trainer) -> None:
        """After each epoch; the last row of `trainer.state.history` is the epoch's."""

    def on_interrupt(self, trainer: Trainer) -> None:
        """Where Ctrl-C or a signal ends training, after a whole step and before `on_end`."""

    def on_end(self, trainer: Trainer) -> None:
        """After the last epoch, when the model has its best weights; also where an error or a signal ends training.

        `trainer.state.finished(trainer.config)` is False where training was cut short.
        """


callbacks: Registry[Callback] = Registry("callback", Callback, group="graphrec.callbacks")


class AfterEpoch(Callback):
    """Calls a function of the trainer after each epoch.

    Args:
        function: such as one that prints `trainer.state.history[-1]`.

    >>> from graphrec.training.callbacks import AfterEpoch
    >>> log = AfterEpoch(lambda trainer: print("epoch", trainer.state.epoch))
    >>> _ = gr.train(recipe, "runs/hcr", callbacks=[log])
    epoch 1
    epoch 2
    """

    def __init__(self, function: Callable[[Trainer], object]) -> None:
        self.function = function

    def on_epoch(self, trainer: Trainer) -> None:
        self.function(trainer)


def callbacks_named(names: Iterable[str]) -> list[Callback]:
    """A new callback for each registered name or import path.

    Raises:
        UnknownNameError, ComponentError: a name that leads to no callback, or to one that needs arguments.

    >>> from graphrec.training.callbacks import callbacks_named
    >>> [type(callback).__name__ for callback in callbacks_named(["progress"])]
    ['LogProgress']
    """
    return [_made(name, callbacks.get(name)) for name in names]


def _made(name: str, kind: type[Callback]) -> Callback:
    try:
        inspect.signature(kind).bind()
    except TypeError as error:
        raise ComponentError(
            f"the callback `{name}` cannot be made without arguments",
            expected="a class whose arguments all have defaults",
            got=str(error),
            where="training.callbacks",
            next_step="give its arguments defaults, or pass an object: gr.train(recipe, out, callbacks=[...])",
        ) from None
    return kind()
