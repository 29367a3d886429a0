"""Estimands: how a trained model's branch logits become the score that ranks items.

A decoder declares its `Outcome`; an estimand fuses the same logits in another way, without retraining. All
scores are for ranking one user's items: the higher the better, and no more is promised of their scale.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict
from torch import Tensor

from graphrec.causal.adjustment import association, back_door, joint_intervention
from graphrec.causal.graph import CausalGraph
from graphrec.causal.identification import Identification
from graphrec.causal.mediation import effect_of_mediators, effect_on_mediators, front_door
from graphrec.causal.reference import Reference
from graphrec.errors import IdentificationError, RecipeError
from graphrec.registry import Registry

Logits = Mapping[str, Tensor]
"""Branch name -> logits: [b, I] for a block of users, [b, 1] or [b, I] under the reference, [B] for pairs."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a decoder's branches make the observational score, and which of them an estimand treats differently.

    Args:
        score: the observational ranking score.
        log: True where `score` and every factor are logarithms of positive quantities, such as a product of
            sigmoids.
        mediated: branches through which the treatment acts indirectly; the total indirect effect intervenes
            on them. A decoder that names any promises that its branches are defined for a reference item alone.
        factors: for the front-door formula `mediator` P(m|u,i), `effect` h1(u,m), `confounded` h2(u,i); for
            back-door adjustment `conditional`, of user and item, and `forecast`, of the adjustment set at the
            value that is expected of it.
        form: what the factors assume of the form of the outcome's model, in words; goes into the proofs.
        graph: the causal graph that the decoder claims; its `mediators` are the variables that `mediated` or
            the `mediator` factor stand for, its `adjustment` those that `forecast` stands for.

    >>> import torch
    >>> from graphrec.causal import Observational, Outcome
    >>> from graphrec.causal.graphs import match_graph
    >>> outcome = Outcome(score=lambda logits: logits["match"], log=False, mediated=("match",), graph=match_graph())
    >>> Observational().score(outcome, {"match": torch.tensor([0.3, 0.9])})
    tensor([0.3000, 0.9000])
    """

    score: Callable[[Logits], Tensor]
    log: bool
    mediated: tuple[str, ...] = ()
    factors: Mapping[str, Callable[[Logits], Tensor]] = field(default_factory=dict)
    form: tuple[str, ...] = ()
    graph: CausalGraph

    def with_graph(self, graph: CausalGraph | None) -> Outcome:
        """The same outcome, claimed on another causal graph; None keeps the decoder's own.

        Raises:
            RecipeError: the graph gives other variables the causal roles that branches and factors stand for.
        """
        return self if graph is None else replace(self, graph=graph.with_roles_of(self.graph))


class Estimand(BaseModel, ABC):
    """One way to score; its options are its pydantic fields.

    Example:
        >>> from graphrec.causal import TotalIndirectEffect
        >>> TotalIndirectEffect(strength=0.5).needs_reference
        True
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: ClassVar[str]

    @property
    def needs_reference(self) -> bool:
        """Whether `score` needs the branches' logits under a reference value i* as well."""
        return False

    @property
    def reference_config(self) -> Reference:
        """The i* under which `score` gets those logits: the mean item, unless a `ReferenceEstimand` chooses another."""
        return Reference()

    def fits(self, outcome: Outcome) -> bool:
        """Whether the decoder has the branches or factors that `score` reads; the causal graph plays no part in it."""
        return True

    @abstractmethod
    def identify(self, outcome: Outcome) -> Identification:
        """Prove on the decoder's causal graph that the score is what it claims to be.

        Raises:
            IdentificationError: the path that breaks it.
            RecipeError: the decoder lacks a branch or factor that this estimand needs.
        """

    @abstractmethod
    def score(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        """Ranking scores. Pure: no argument is changed, and the same call gives the same bits.

        Shapes:
            factual [b, I] with reference [b, 1] or [b, I] gives [b, I]; [B] with [B] gives [B].
        """


class ReferenceEstimand(Reference, Estimand):
    """Base of estimands that compare with a reference value i* which their options choose.

    An estimand for which the mean item will do overrides `needs_reference` alone and has no such options.

    >>> from graphrec.causal import TotalEffect
    >>> TotalEffect().reference_config.reference, TotalEffect(reference="zero").reference_config.reference
    ('mean', 'zero')
    """

    @property
    def needs_reference(self) -> bool:
        return True

    @property
    def reference_config(self) -> Reference:
        return self


estimands: Registry[Estimand] = Registry("estimand", Estimand, group="graphrec.estimands")


@estimands.register("observational")
class Observational(Estimand):
    """P(outcome | user, item) as trained, confounded or not.

    >>> from graphrec.causal import Observational
    >>> from graphrec.testing.small_model import small_model
    >>> Observational().identify(small_model("hcr")[0].decoder.outcome).caveats
    ('I <- V -> L is open: P(L | I, U) is not P(L | do(I), U)',)
    """

    def identify(self, outcome: Outcome) -> Identification:
        return association(outcome.graph)

    def score(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        return outcome.score(factual)


class _Factors(Estimand):
    """A product of some of the outcome's factors."""

    @property
    @abstractmethod
    def factor_names(self) -> tuple[str, ...]:
        """The factors' names."""

    @abstractmethod
    def prove(self, outcome: Outcome) -> Identification:
        """As `identify`, for an outcome that has the factors."""

    def fits(self, outcome: Outcome) -> bool:
        return all(name in outcome.factors for name in self.factor_names)

    def identify(self, outcome: Outcome) -> Identification:
        self._require_factors(outcome)
        return self.prove(outcome)

    def score(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        self._require_factors(outcome)
        total = outcome.factors[self.factor_names[0]](factual)
        for name in self.factor_names[1:]:
            factor = outcome.factors[name](factual)
            total = total + factor if outcome.log else total * factor
        return total

    def _require_factors(self, outcome: Outcome) -> None:
        if not self.fits(outcome):
            raise lacking(self, outcome, "factors", self.factor_names, outcome.factors)


@estimands.register("front_door")
class FrontDoor(_Factors):
    """P(outcome | user, do(item)) with hidden confounders (HCR Eq. 7, 11).

    The factor `effect` is what the formula's inner sum over all items leaves of the outcome's model. HCR models
    h1(u, m) h2(u, i): the sum over h2 is one number for a user, and h1 is left. HCR-A takes the sum.

    >>> from graphrec.causal import FrontDoor
    >>> from graphrec.testing.small_model import small_model
    >>> FrontDoor().identify(small_model("hcr")[0].decoder.outcome).formula
    "P(L | do(I), U) = sum_{Z, C} P(Z, C | I, U) sum_{I'} P(L | I', Z, C, U) P(I' | U)"
    """

    @property
    def factor_names(self) -> tuple[str, ...]:
        return "mediator", "effect"

    def prove(self, outcome: Outcome) -> Identification:
        proof = front_door(outcome.graph)
        return replace(proof, assumptions=(*proof.assumptions, *outcome.form))


@estimands.register("effect_on_mediator")
class EffectOnMediator(_Factors):
    """P(mediator | user, do(item)), the first half of the front-door effect (HCR-S1).

    >>> from graphrec.causal import EffectOnMediator
    >>> from graphrec.testing.small_model import small_model
    >>> EffectOnMediator().identify(small_model("hcr")[0].decoder.outcome).formula
    'P(Z, C | do(I), U) = P(Z, C | I, U)'
    """

    @property
    def factor_names(self) -> tuple[str, ...]:
        return ("mediator",)

    def prove(self, outcome: Outcome) -> Identification:
        return effect_on_mediators(outcome.graph)


@estimands.register("effect_of_mediator")
class EffectOfMediator(_Factors):
    """P(outcome | user, do(mediator)), the second half of the front-door effect (HCR-S2).

    >>> from graphrec.causal import EffectOfMediator
    >>> from graphrec.testing.small_model import small_model
    >>> EffectOfMediator().identify(small_model("hcr")[0].decoder.outcome).formula
    'P(L | do(Z, C), U) = sum_{I} P(L | I, Z, C, U) P(I | U)'
    """

    @property
    def factor_names(self) -> tuple[str, ...]:
        return ("effect",)

    def prove(self, outcome: Outcome) -> Identification:
        return effect_of_mediators(outcome.graph)


@estimands.register("back_door")
class BackDoor(_Factors):
    """P(outcome | user, do(item)) with an observed confounder, such as popularity (PDA, Zhang et al., SIGIR 2021).

    The outcome is modelled as conditional(u, i) adjustment(z), z the value of the adjustment set. Its sum over z,
    weighted by P(z | u), is one number for a user, so the conditional factor alone ranks as P(y | u, do(i)) does.
    Times the adjustment factor at the value expected of z it is P(y | u, do(i), do(z)).

    >>> from graphrec.causal import BackDoor
    >>> from graphrec.testing.small_model import small_model
    >>> outcome = small_model("pda")[0].decoder.outcome
    >>> BackDoor().identify(outcome).formula
    'P(C | do(I), U) = sum_{Z} P(C | I, Z, U) P(Z | U)'
    >>> BackDoor(level="forecast").identify(outcome).formula
    'P(C | do(I), do(Z), U) = P(C | I, Z, U)'
    """

    level: Literal["average", "forecast"] = "average"
    """`average` sums the confounder out; `forecast` sets it to the value that is expected of it."""

    @property
    def factor_names(self) -> tuple[str, ...]:
        return ("conditional",) if self.level == "average" else ("conditional", "forecast")

    def prove(self, outcome: Outcome) -> Identification:
        graph = outcome.graph
        declared = graph.adjustment
        if not declared:
            raise IdentificationError(
                "back-door adjustment needs to know what is adjusted for",
                expected="a causal graph that declares an adjustment set",
                got="none",
                where="the causal graph",
            )
        proof = back_door(graph, declared) if self.level == "average" else joint_intervention(graph, declared)
        y, z, also = graph.outcome, ", ".join(declared), ", ".join((*graph.conditioned, graph.treatment))
        split = f"P({y} | {also}, {z}) is a positive factor of {also} times a positive factor of {z}"
        forecast = (f"the forecast of {z} comes true",) if self.level == "forecast" else ()
        return replace(proof, assumptions=(*proof.assumptions, split), untestable=(*proof.untestable, *forecast))


def lacking(
    estimand: Estimand, outcome: Outcome, what: str, names: Iterable[str], present: Iterable[str]
) -> RecipeError:
    # `model_construct` does not validate: a custom estimand may have options without defaults.
    """The error for an outcome without the branches or factors that an estimand reads; it names estimands that fit.

    >>> from graphrec.causal import FrontDoor
    >>> from graphrec.causal.estimands import lacking
    >>> from graphrec.testing.small_model import small_model
    >>> error = lacking(FrontDoor(), small_model("ct")[0].decoder.outcome, "factors", ("mediator", "effect"), ())
    >>> error.expected, error.got
    ('a decoder whose outcome has factors: mediator, effect', 'none')
    """
    fitting = ", ".join(name for name, kind in estimands.available() if kind.model_construct().fits(outcome))
    return RecipeError(
        f"estimand `{estimand.name}` does not fit this decoder",
        expected=f"a decoder whose outcome has {what}: {', '.join(names)}",
        got=", ".join(present) or "none",
        where="estimands",
        next_step=f"choose one that fits it ({fitting}), or another decoder",
    )
