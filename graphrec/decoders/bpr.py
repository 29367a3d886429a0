"""BPR-MF: an item bias and the inner product of user and item, trained with BPR.

"BPR: Bayesian Personalized Ranking from Implicit Feedback" (Steffen Rendle et al., UAI 2009).

    y_ui = beta_i + g_u . g_i                      CausalRec Eq. 4; alpha and beta_u cancel in BPR

On the backbone `mf` this is matrix factorisation. On a graph backbone it is the plain click model of that backbone.

Deviations:
- Training is Adam on batches; the paper has single stochastic steps.
- The item bias is CausalRec's form; the paper's factorisation has none.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import nn

from graphrec.backbones.base import Representations
from graphrec.causal import Estimand, Observational, Outcome
from graphrec.causal.graphs import match_graph
from graphrec.decoders.base import (
    CLICK_GRID,
    Branches,
    Context,
    Decoder,
    Grid,
    Objective,
    OneBehaviourConfig,
    Tower,
    decoders,
    joined,
    per_item,
)


class BPRConfig(OneBehaviourConfig):
    """Settings of BPR-MF.

    Example:
        >>> BPRConfig().representation, BPRConfig().behaviour
        ('id', 'click')
        >>> BPRConfig(representation="fused", weight=0.0).weight  # for the backbone BM3 as it was published
        0.0
    """

    representation: Literal["id", "fused"] = "id"
    """The representation g: `id` has ids alone, `fused` has ids and all modalities together."""
    weight: float = Field(1.0, ge=0)
    """Weight of the loss; 0 trains with the auxiliary losses of the backbone alone, as BM3 was published."""


@decoders.register("bpr")
class BPR(Decoder):
    """BPR-MF (Rendle et al. 2009): item bias and match; ranks by P(click | user, item).

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> model, graph = small_model("bpr")
        >>> {name: (*branch.item.shape,) for name, branch in model(graph).items()}  # d = 4, and a column for the bias
        {'match': (11, 5)}
    """

    Config = BPRConfig
    config: BPRConfig
    grid: ClassVar[Grid] = CLICK_GRID

    def __init__(self, config: BPRConfig, context: Context) -> None:
        super().__init__(config, context)
        self.bias = nn.Parameter(torch.zeros(context.num_items))

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower(self.config.behaviour, (self.config.representation,))}

    def extra_tables(self) -> Representations:
        # Here and not in `branches`: the reference item is made from all tables, and so gets the mean bias.
        return {"bias": per_item(self.bias, self.context.num_users)}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        return {"match": joined(representations["extra"]["bias"], representations["main"][self.config.representation])}

    def objectives(self) -> list[Objective]:
        return [
            Objective(
                "match", self.config.behaviour, "bpr", itemgetter("match"), self.config.negatives, self.config.weight
            )
        ]

    @property
    def outcome(self) -> Outcome:
        graph = match_graph()
        return Outcome(score=itemgetter("match"), log=False, graph=graph)

    @property
    def formula(self) -> str:
        return "match"

    def variants(self) -> dict[str, Estimand]:
        return {"BPR": Observational()}
