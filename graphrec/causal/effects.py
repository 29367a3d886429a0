"""Effects: differences between two worlds that a trained model gives without retraining.

With M the mediated branches and N all others, i the item and i* the reference:

    total effect             Y(M_i, N_i)   - Y(M_i*, N_i*)
    natural direct effect    Y(M_i*, N_i)  - Y(M_i*, N_i*)
    total indirect effect    Y(M_i, N_i)   - strength * Y(M_i*, N_i)

At strength 1 the total effect is the sum of the other two.

Where the outcome is kept as a logarithm the two worlds may both be too small for a float. `score` then gives a strictly
increasing function of the difference D: sign(D) g(log |D|) with g(x) = 1 / (1 - x) below 0 and 1 + x above, where
log |D| comes from the logarithms without ever leaving them. Ranking is kept as far as the logarithms themselves resolve
(in float32 about |logit| / 10^7). `effect` gives D itself.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor

from graphrec.causal.adjustment import total_effect
from graphrec.causal.estimands import Logits, Outcome, ReferenceEstimand, estimands, lacking
from graphrec.causal.identification import Identification
from graphrec.causal.mediation import mediation, natural_direct_effect


class Effect(ReferenceEstimand):
    """A difference between two worlds, one of them under do(item = reference).

    Where the outcome is a logarithm, `effect` is the difference itself and `score` a number that ranks as it does:

    >>> import torch
    >>> from graphrec.causal import TotalEffect
    >>> from graphrec.testing.small_model import small_model
    >>> outcome = small_model("causalrec")[0].decoder.outcome  # log of s(match) s(match_visual) s(notice)
    >>> names = ("match", "match_visual", "notice")
    >>> factual, reference = ({name: torch.tensor([x]) for name in names} for x in (1.0, 0.0))
    >>> TotalEffect().effect(outcome, factual, reference), TotalEffect().score(outcome, factual, reference)
    (tensor([0.2657]), tensor([0.4300]))
    """

    @abstractmethod
    def prove(self, outcome: Outcome) -> Identification:
        """As `identify`, whatever the reference."""

    @abstractmethod
    def worlds(self, outcome: Outcome, factual: Logits, reference: Logits) -> tuple[Tensor, Tensor]:
        """The outcome in the two worlds; the second is taken away."""

    def fits(self, outcome: Outcome) -> bool:
        return bool(outcome.mediated)

    def identify(self, outcome: Outcome) -> Identification:
        self._require_mediated(outcome)
        proof = self.prove(outcome)
        return replace(proof, caveats=(*proof.caveats, *self.caveats))

    def score(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        world, other = self._checked_worlds(outcome, factual, reference)
        return _ordered_difference(world, other) if outcome.log else world - other

    def effect(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        """The difference itself, in the outcome's unit: for explaining a score, as it may underflow to 0.

        Shapes:
            as in `score`.
        """
        world, other = self._checked_worlds(outcome, factual, reference)
        return world.exp() - other.exp() if outcome.log else world - other

    def _checked_worlds(self, outcome: Outcome, factual: Logits, reference: Logits | None) -> tuple[Tensor, Tensor]:
        self._require_mediated(outcome)
        if reference is None:
            raise ValueError(f"{self.name} needs the logits of the branches under its reference")
        for name in outcome.mediated:
            _same_layout(name, factual[name], reference[name])
        return self.worlds(outcome, factual, reference)

    def _require_mediated(self, outcome: Outcome) -> None:
        if not self.fits(outcome):
            raise lacking(self, outcome, "mediated branches", ("at least one branch",), ())


@estimands.register("total_effect")
class TotalEffect(Effect):
    """All that the item adds over the reference: Y(M_i, N_i) - Y(M_i*, N_i*).

    What is taken away is one number for a user, so the ranking is that of the observational score; only
    `reference=category`, with one number for each category, changes it. It is for explaining: how far a score is the
    item's doing, and how that divides into direct and indirect.

    >>> import torch
    >>> from graphrec.causal import TotalEffect
    >>> from graphrec.testing.small_model import small_model
    >>> outcome = small_model("vbpr")[0].decoder.outcome  # match + notice, of which match is mediated
    >>> factual = {"match": torch.tensor([2.0]), "notice": torch.tensor([1.0])}
    >>> reference = {"match": torch.tensor([0.5]), "notice": torch.tensor([0.0])}
    >>> TotalEffect().score(outcome, factual, reference)  # (2 + 1) - (0.5 + 0)
    tensor([2.5000])
    """

    def prove(self, outcome: Outcome) -> Identification:
        return total_effect(outcome.graph)

    def worlds(self, outcome: Outcome, factual: Logits, reference: Logits) -> tuple[Tensor, Tensor]:
        return outcome.score(factual), outcome.score(reference)


@estimands.register("natural_direct_effect")
class NaturalDirectEffect(Effect):
    """What the item adds past the mediated branches: Y(M_i*, N_i) - Y(M_i*, N_i*) (Pearl, UAI 2001).

    In CausalRec it ranks by the notice: what the visual features draw while the preference is held at the reference.

    >>> import torch
    >>> from graphrec.causal import NaturalDirectEffect
    >>> from graphrec.testing.small_model import small_model
    >>> outcome = small_model("vbpr")[0].decoder.outcome  # match + notice, of which match is mediated
    >>> factual = {"match": torch.tensor([2.0]), "notice": torch.tensor([1.0])}
    >>> reference = {"match": torch.tensor([0.5]), "notice": torch.tensor([0.0])}
    >>> NaturalDirectEffect().score(outcome, factual, reference)  # (0.5 + 1) - (0.5 + 0)
    tensor([1.])
    """

    def prove(self, outcome: Outcome) -> Identification:
        return natural_direct_effect(outcome.graph, outcome.graph.mediators)

    def worlds(self, outcome: Outcome, factual: Logits, reference: Logits) -> tuple[Tensor, Tensor]:
        return outcome.score(_intervened(outcome, factual, reference)), outcome.score(reference)


@estimands.register("total_indirect_effect")
class TotalIndirectEffect(Effect):
    """What the item contributes through the mediated branches alone (CausalRec Eq. 13, 27, 28).

        Y(mediated factual, rest factual) - strength * Y(mediated at the reference, rest factual)

    Only the mediated branches take their reference value, so a direct branch (CausalRec's notice) stays
    factual in both terms: with Y = M M' N this is N (M M' - strength M* M'*).

    Strength 0 returns the observational score, bits included; its exponential would tie what underflows.

    >>> import torch
    >>> from graphrec.causal import TotalIndirectEffect
    >>> from graphrec.testing.small_model import small_model
    >>> outcome = small_model("vbpr")[0].decoder.outcome  # match + notice, of which match is mediated
    >>> factual = {"match": torch.tensor([2.0]), "notice": torch.tensor([1.0])}
    >>> reference = {"match": torch.tensor([0.5]), "notice": torch.tensor([0.0])}
    >>> TotalIndirectEffect().score(outcome, factual, reference)  # (2 + 1) - (0.5 + 1)
    tensor([1.5000])
    >>> TotalIndirectEffect(strength=0.5).score(outcome, factual, reference)
    tensor([2.2500])
    """

    strength: float = Field(default=1.0, ge=0.0, allow_inf_nan=False)
    """Share of the reference that is taken away (lambda_2): 1 is the effect, 0 the observational score."""

    @property
    def needs_reference(self) -> bool:
        return self.strength != 0

    def prove(self, outcome: Outcome) -> Identification:
        proof = mediation(outcome.graph, outcome.graph.mediators)
        if self.strength == 1:
            return proof
        caveat = f"strength {self.strength:g} takes that share of the reference away; the effect itself takes 1"
        return replace(proof, caveats=(*proof.caveats, caveat))

    def worlds(self, outcome: Outcome, factual: Logits, reference: Logits) -> tuple[Tensor, Tensor]:
        other = outcome.score(_intervened(outcome, factual, reference))
        # In logarithms a share is a shift. Strength 0, which has no logarithm, does not come here: `score` and `effect`
        # return before.
        share = other + math.log(self.strength) if outcome.log else self.strength * other
        return outcome.score(factual), share

    def score(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        return super().score(outcome, factual, reference) if self.strength else outcome.score(factual)

    def effect(self, outcome: Outcome, factual: Logits, reference: Logits | None = None) -> Tensor:
        if self.strength:
            return super().effect(outcome, factual, reference)
        observed = outcome.score(factual)
        return observed.exp() if outcome.log else observed


def _intervened(outcome: Outcome, factual: Logits, reference: Logits) -> Logits:
    return {**factual, **{name: reference[name] for name in outcome.mediated}}


def _ordered_difference(a: Tensor, b: Tensor) -> Tensor:
    """A strictly increasing function of exp(a) - exp(b) that neither under- nor overflows."""
    gap = a - b
    # log |exp(a) - exp(b)| with the larger exponential taken out. `expm1` keeps the digits where both are nearly equal.
    # At a = b the size is minus infinity and the result 0.
    size = torch.maximum(a, b) + torch.log(-torch.expm1(-gap.abs()))
    # `where` computes both sides: the clamp keeps the discarded one off its pole at size 1.
    magnitude = torch.where(size > 0, 1 + size, 1 / (1 - size.clamp(max=0)))
    return torch.sign(gap) * magnitude


def _same_layout(name: str, factual: Tensor, reference: Tensor) -> None:
    """Refuse [B] with [B, 1], which would broadcast to [B, B] and still pass for scores."""
    rows = factual.dim() == reference.dim() and len(factual) == len(reference)
    if not rows or (factual.shape != reference.shape and reference.shape[-1] != 1):
        raise ValueError(
            f"branch `{name}`: expected reference logits [b, 1] or [b, I] for factual [b, I], or [B] for [B]; "
            f"got {list(reference.shape)} for {list(factual.shape)}"
        )
