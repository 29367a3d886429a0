"""MACR: the match times an item gate and a user gate; the effect of popularity alone is removed at test time.

"Model-Agnostic Counterfactual Reasoning for Eliminating Popularity Bias in Recommender System" (Tianxin Wei et al., KDD
2021). y_k is the match. y_i = w_i . item + b_i is the attraction of the item for every user, y_u = w_u . user + b_u the
user's readiness to take any item, and s the sigmoid:

    score = y_k s(y_i) s(y_u)
    loss  = BCE(s(score)) + alpha BCE(s(y_i)) + beta BCE(s(y_u))
    rank by (y_k - c) s(y_i) s(y_u)      the total indirect effect at a constant reference

Deviations:
- c is tuned in the paper: `total_indirect_effect:reference=constant:constant=C`. By default it is the mean match logit.
- The item and user modules are one linear layer each, as in the authors' code; the paper does not give their depth.
- Their input is the fused representation, modalities included; in the paper it is the ids alone.
- Each of the three losses draws separate pairs.
- s(y_u) is kept above e^-30, which changes no user's ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from graphrec.backbones.base import FUSED, Representation, Representations
from graphrec.causal import Estimand, Logits, Observational, Outcome, TotalIndirectEffect
from graphrec.causal.graphs import match_graph
from graphrec.decoders.base import Branches, Context, Decoder, Objective, OneBehaviourConfig, Tower, decoders, per_item


class MACRConfig(OneBehaviourConfig):
    """Settings of MACR.

    Example:
        >>> MACRConfig().alpha, MACRConfig().beta
        (0.001, 0.001)
        >>> from graphrec.testing.small_model import small_model
        >>> decoder = small_model("macr", {"alpha": 0.0})[0].decoder
        >>> [objective.name for objective in decoder.objectives()]
        ['joint', 'user']
    """

    alpha: float = Field(1e-3, ge=0)
    """Weight of the loss on the item gate alone."""
    beta: float = Field(1e-3, ge=0)
    """Weight of the loss on the user gate alone."""


@decoders.register("macr")
class MACR(Decoder):
    """MACR (Wei et al. 2021): match times item times user; the effect of popularity alone is removed at test time.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> model, graph = small_model("macr")
        >>> {name: (*branch.item.shape,) for name, branch in model(graph).items()}
        {'match': (11, 4), 'item': (11, 1), 'user': (11, 1)}
    """

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
            if weight  # a loss of weight 0 would still cost its batches
        ]

    @property
    def outcome(self) -> Outcome:
        graph = match_graph("K", "match of user and item")
        return Outcome(score=_score, log=False, mediated=("match",), graph=graph)

    @property
    def formula(self) -> str:
        return "(match - c) * s(item) * s(user), c the mean match logit"

    def variants(self) -> dict[str, Estimand]:
        return {"MACR": TotalIndirectEffect(reference="constant"), "MACR w/o CI": Observational()}


def _log_sigmoid(score: Callable[[Logits], Tensor]) -> Callable[[Logits], Tensor]:
    return lambda logits: F.logsigmoid(score(logits))


def _score(logits: Logits) -> Tensor:
    # The user's gate is one factor for all items, so the clamp changes no ranking. Without it the gate of a user far
    # below zero would underflow to zero, and all items would tie.
    return logits["match"] * torch.sigmoid(logits["item"]) * torch.sigmoid(logits["user"].clamp(min=-30.0))
