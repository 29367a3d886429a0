"""MACR: Model-Agnostic Counterfactual Reasoning for Eliminating Popularity Bias (Wei et al., KDD 2021).

With y_k the match, y_i = w_i . item + b_i how much the item draws whoever looks, y_u = w_u . user + b_u how much the
user takes whatever is shown, s the sigmoid:

    score = y_k s(y_i) s(y_u)
    loss  = BCE(s(score)) + alpha BCE(s(y_i)) + beta BCE(s(y_u))
    rank by (y_k - c) s(y_i) s(y_u)      the total indirect effect at a constant reference

Deviations: c is tuned in the paper, `total_indirect_effect:reference=constant:constant=C`; by default it is the mean
match logit. The modules of item and user are one linear layer each, as in the authors' code; the paper leaves their
depth open. Their input is the fused representation, modalities included, where the paper has ids alone; each of the
three losses draws pairs of its own; s(y_u) is held above e^-30, which changes no user's ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from graphrec.backbones.base import FUSED, Representation, Representations
from graphrec.causal import CausalGraph, Estimand, Logits, Node, Observational, Outcome, TotalIndirectEffect
from graphrec.decoders.base import Branches, Context, Decoder, Objective, OneBehaviourConfig, Tower, decoders, per_item


class MACRConfig(OneBehaviourConfig):
    alpha: float = Field(1e-3, ge=0)
    """Weight of the item's own loss."""
    beta: float = Field(1e-3, ge=0)
    """Weight of the user's own loss."""


@decoders.register("macr")
class MACR(Decoder):
    """MACR (Wei et al. 2021): match times item times user; what popularity alone draws is taken away at test time."""

    Config = MACRConfig
    config: MACRConfig

    def __init__(self, config: MACRConfig, context: Context) -> None:
        super().__init__(config, context)
        self.item_module = nn.Linear(context.embedding_size, 1)
        self.user_module = nn.Linear(context.embedding_size, 1)

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower(self.config.behaviour, (FUSED,))}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        match = representations["main"][FUSED]
        return {
            "match": match,
            "item": per_item(self.item_module(match.item).squeeze(1), len(match.user)),
            "user": Representation(self.user_module(match.user), match.item.new_ones(len(match.item), 1)),
        }

    def objectives(self) -> list[Objective]:
        c = self.config
        weighted: dict[str, tuple[Callable[[Logits], Tensor], float]] = {
            "joint": (_score, 1.0),
            "item": (itemgetter("item"), c.alpha),
            "user": (itemgetter("user"), c.beta),
        }
        return [
            Objective(name, c.behaviour, "bce", _log_sigmoid(score), c.negatives, weight)
            for name, (score, weight) in weighted.items()
            if weight
        ]

    @property
    def outcome(self) -> Outcome:
        graph = CausalGraph(
            nodes={
                "U": Node("user"),
                "I": Node("item"),
                "K": Node("match of user and item", observed=False, deterministic=True),
                "Y": Node("interaction"),
            },
            edges=[("U", "K"), ("I", "K"), ("K", "Y"), ("I", "Y"), ("U", "Y")],
            treatment="I",
            outcome="Y",
            mediators=("K",),
            conditioned=("U",),
        )
        return Outcome(score=_score, log=False, mediated=("match",), graph=graph)

    @property
    def formula(self) -> str:
        return "(match - c) * s(item) * s(user), c the mean match logit"

    def variants(self) -> dict[str, Estimand]:
        return {"MACR": TotalIndirectEffect(reference="constant"), "MACR w/o CI": Observational()}


def _log_sigmoid(score: Callable[[Logits], Tensor]) -> Callable[[Logits], Tensor]:
    return lambda logits: F.logsigmoid(score(logits))


def _score(logits: Logits) -> Tensor:
    # The user's gate changes no user's ranking; below e^-30 it would end at zero and tie all items.
    return logits["match"] * torch.sigmoid(logits["item"]) * torch.sigmoid(logits["user"].clamp(min=-30.0))
