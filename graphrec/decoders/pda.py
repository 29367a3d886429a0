"""PDA: clicks as a match times popularity; popularity is a confounder that is summed out or set to its forecast.

"Causal Intervention for Leveraging Popularity Bias in Recommendation" (Yang Zhang et al., SIGIR 2021). Popularity
affects which items are shown and also attracts clicks, so it confounds the two. With f = <u, i>, ELU'(x) = x + 1 above
0 and exp(x) below, and m_it the popularity of item i in stage t of the training time, one of ten:

    P(click | u, i, m) ~ ELU'(f) m_it^gamma            trained by BPR, t the stage of the pair
    PD:  rank by ELU'(f)                               P(click | u, do(i)): popularity is summed out
    PDA: rank by ELU'(f) (m_iT + alpha (m_iT - m_i(T-1)))^gamma      popularity set to its forecast

Deviations:
- m_it is the item's clicks in stage t, plus one, divided by those of the stage's most clicked item, plus one. The paper
  takes the share of all clicks of the stage. Without the one, this differs by a factor that all items of a stage share.
  The product with such shares is tiny, and BPR on it is slow.
- The authors' code scales every stage to [0, 1]. The least popular item then has popularity 0, which the product and
  the logarithm cannot rank.
- A stage is a span with equally many clicks, whatever its length.
- The forecast is at least the popularity of the last stage's least popular item.
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
    """Settings of PDA.

    Example:
        >>> PDAConfig().gamma, PDAConfig().alpha, PDAConfig().stages
        (0.1, 0.5, 10)
        >>> from graphrec.testing.small_model import small_model
        >>> small_model("pda", {"stages": 1})[0].decoder.popularity.shape  # PDG: one popularity for an item
        torch.Size([1, 11])
    """

    gamma: float = Field(0.1, ge=0)
    """Exponent of popularity: how strongly it attracts clicks."""
    alpha: float = Field(0.5, allow_inf_nan=False)
    """The share of the last change of popularity that the forecast repeats."""
    stages: int = Field(10, ge=1)
    """Number of spans of the training time, with equally many clicks each; 1 gives the paper's PDG. Data without times
    has one stage."""
    link: Literal["product", "log"] = "product"
    """The score in BPR: the product, as in the paper, or its logarithm. Both give the same ranking."""
    negatives: Literal["unclicked"] = "unclicked"
    """Always `unclicked`: all other kinds of negatives may be clicks."""


@decoders.register("pda")
class PDA(Decoder):
    """PDA (Zhang et al. 2021): clicks explained by match and popularity; popularity is summed out, or forecast.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> list(small_model("pda", {"stages": 2})[0].decoder.variants())
        ['PD', 'PDA']
    """

    Config = PDAConfig
    config: PDAConfig
    popularity: Tensor
    """`[stages, I]` m_it."""
    forecast: Tensor
    """`[I]` the popularity that is expected after the training time."""
    usual: Tensor
    """`[I]` m_it^gamma, a mean over the stages, weighted by their clicks."""

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
        # Plus one: an item without a click in a stage would have popularity 0 and a logarithm of minus infinity.
        popularity = (counts + 1) / (counts.max(1, keepdim=True).values + 1)
        last = int(stages.max())
        now, before = popularity[last], popularity[max(last - 1, 0)]
        self.popularity.copy_(popularity)
        # A falling item may be forecast below zero, where a power with a fraction is nan: the clamp keeps it positive.
        self.forecast.copy_((now + c.alpha * (now - before)).clamp(min=now.min()))
        self.usual.copy_(counts.sum(1) / counts.sum() @ popularity**c.gamma)

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
        return [Objective("click", "click", "bpr", self._training_score, c.negatives, stages=c.stages)]

    def _training_score(self, logits: Logits) -> Tensor:
        assert isinstance(logits, PairLogits)
        stage = 0 if logits.stages is None else logits.stages  # None: there is a single stage
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
    # The clamp affects only the branch that `where` discards: without it, log1p of a match below -1 is nan and would
    # make the gradient nan, too.
    return torch.where(match > 0, torch.log1p(match.clamp(min=0)), match)


def _observed(logits: Logits) -> Tensor:
    """The log score with the mean popularity over the training time."""
    return _log_match(logits) + logits["popularity"]
