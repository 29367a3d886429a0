"""CR: clicks as the product of a match on all features and a gate of the exposure features; clickbait is removed.

"Clicks can be Cheating: Counterfactual Recommendation for Mitigating Clickbait Issue" (Wenjie Wang et al., SIGIR 2021).
a is the logit of all features, e that of the features that are seen before the click (a title, a cover), s the sigmoid:

    y    = a s(e)                          trained, on clicks alone
    loss = bpr(y) + alpha bpr(e)
    rank by (a - a*) s(e)                  the total indirect effect

a* is the user's mean of a over the items. a is an inner product, so a* is the logit of the mean item, which is the
reference item.

Deviations from the authors' code:
- The mean is over the training items and not over all items.
- Losses are means in nats and not sums over a batch in bits, so that settings do not depend on the batch size. Each
  loss draws a separate batch.
- Training items are left out of a list. The code gives them a score of 1e-9, which is above every negative score.
- The ids take the place of the content where no modality has that role.
- The code has the fusion `mul_sigmoid` alone.
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
    """Settings of CR.

    Example:
        >>> CRConfig().fusion, CRConfig().alpha
        ('mul_sigmoid', 1.0)
        >>> from graphrec.testing.small_model import small_model
        >>> small_model("cr", {"fusion": "sum_tanh"})[0].decoder.formula
        'content - content*'
    """

    fusion: Literal["mul_sigmoid", "mul_tanh", "sum_sigmoid", "sum_tanh"] = "mul_sigmoid"
    """The score y of a and e: a s(e), a tanh(e), a + s(e) or a + tanh(e). The effect of a sum is a - a*, without e."""
    alpha: float = Field(1.0, ge=0)
    """Weight of the loss on e alone; 0 leaves it out."""
    negatives: Literal["unclicked"] = "unclicked"
    """Always `unclicked`: all other kinds of negatives may be clicks."""


@decoders.register("cr")
class CR(Decoder):
    """CR (Wang et al. 2021): clicks minus the effect of titles and covers alone; the counterfactual removes clickbait.

    Raises:
        RecipeError: no modality has the role `exposure`.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> model, graph = small_model("cr")
        >>> list(model(graph)), model.decoder.formula
        (['content', 'exposure'], '(content - content*) * s(exposure)')
    """

    Config = CRConfig
    config: CRConfig

    def __init__(self, config: CRConfig, context: Context) -> None:
        super().__init__(config, context)
        if not context.exposure:
            raise RecipeError(
                "CR needs features that the user sees before the click",
                expected="at least one modality with the role `exposure` in [data.roles]",
                got="no modality" if not context.content else f"content alone: {', '.join(context.content)}",
                where="decoder.name",
                next_step="give a title or a cover the role `exposure`, or take a decoder that needs none, such as hcr",
            )
        self.exposure = context.exposure
        self.all = (
            *context.exposure,
            *context.content_or_id,
        )  # as in the code, the match has the exposure features too

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
                "N": Node("attraction by the exposure features alone", observed=False, deterministic=True),
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
