"""DCF, the deconfounded recommender: likes adjusted for a substitute confounder that is estimated from the clicks.

"Causal Inference for Recommender Systems" (Yixin Wang et al., RecSys 2020). A confounder that affects many of a user's
exposures shows in the exposures themselves. A Poisson factorisation of the clicks with E[a_ui] = pi_u . lambda_i gives
a substitute for it. It is fitted once, before training. <u, i> is the inner product of the backbone's representations:

    score = <u, i> + gamma_u pi_u . lambda_i

The score is trained on likes. At test time the exposure is set to one and the substitute stays.

Exposures are the clicks here, and outcomes are the likes. One assumption cannot be tested: every common cause of
exposure and like affects many exposures of the user. A cause of a single item's exposure, as HCR's hidden V on the side
of the item, shows in no factor and is not removed.

Deviations:
- <u, i> is that of the backbone; the paper factorises a matrix of ratings.
- Likes are compared with items that were not liked, by BPR; the paper fits the exposed items by least squares (`loss`).
- Of the paper's normal priors there is `training.weight_decay` alone. gamma starts at zero.
- The exposure model is fitted to clicks as zeros and ones, as in the paper. The authors' code passes ratings.
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
    """Settings of DCF.

    Example:
        >>> DCFConfig().loss, DCFConfig().width, DCFConfig().gamma
        ('bpr', 10, 'user')
        >>> from graphrec.testing.small_model import small_model
        >>> (objective,) = small_model("dcf", {"loss": "squared"})[0].decoder.objectives()
        >>> objective.population  # the paper's loss compares the clicks with and without a like
        'click'
    """

    loss: Literal["bpr", "squared"] = "bpr"
    """`bpr` compares likes with `negatives`. `squared` is the paper's likelihood, (liked - score - b0)^2 over the
    clicks. It never sees an item that was not clicked, which is a handicap where all items are ranked."""
    negatives: Negatives = "unliked"
    """The items that likes are compared with, for `bpr`."""
    gamma: Literal["user", "global"] = "user"
    """Whether the coefficient of the substitute is one per user or one for all. It starts at zero: no adjustment."""
    width: int = Field(10, ge=1)
    """k, the number of factors of the exposure model; the paper's grid is 1, 2, 5, 10, 20, 50, 100."""
    shape: float = Field(0.3, gt=0)
    """Shape of the exposure model's gamma priors."""
    rate: float = Field(0.3, gt=0)
    """Rate of the exposure model's gamma priors."""
    graph: Literal["like", "click"] = "like"
    """The feedback whose edges the backbone propagates over."""


@decoders.register("dcf")
class DCF(Decoder):
    """DCF (Wang et al. 2020): likes adjusted for a substitute confounder, estimated from the clicks.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> model, graph = small_model("dcf", {"width": 3})
        >>> {name: (*branch.item.shape,) for name, branch in model(graph).items()}
        {'match': (11, 4), 'substitute': (11, 3)}
    """

    Config = DCFConfig
    config: DCFConfig
    pi: Tensor
    lambda_: Tensor

    def __init__(self, config: DCFConfig, context: Context) -> None:
        super().__init__(config, context)
        # Zeros: training starts from CT, without an adjustment.
        self.gamma = nn.Parameter(torch.zeros(context.num_users if config.gamma == "user" else 1, 1))
        self.b0 = nn.Parameter(torch.zeros(1)) if config.loss == "squared" else None
        # Buffers and no parameters: the exposure model is saved with the weights and is never trained further.
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
                "W": Node("hidden cause of many of the user's exposures, and of likes", observed=False),
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
