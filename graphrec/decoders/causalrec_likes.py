"""CausalRec-L: CausalRec with a match that the likes keep apart from the looks.

CausalRec learns match and notice from the same clicks. Nothing there says which of the two a click is due to: id
embeddings fit the pull of the looks as readily as the taste, and what the match has taken up no counterfactual removes.
The likes of what was clicked do say it. Given the click, a like depends on the match and not on what drew the click:

    logit of a click           m + n + const      m = g_u . g_i + g_u . (g_i o T(phi_i)),  n = t_u . phi_i
    logit of a like of it      a m + o            a > 0 and o learned
    loss = bpr(m + n) on clicks + weight * BCE(a m + o) on the clicked pairs
    rank by m - m*                                 the total indirect effect of the additive fusion

Clicks, which are many, teach the match's shape; likes, which are few, decide what belongs to it. The sum is used, not
the product of sigmoids, as a common logit is what the two share.

Deviations: this reading is graphrec's own and not in the paper, which learns from clicks alone; it needs a dataset
whose likes are not all its clicks.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from graphrec.causal import CausalGraph, Estimand, Logits, Node, Observational, Outcome, TotalIndirectEffect
from graphrec.decoders.base import Context, Objective, decoders
from graphrec.decoders.causalrec import CausalRec, CausalRecConfig, match_logit
from graphrec.decoders.visual import EDGES, NODES
from graphrec.errors import RecipeError
from graphrec.graph.build import InteractionGraph


class CausalRecLikesConfig(CausalRecConfig):
    behaviour: Literal["click"] = "click"
    fusion: Literal["add"] = "add"
    multitask: Literal[False] = False
    likes: float = Field(0.5, gt=0)
    """Weight of the likes' loss; see docs/dose-response.md for what it was chosen by."""


@decoders.register("causalrec_likes")
class CausalRecLikes(CausalRec):
    """CausalRec-L: match and notice told apart by the likes of what was clicked; graphrec's own reading.

    Raises:
        RecipeError: every click is a like.
    """

    Config = CausalRecLikesConfig
    config: CausalRecLikesConfig

    def __init__(self, config: CausalRecLikesConfig, context: Context) -> None:
        super().__init__(config, context)
        self.log_scale = nn.Parameter(torch.zeros(1))
        self.offset = nn.Parameter(torch.zeros(1))

    def fit_statistics(self, graph: InteractionGraph, seed: int) -> None:
        super().fit_statistics(graph, seed)
        if len(graph.pairs("like")) == len(graph.pairs("click")):
            raise RecipeError(
                "CausalRec-L tells match from notice by which clicks are liked, and here every click is",
                expected="training clicks that are no likes",
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
        nodes = NODES | {"L": Node("like of what was clicked")}
        edges = [*EDGES, ("V", "M"), ("M", "L"), ("Y", "L")]
        graph = CausalGraph(nodes, edges, treatment="I", outcome="Y", mediators=("M",), conditioned=("U",))
        return Outcome(score=super().outcome.score, log=False, mediated=("match", "match_visual"), graph=graph)

    def variants(self) -> dict[str, Estimand]:
        return {"CausalRec-L": TotalIndirectEffect(), "CausalRec-L w/o CI": Observational()}

    def _log_like(self, logits: Logits) -> Tensor:
        return F.logsigmoid(match_logit(logits) * self.log_scale.exp() + self.offset)
