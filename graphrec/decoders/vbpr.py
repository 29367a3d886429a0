"""VBPR: matrix factorisation with an item bias, plus a user taste for visual features.

"VBPR: Visual Bayesian Personalized Ranking from Implicit Feedback" (Ruining He and Julian McAuley, AAAI 2016).

    match  = beta_i + g_u . g_i
    notice = sum over visual modalities of t_u . E f_i
    y_ui   = match + notice                        CausalRec Eq. 5; alpha and beta_u cancel in BPR

With counterfactual inference (CausalRec Eq. 14): beta_i - beta_i* + g_u . (g_i - g_i*). In the paper's Figure 3 (b) the
item bias is an edge from item to interaction, which the intervention cuts together with the match. Here it is a
variable P, so that the graph states what the intervention sets.

Deviations:
- The original's visual bias f_i . beta' is left out, as in CausalRec's Eq. 5, or has a reduced rank (`visual_bias`).
- Several visual modalities add up.
- Features are scaled column by column.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from graphrec.backbones.base import ID, Representation, Representations
from graphrec.causal import CausalGraph, Node
from graphrec.causal.graphs import match_notice_graph
from graphrec.decoders.base import Branches, Context, OneBehaviourConfig, decoders, joined, per_item
from graphrec.decoders.visual import VisualDecoder


class VBPRConfig(OneBehaviourConfig):
    """Settings of VBPR.

    Example:
        >>> VBPRConfig().visual_bias
        False
        >>> from graphrec.testing.small_model import small_model
        >>> small_model("vbpr", {"visual_bias": True})[0].decoder.common_taste.shape  # w: two modalities of width 4
        torch.Size([1, 8])
    """

    visual_bias: bool = False
    """Whether the score has the original's visual bias f_i . beta', which is the same for all users. CausalRec's Eq. 5
    leaves it out. Here beta' is E w, of reduced rank: the term is w . E f_i, so that a user's taste is t_u + w."""


@decoders.register("vbpr")
class VBPR(VisualDecoder):
    """VBPR (He and McAuley 2016): item bias, match on ids, a taste for visual features; CI removes these features.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> model, graph = small_model("vbpr")
        >>> {name: (*branch.item.shape,) for name, branch in model(graph).items()}  # one column more for the bias
        {'match': (11, 5), 'notice': (11, 8)}
    """

    Config = VBPRConfig
    config: VBPRConfig
    title = "VBPR"

    def __init__(self, config: VBPRConfig, context: Context) -> None:
        super().__init__(config, context)
        self.bias = nn.Parameter(torch.zeros(context.num_items))
        if config.visual_bias:
            # Zeros: training starts from VBPR without the term. The user tables break the symmetry.
            self.common_taste = nn.Parameter(torch.zeros(1, context.embedding_size * len(self.visual)))

    def extra_tables(self) -> Representations:
        # Here and not in `branches`: the reference item is made from all tables, and so gets the mean bias.
        return {"bias": per_item(self.bias, self.context.num_users)}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        main = representations["main"]
        notice = joined(*(main[name] for name in self.visual))
        if self.config.visual_bias:
            notice = Representation(notice.user + self.common_taste, notice.item)
        return {"match": joined(representations["extra"]["bias"], main[ID]), "notice": notice}

    @property
    def graph(self) -> CausalGraph:
        return match_notice_graph(
            nodes={"P": Node("item bias: the same for every user", observed=False, deterministic=True)},
            edges=[("I", "P"), ("P", "Y"), ("U", "Y")],
            mediators=("P", "M"),
        )
