"""CausalRec-L: CausalRec with a match that the likes separate from the visual features.

CausalRec learns match and notice from the same clicks. Nothing in them says which of the two caused a click. Id
embeddings fit the attraction of visual features as well as the taste, and no counterfactual removes from the match what
it has learned of them. The likes of clicked items do separate them: given the click, a like depends on the match and
not on the attraction that led to the click.

    logit of a click           m + n + const      m = g_u . g_i + g_u . (g_i o T(phi_i)),  n = t_u . phi_i
    logit of a like of it      a m + o            a > 0 and o learned
    loss = bpr(m + n) on clicks + weight * BCE(a m + o) on the clicked pairs
    rank by m - m*                                 the total indirect effect of the additive fusion

The many clicks determine the shape of the match, and the few likes determine its content. The fusion is the sum and not
the product of sigmoids, because the logit m is what clicks and likes have in common.

Deviations: this variant is graphrec's own and in no paper. The paper learns from clicks alone. The variant needs a
dataset in which some clicks are no likes.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from graphrec.causal import Estimand, Logits, Node, Observational, Outcome, TotalIndirectEffect
from graphrec.causal.graphs import match_notice_graph
from graphrec.decoders.base import Context, Objective, decoders
from graphrec.decoders.causalrec import CausalRec, CausalRecConfig, match_logit
from graphrec.errors import RecipeError
from graphrec.graph.build import InteractionGraph


class CausalRecLikesConfig(CausalRecConfig):
    """Settings of CausalRec-L.

    Example:
        >>> CausalRecLikesConfig().likes, CausalRecLikesConfig().fusion
        (0.5, 'add')
        >>> try:
        ...     CausalRecLikesConfig(fusion="paper")
        ... except ValueError as error:
        ...     print(error.errors()[0]["msg"])
        Input should be 'add'
    """

    behaviour: Literal["click"] = "click"
    """Always `click`; the likes have a separate loss."""
    fusion: Literal["add"] = "add"
    """Always `add`, the sum of the logits."""
    multitask: Literal[False] = False
    """Always false: the loss on likes takes the place of CausalRec's auxiliary losses."""
    likes: float = Field(0.5, gt=0)
    """Weight of the loss on likes; docs/dose-response.md describes how it was chosen."""


@decoders.register("causalrec_likes")
class CausalRecLikes(CausalRec):
    """CausalRec-L: match and notice separated by the likes of clicked items; graphrec's own variant.

    Raises:
        RecipeError: every click is a like, or the dataset has no modality.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> [objective.name for objective in small_model("causalrec_likes")[0].decoder.objectives()]
        ['joint', 'like of a click']
    """

    Config = CausalRecLikesConfig
    config: CausalRecLikesConfig

    def __init__(self, config: CausalRecLikesConfig, context: Context) -> None:
        super().__init__(config, context)
        # a = exp(log_scale) is positive: a better match never makes a like less likely.
        self.log_scale = nn.Parameter(torch.zeros(1))
        self.offset = nn.Parameter(torch.zeros(1))

    def fit_statistics(self, graph: InteractionGraph, seed: int) -> None:
        super().fit_statistics(graph, seed)
        if len(graph.pairs("like")) == len(graph.pairs("click")):
            raise RecipeError(
                "CausalRec-L separates match and notice by the clicks that are not likes, and every click is a like",
                expected="some training clicks that are no likes",
                got=f"{len(graph.pairs('like'))} likes among as many clicks",
                where="decoder.name",
                next_step="name a click and a like behaviour in [data.feedback], or use decoder.name=causalrec",
            )

    def objectives(self) -> list[Objective]:
        weight = self.config.likes
        return [
            *super().objectives(),
            Objective("like of a click", "like", "bce", self._log_like, population="click", weight=weight),
        ]

    @property
    def outcome(self) -> Outcome:
        graph = match_notice_graph(
            nodes={"L": Node("like of what was clicked")}, edges=[("V", "M"), ("M", "L"), ("Y", "L")]
        )
        return Outcome(score=super().outcome.score, log=False, mediated=("match", "match_visual"), graph=graph)

    def variants(self) -> dict[str, Estimand]:
        return {"CausalRec-L": TotalIndirectEffect(), "CausalRec-L w/o CI": Observational()}

    def _log_like(self, logits: Logits) -> Tensor:
        return F.logsigmoid(match_logit(logits) * self.log_scale.exp() + self.offset)
