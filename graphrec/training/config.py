"""Settings of training."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer


class TrainingConfig(BaseModel):
    """One Adam run with early stopping on the validation likes.

    >>> from graphrec.training.config import TrainingConfig
    >>> config = TrainingConfig(epochs=20)
    >>> config.epochs, config.learning_rate, config.patience
    (20, 0.001, 10)
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    learning_rate: float = Field(1e-3, gt=0)
    """Adam's step size."""
    weight_decay: float = Field(0.0, ge=0)
    """L2, through Adam."""
    decay: Literal["all", "rows"] = "all"
    """What `weight_decay` acts on: every parameter in every step, as CR and HCR's lineage has it; or, as the BPR
    lineage and CausalRec do, of the embedding tables only the rows of the batch, for each objective's batch whatever
    its weight, and all other parameters once a step."""
    batch_size: int = Field(1024, ge=1)
    """Pairs of each objective a step. Every step propagates over the whole graph, so larger batches are faster."""
    epochs: int = Field(200, ge=1)
    """At most. An epoch has as many steps as it takes to see the training clicks once, for every decoder alike."""
    patience: int = Field(10, ge=1)
    """Stop after this many validations in a row without a better one."""
    validate_every: int = Field(1, ge=1)
    """Epochs between validations."""
    monitor: str = "ndcg@50"
    """What early stopping watches, the higher the better: `recall@K`, `ndcg@K`, `hr@K`, `precision@K`, `map@K` with a K
    of `evaluation.k`, or `mrr`; or a metric that `evaluation.metrics` names."""
    device: str = "cpu"
    """Where training runs, as torch names it: `cpu`, `cuda`."""
    callbacks: tuple[str, ...] = ()
    """Code that the training loop calls: names of `graphrec list callbacks`, or import paths `package.module:Class`."""

    @model_serializer(mode="wrap")
    def _without_default_callbacks(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Resolved recipes are compared and hashed as text: those from before this setting must stay equal."""
        values = serialize(self)
        return values if self.callbacks else {key: value for key, value in values.items() if key != "callbacks"}
