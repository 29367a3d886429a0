"""Estimands: how a trained model's branch logits become the score that ranks items.

A decoder declares its `Outcome`; an estimand fuses the same logits in another way, without retraining. All
scores are for ranking one user's items: the higher the better, and no more is promised of their scale.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from graphrec.causal.graph import CausalGraph
from graphrec.causal.identification import (
    Identification,
    association,
    effect_of_mediators,
    effect_on_mediators,
    front_door,
    mediation,
)
from graphrec.errors import RecipeError
from graphrec.registry import Registry

Logits = Mapping[str, Tensor]
"""Branch name -> logits: [b, I] for a block of users, [b, 1] under the reference item, [B] for pairs."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a decoder's branches make the observational score, and which of them an estimand may treat apart.

    Args:
        score: the observational ranking score.
        log: True where `score` and every factor are logarithms of positive quantities, such as a product of
            sigmoids.
        mediated: branches through which the treatment acts indirectly; the total indirect effect intervenes
            on them.
        factors: for the front-door formula `mediator` P(m|u,i), `effect` h1(u,m), `confounded` h2(u,i).
        graph: the causal graph that the decoder claims; its `mediators` are the variables that `mediated` or
            the `mediator` factor stand for.
    """

    score: Callable[[Logits], Tensor]
    log: bool
    mediated: tuple[str, ...] = ()
    factors: Mapping[str, Callable[[Logits], Tensor]] = field(default_factory=dict)
    graph: CausalGraph


class Estimand(BaseModel, ABC):
    """One way to score; its options are its pydantic fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: ClassVar[str]

    @property
    def needs_reference(self) -> bool:
        """Whether `score` wants the branches' logits under the reference item."""
        return False

    if TYPE_CHECKING:  # an option, so a field, of those estimands that need a reference

        @property
        def reference(self) -> str:
            """The reference item, `mean` or `zero`, where `needs_reference` is true."""

    @abstractmethod
    def identify(self, outcome: Outcome) -> Identification:
        """Prove on the decoder's causal graph that the score is what it claims to be.

        Raises:
            IdentificationError: the path that breaks it.
            RecipeError: the decoder lacks a part that this estimand needs.
        """

    @abstractmethod
    def score(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        """Ranking scores. Pure: no argument is changed, and the same call gives the same bits.

        Shapes:
            factual [b, I] with reference [b, 1] gives [b, I]; [B] with [B] gives [B].
        """


estimands: Registry[Estimand] = Registry("estimand")


@estimands.register("observational")
class Observational(Estimand):
    """P(outcome | user, item) as trained, confounded or not."""

    def identify(self, outcome: Outcome) -> Identification:
        return association(outcome.graph)

    def score(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        return outcome.score(factual)


@estimands.register("total_indirect_effect")
class TotalIndirectEffect(Estimand):
    """What the item contributes through the mediated branches alone (CausalRec Eq. 13, 27, 28).

        Y(mediated factual, rest factual) - strength * Y(mediated at the reference, rest factual)

    Only the mediated branches take their reference value, so a direct branch (CausalRec's notice) stays
    factual in both terms: with Y = M M' N this is N (M M' - strength M* M'*).

    Where the outcome is kept as a logarithm the two terms may both be too small for a float. `score` then
    gives a strictly increasing function of the difference D: sign(D) g(log |D|) with g(x) = 1 / (1 - x) below
    0 and 1 + x above, where log |D| comes from the logarithms without ever leaving them. Ranking is kept as
    far as the logarithms themselves resolve (in float32 about |logit| / 10^7). `effect` gives D itself.

    Strength 0 returns the observational score, bits included; its exponential would tie what underflows.
    """

    strength: float = Field(default=1.0, ge=0.0, allow_inf_nan=False)
    """Share of the reference that is taken away (lambda_2): 1 is the effect, 0 the observational score."""

    reference: Literal["mean", "zero"] = "mean"
    """The item of do(I = i*): the average of all items, or a row of zeros."""

    @property
    def needs_reference(self) -> bool:
        return self.strength != 0

    def identify(self, outcome: Outcome) -> Identification:
        _require_mediated(outcome)
        proof = mediation(outcome.graph, outcome.graph.mediators)
        if self.strength == 1:
            return proof
        kept = f"strength {self.strength:g} takes that share of the reference away; the effect itself takes 1"
        return replace(proof, caveats=(*proof.caveats, kept))

    def score(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        if self.strength == 0:
            return outcome.score(factual)
        observed, intervened = self._two_worlds(outcome, factual, reference)
        if not outcome.log:
            return observed - self.strength * intervened
        return _ordered_difference(observed, intervened + math.log(self.strength))

    def effect(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        """The difference itself, in the outcome's unit: for explaining a score, as it may underflow to 0.

        Shapes:
            as in `score`.
        """
        observed, intervened = self._two_worlds(outcome, factual, reference)
        if outcome.log:
            observed, intervened = observed.exp(), intervened.exp()
        return observed - self.strength * intervened

    def _two_worlds(self, outcome: Outcome, factual: Logits, reference: Logits | None) -> tuple[Tensor, Tensor]:
        _require_mediated(outcome)
        if reference is None:
            raise ValueError("total_indirect_effect needs the reference logits of " + ", ".join(outcome.mediated))
        for name in outcome.mediated:
            _same_layout(name, factual[name], reference[name])
        intervened = {**factual, **{name: reference[name] for name in outcome.mediated}}
        return outcome.score(factual), outcome.score(intervened)


class _Factors(Estimand):
    """A product of some of the outcome's factors."""

    wanted: ClassVar[tuple[str, ...]]

    def score(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        self._require_factors(outcome)
        total = outcome.factors[self.wanted[0]](factual)
        for name in self.wanted[1:]:
            factor = outcome.factors[name](factual)
            total = total + factor if outcome.log else total * factor
        return total

    def _require_factors(self, outcome: Outcome) -> None:
        missing = [name for name in self.wanted if name not in outcome.factors]
        if missing:
            raise _lacking(f"estimand `{self.name}`", "factors", self.wanted, outcome.factors)


@estimands.register("front_door")
class FrontDoor(_Factors):
    """P(outcome | user, do(item)) with hidden confounders (HCR Eq. 7, 11).

    The like is modelled as h1(u, m) h2(u, i). In the front-door formula h2 appears only in the sum over all
    items, S_u, one number for a user, so P(m|u,i) h1(u,m) ranks as the effect does.
    """

    wanted: ClassVar[tuple[str, ...]] = ("mediator", "effect")

    def identify(self, outcome: Outcome) -> Identification:
        self._require_factors(outcome)
        proof = front_door(outcome.graph)
        summed = "the like splits into h1(u, m) h2(u, i), and h2 summed over items is positive for every user"
        return replace(proof, assumptions=(*proof.assumptions, summed))


@estimands.register("effect_on_mediator")
class EffectOnMediator(_Factors):
    """P(mediator | user, do(item)), the first half of the front-door effect (HCR-S1)."""

    wanted: ClassVar[tuple[str, ...]] = ("mediator",)

    def identify(self, outcome: Outcome) -> Identification:
        self._require_factors(outcome)
        return effect_on_mediators(outcome.graph)


@estimands.register("effect_of_mediator")
class EffectOfMediator(_Factors):
    """P(outcome | user, do(mediator)), the second half of the front-door effect (HCR-S2)."""

    wanted: ClassVar[tuple[str, ...]] = ("effect",)

    def identify(self, outcome: Outcome) -> Identification:
        self._require_factors(outcome)
        return effect_of_mediators(outcome.graph)


def _ordered_difference(a: Tensor, b: Tensor) -> Tensor:
    """A strictly increasing function of exp(a) - exp(b) that neither under- nor overflows."""
    gap = a - b
    size = torch.maximum(a, b) + torch.log(-torch.expm1(-gap.abs()))
    magnitude = torch.where(size > 0, 1 + size, 1 / (1 - size.clamp(max=0)))
    return torch.sign(gap) * magnitude


def _same_layout(name: str, factual: Tensor, reference: Tensor) -> None:
    """[B] beside [B, 1] would broadcast to [B, B] and still look like scores."""
    rows = factual.dim() == reference.dim() and len(factual) == len(reference)
    if not rows or (factual.shape != reference.shape and reference.shape[-1] != 1):
        raise ValueError(
            f"branch `{name}`: expected reference logits [b, 1] for factual [b, I], or [B] for [B]; "
            f"got {list(reference.shape)} for {list(factual.shape)}"
        )


def _require_mediated(outcome: Outcome) -> None:
    if not outcome.mediated:
        raise _lacking("estimand `total_indirect_effect`", "mediated branches", ("at least one branch",), ())


def _lacking(who: str, part: str, wanted: Iterable[str], present: Iterable[str]) -> RecipeError:
    return RecipeError(
        f"{who} does not fit this decoder",
        expected=f"a decoder whose outcome has {part}: {', '.join(wanted)}",
        got=", ".join(present) or "none",
        where="estimands",
        next_step="choose an estimand that the decoder supports, or another decoder",
    )
