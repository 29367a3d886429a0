"""DCF, the deconfounded recommender: Causal Inference for Recommender Systems (Wang et al., RecSys 2020).

What drives many of a user's exposures at once shows in the exposures themselves. An exposure model of the clicks,
Poisson factorisation with E[a_ui] = pi_u . lambda_i, gives a substitute for it, fitted once before training. With
<u, i> the inner product of the backbone's representations:

    score = <u, i> + gamma_u pi_u . lambda_i

is trained on likes, and read with the exposure set to one and the substitute kept.

Exposures are the clicks here, outcomes the likes. Untestable: whatever else causes both exposure and like works through
many exposures of the user. A cause of one item's exposure alone, as HCR's hidden V on the side of the item is, shows in
no factor and stays.

Deviations: <u, i> is the backbone's, where the paper factorises a matrix of ratings; likes are compared with items that
were not liked, by BPR, where the paper fits what was exposed by least squares (`loss`); of its normal priors there is
`training.weight_decay` alone; gamma starts at zero. The exposure model is fitted to clicks as zeros and ones, as the
paper has it and the authors' code, which passes ratings, has not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from graphrec.backbones.base import FUSED, Representation, Representations
from graphrec.causal import CausalGraph, Estimand, Logits, Node, Observational, Outcome
from graphrec.decoders.base import (
    Branches,
    Context,
    Decoder,
    DecoderConfig,
    Objective,
    Tower,
    decoders,
    with_offset,
)
from graphrec.decoders.objective import Labels
from graphrec.decoders.poisson_factorisation import fit_poisson_factorisation
from graphrec.graph.build import InteractionGraph
from graphrec.graph.sampling import Negatives


class DCFConfig(DecoderConfig):
    loss: Literal["bpr", "squared"] = "bpr"
    """`bpr` compares likes with `negatives`. `squared` is the paper's likelihood, (liked - score - b0)^2 over the
    clicks: it never sees an item that was not clicked, a handicap where all items are ranked."""
    negatives: Negatives = "unliked"
    """For `bpr`."""
    gamma: Literal["user", "global"] = "user"
    """Whether each user has a coefficient of the substitute, or all have one. It starts at zero: no adjustment."""
    width: int = Field(10, ge=1)
    """k of the exposure model; the paper's grid is 1, 2, 5, 10, 20, 50, 100."""
    shape: float = Field(0.3, gt=0)
    """Of the exposure model's gamma priors."""
    rate: float = Field(0.3, gt=0)
    graph: Literal["like", "click"] = "like"
    """Whose edges the backbone propagates over."""


@decoders.register("dcf")
class DCF(Decoder):
    """DCF (Wang et al. 2020): likes adjusted for a substitute confounder, read off who clicked what."""

    Config = DCFConfig
    config: DCFConfig
    pi: Tensor
    lambda_: Tensor

    def __init__(self, config: DCFConfig, context: Context) -> None:
        super().__init__(config, context)
        self.gamma = nn.Parameter(torch.zeros(context.num_users if config.gamma == "user" else 1, 1))
        self.b0 = nn.Parameter(torch.zeros(1)) if config.loss == "squared" else None
        self.register_buffer("pi", torch.zeros(context.num_users, config.width))
        self.register_buffer("lambda_", torch.zeros(context.num_items, config.width))

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower(self.config.graph, (FUSED,))}

    def fit_statistics(self, graph: InteractionGraph, seed: int) -> None:
        c = self.config
        factors = fit_poisson_factorisation(
            graph.pairs("click"), graph.num_users, graph.num_items, width=c.width, shape=c.shape, rate=c.rate, seed=seed
        )
        self.pi.copy_(factors.user)
        self.lambda_.copy_(factors.item)

    def extra_tables(self) -> Representations:
        return {"substitute": Representation(self.gamma * self.pi, self.lambda_)}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        match = representations["main"][FUSED]
        return {
            "match": match if self.b0 is None else with_offset(match, self.b0),
            "substitute": representations["extra"]["substitute"],
        }

    def objectives(self) -> list[Objective]:
        if self.config.loss == "squared":
            return [Objective("like", "like", _squared, population="click")]
        return [Objective("like", "like", "bpr", _score, self.config.negatives)]

    @property
    def outcome(self) -> Outcome:
        graph = CausalGraph(
            nodes={
                "U": Node("user"),
                "I": Node("item that the user is exposed to"),
                "W": Node("what drives many of the user's exposures, and likes", observed=False),
                "A": Node("substitute: the user's factors in the exposure model; W reaches exposures through it"),
                "M": Node("match of user and item", deterministic=True),
                "L": Node("like"),
            },
            edges=[("W", "A"), ("A", "I"), ("W", "L"), ("A", "L"), ("U", "M"), ("I", "M"), ("M", "L")],
            treatment="I",
            outcome="L",
            mediators=("M",),
            conditioned=("U", "A"),
        )
        return Outcome(score=_score, log=False, graph=graph)

    @property
    def formula(self) -> str:
        return "match + substitute"

    def variants(self) -> dict[str, Estimand]:
        return {"DCF": Observational()}


def _score(logits: Logits) -> Tensor:
    return logits["match"] + logits["substitute"]


def _squared(logits: Logits, labels: Labels) -> Tensor:
    return (labels.liked - _score(logits)).square()
