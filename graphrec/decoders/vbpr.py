"""VBPR: Visual Bayesian Personalized Ranking from Implicit Feedback (He and McAuley, AAAI 2016).

    match  = beta_i + g_u . g_i
    notice = sum over visual modalities of t_u . E f_i
    y_ui   = match + notice                        CausalRec Eq. 5; alpha and beta_u cancel in BPR

With counterfactual inference (CausalRec Eq. 14): beta_i - beta_i* + g_u . (g_i - g_i*). The paper's Figure 3 (b) draws
the item bias as an edge from item to interaction that the intervention cuts together with the match; here it is a
variable of its own, P, so that the graph says what the intervention sets.

Deviations: the original's visual bias f_i . beta' is left out, as CausalRec's Eq. 5 does, or has a reduced rank
(`visual_bias`); several visual modalities add up; features are scaled column by column.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from graphrec.backbones.base import ID, Representation, Representations
from graphrec.causal import CausalGraph, Node
from graphrec.decoders.base import Branches, Context, OneBehaviourConfig, decoders, joined, per_item
from graphrec.decoders.visual import EDGES, NODES, VisualDecoder


class VBPRConfig(OneBehaviourConfig):
    visual_bias: bool = False
    """The original's term f_i . beta', the looks' pull on everyone, which CausalRec's Eq. 5 leaves out. Here beta' is
    E w, of reduced rank: the term is w . E f_i, so that users' tastes are t_u + w."""


@decoders.register("vbpr")
class VBPR(VisualDecoder):
    """VBPR (He and McAuley 2016): item bias, match on ids, and a taste for looks; with CI the looks drop out."""

    Config = VBPRConfig
    config: VBPRConfig
    title = "VBPR"

    def __init__(self, config: VBPRConfig, context: Context) -> None:
        super().__init__(config, context)
        self.bias = nn.Parameter(torch.zeros(context.num_items))
        if config.visual_bias:
            self.common_taste = nn.Parameter(torch.zeros(1, context.embedding_size * len(self.looks)))

    def extra_tables(self) -> Representations:
        return {"bias": per_item(self.bias, self.context.num_users)}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        main = representations["main"]
        notice = joined(*(main[name] for name in self.looks))
        if self.config.visual_bias:
            notice = Representation(notice.user + self.common_taste, notice.item)
        return {"match": joined(representations["extra"]["bias"], main[ID]), "notice": notice}

    @property
    def graph(self) -> CausalGraph:
        return CausalGraph(
            nodes={**NODES, "P": Node("what the item draws from everyone", observed=False, deterministic=True)},
            edges=[*EDGES, ("I", "P"), ("P", "Y"), ("U", "Y")],
            treatment="I",
            outcome="Y",
            mediators=("P", "M"),
            conditioned=("U",),
        )
