"""CR: Clicks can be Cheating, Counterfactual Recommendation for Mitigating Clickbait Issue (Wang et al., SIGIR 2021).

With a the logit of all features, e that of the features seen before the click (a title, a cover), s the sigmoid:

    y    = a s(e)                          what is trained, on clicks alone
    loss = bpr(y) + alpha bpr(e)
    rank by (a - a*) s(e)                  the total indirect effect

a* is the user's mean of a over the items. As a is an inner product it is the logit of the mean item, so the reference
item gives it.

Deviations from the authors' code: the mean is over the training items, not over all; losses are means in nats, not sums
over a batch in bits, so that settings do not hang on the batch size, and each draws a batch of its own; training items
are left out of a list, where the code gives them a score of 1e-9, which is above every negative one; the ids stand for
the content where no modality has that role. Of the fusions the code has `mul_sigmoid` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from graphrec.backbones.base import Representations
from graphrec.causal import CausalGraph, Estimand, Logits, Node, Observational, Outcome, TotalIndirectEffect
from graphrec.decoders.base import Branches, Context, Decoder, DecoderConfig, Objective, Tower, decoders, pick
from graphrec.errors import RecipeError


class CRConfig(DecoderConfig):
    fusion: Literal["mul_sigmoid", "mul_tanh", "sum_sigmoid", "sum_tanh"] = "mul_sigmoid"
    """How a and e make y: a s(e), a tanh(e), a + s(e) or a + tanh(e). After a sum the effect is a - a*, without e."""
    alpha: float = Field(1.0, ge=0)
    """Weight of the loss on e alone."""
    negatives: Literal["unclicked"] = "unclicked"
    """Of clicks, no other kind: they may be clicks themselves."""


@decoders.register("cr")
class CR(Decoder):
    """CR (Wang et al. 2021): clicks, less what titles and covers alone draw; the counterfactual removes clickbait."""

    Config = CRConfig
    config: CRConfig

    def __init__(self, config: CRConfig, context: Context) -> None:
        super().__init__(config, context)
        if not context.exposure:
            raise RecipeError(
                "CR needs to know what the user sees before the click",
                expected="at least one modality with the role `exposure` in [data.roles]",
                got="no modality" if not context.content else f"content alone: {', '.join(context.content)}",
                where="decoder.name",
                next_step="give a title or a cover the role `exposure`, or take a decoder that needs none, such as hcr",
            )
        self.exposure = context.exposure
        self.all = (*context.exposure, *context.content_or_id)

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower("click", self.all)}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        main = representations["main"]
        return {"content": pick(main, self.all), "exposure": pick(main, self.exposure)}

    def objectives(self) -> list[Objective]:
        c = self.config
        terms = [Objective("click", "click", "bpr", self.outcome.score, c.negatives)]
        if c.alpha:
            terms.append(Objective("exposure", "click", "bpr", itemgetter("exposure"), c.negatives, c.alpha))
        return terms

    @property
    def outcome(self) -> Outcome:
        graph = CausalGraph(
            nodes={
                "U": Node("user"),
                "I": Node("item"),
                "E": Node("exposure features, seen before the click", deterministic=True),
                "T": Node("content features, seen after it", deterministic=True),
                "M": Node("match of user and all features", observed=False, deterministic=True),
                "N": Node("the pull of the exposure features alone", observed=False, deterministic=True),
                "C": Node("click"),
            },
            edges=[
                ("I", "E"),
                ("I", "T"),
                ("U", "M"),
                ("E", "M"),
                ("T", "M"),
                ("U", "N"),
                ("E", "N"),
                ("M", "C"),
                ("N", "C"),
            ],
            treatment="I",
            outcome="C",
            mediators=("M",),
            conditioned=("U",),
        )
        return Outcome(score=_FUSIONS[self.config.fusion], log=False, mediated=("content",), graph=graph)

    @property
    def formula(self) -> str:
        return _FORMULAS[self.config.fusion]

    def variants(self) -> dict[str, Estimand]:
        return {"CR": TotalIndirectEffect(), "CR w/o CI": Observational()}


_FUSIONS: dict[str, Callable[[Logits], Tensor]] = {
    "mul_sigmoid": lambda logits: logits["content"] * torch.sigmoid(logits["exposure"]),
    "mul_tanh": lambda logits: logits["content"] * torch.tanh(logits["exposure"]),
    "sum_sigmoid": lambda logits: logits["content"] + torch.sigmoid(logits["exposure"]),
    "sum_tanh": lambda logits: logits["content"] + torch.tanh(logits["exposure"]),
}
_FORMULAS = {
    "mul_sigmoid": "(content - content*) * s(exposure)",
    "mul_tanh": "(content - content*) * tanh(exposure)",
    "sum_sigmoid": "content - content*",
    "sum_tanh": "content - content*",
}
