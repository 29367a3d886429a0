"""PDA: Causal Intervention for Leveraging Popularity Bias in Recommendation (Zhang et al., SIGIR 2021).

Popularity decides what is shown and also draws clicks, so it confounds the two. With f = <u, i>, ELU'(x) = x + 1
above 0 and exp(x) below, and m_it the popularity of item i in stage t of the training time, one of ten:

    P(click | u, i, m) ~ ELU'(f) m_it^gamma            trained by BPR, t the stage of the pair
    PD:  rank by ELU'(f)                               P(click | u, do(i)): popularity is summed out
    PDA: rank by ELU'(f) (m_iT + alpha (m_iT - m_i(T-1)))^gamma      popularity set to its forecast

Deviations: m_it is the item's clicks in stage t, plus one, over those of the stage's most clicked item, plus one. The
paper takes the share of all clicks of the stage, which is the same but for a factor that all items of a stage have in
common (and the one); the product would be tiny, and BPR on it slow. The authors' code scales every stage to [0, 1]
instead, so that the least popular item, at 0, is lost to the product and to the logarithm. A stage is a span with
equally many clicks, however long it takes; the forecast is at least the popularity of the last stage's least popular
item.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from graphrec.backbones.base import FUSED, Representations
from graphrec.causal import BackDoor, CausalGraph, Estimand, Logits, Node, Outcome
from graphrec.decoders.base import (
    Branches,
    Context,
    Decoder,
    DecoderConfig,
    Objective,
    PairLogits,
    Tower,
    decoders,
    per_item,
)
from graphrec.graph.build import InteractionGraph


class PDAConfig(DecoderConfig):
    gamma: float = Field(0.1, ge=0)
    """How strongly popularity draws."""
    alpha: float = Field(0.5, allow_inf_nan=False)
    """How far the last change of popularity goes on in the forecast."""
    stages: int = Field(10, ge=1)
    """Spans of the training time with equally many clicks each; 1 is the paper's PDG. Data without times has one."""
    link: Literal["product", "log"] = "product"
    """What BPR compares: the product, as the paper, or its logarithm. The ranking of a given model is the same."""
    negatives: Literal["unclicked"] = "unclicked"
    """Of clicks, no other kind: they may be clicks themselves."""


@decoders.register("pda")
class PDA(Decoder):
    """PDA (Zhang et al. 2021): clicks explained by match and popularity; popularity is summed out, or forecast."""

    Config = PDAConfig
    config: PDAConfig
    popularity: Tensor
    forecast: Tensor
    usual: Tensor

    def __init__(self, config: PDAConfig, context: Context) -> None:
        super().__init__(config, context)
        self.register_buffer("popularity", torch.ones(config.stages, context.num_items))
        self.register_buffer("forecast", torch.ones(context.num_items))
        self.register_buffer("usual", torch.ones(context.num_items))

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower("click", (FUSED,))}

    def fit_statistics(self, graph: InteractionGraph, seed: int) -> None:
        c = self.config
        items, stages = graph.pairs("click")[:, 1], graph.stages("click", c.stages)
        stages = torch.zeros_like(items) if stages is None else stages
        counts = torch.bincount(stages * graph.num_items + items, minlength=c.stages * graph.num_items)
        counts = counts.view(c.stages, graph.num_items).double()
        found = (counts + 1) / (counts.max(1, keepdim=True).values + 1)
        last = int(stages.max())
        now, before = found[last], found[max(last - 1, 0)]
        self.popularity.copy_(found)
        self.forecast.copy_((now + c.alpha * (now - before)).clamp(min=now.min()))
        self.usual.copy_(counts.sum(1) / counts.sum() @ found**c.gamma)

    def extra_tables(self) -> Representations:
        users, gamma = self.context.num_users, self.config.gamma
        return {
            "popularity": per_item(self.usual.log(), users),
            "forecast": per_item(gamma * self.forecast.log(), users),
        }

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        return {"match": representations["main"][FUSED], **representations["extra"]}

    def objectives(self) -> list[Objective]:
        c = self.config
        return [Objective("click", "click", "bpr", self._trained, c.negatives, stages=c.stages)]

    def _trained(self, logits: Logits) -> Tensor:
        assert isinstance(logits, PairLogits)
        stage = 0 if logits.stages is None else logits.stages
        score = _log_match(logits) + self.config.gamma * self.popularity[stage, logits.item_rows].log()
        return score.exp() if self.config.link == "product" else score

    @property
    def outcome(self) -> Outcome:
        graph = CausalGraph(
            nodes={
                "U": Node("user"),
                "I": Node("item"),
                "Z": Node("popularity of the item at the time"),
                "M": Node("match of user and item", deterministic=True),
                "C": Node("click"),
            },
            edges=[("Z", "I"), ("Z", "C"), ("U", "M"), ("I", "M"), ("M", "C")],
            treatment="I",
            outcome="C",
            mediators=("M",),
            conditioned=("U",),
            adjustment=("Z",),
        )
        factors = {"conditional": _log_match, "forecast": lambda logits: logits["forecast"]}
        return Outcome(score=_observed, log=True, factors=factors, graph=graph)

    @property
    def formula(self) -> str:
        return "log ELU'(match), ELU'(x) = x + 1 above 0 and exp(x) below"

    def variants(self) -> dict[str, Estimand]:
        return {"PD": BackDoor(), "PDA": BackDoor(level="forecast")}


def _log_match(logits: Logits) -> Tensor:
    """log ELU'(match)."""
    match = logits["match"]
    return torch.where(match > 0, torch.log1p(match.clamp(min=0)), match)


def _observed(logits: Logits) -> Tensor:
    """With popularity as it is on the mean over the training time."""
    return _log_match(logits) + logits["popularity"]
