"""ESMM: Entire Space Multi-Task Model (Ma et al., SIGIR 2018) on two towers of the backbone.

With p = s(click logit) and r = s(conversion logit), over clicks and as many sampled unclicked pairs D,

    L = mean_D BCE(clicked, p) + mean_D BCE(liked, p r)

and items are ranked by p r, the modelled P(click and like | user, item).

Deviations: the towers are the backbone's, with an offset each, where the paper has feed-forward networks over features;
the pairs that were shown and not clicked, which the paper has from a log, are sampled among all that were not clicked;
the paper evaluates r and p r, here p r ranks (`rank_by`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphrec.backbones.base import FUSED, Representations
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


class ESMMConfig(DecoderConfig):
    like_graph: Literal["like", "click"] = "click"
    """Whose edges the conversion tower propagates over."""
    rank_by: Literal["joint", "conversion"] = "joint"
    """`joint` ranks by p r, P(click and like); `conversion` by r alone, P(like | click), the papers' own target."""


@decoders.register("esmm")
class ESMM(Decoder):
    """ESMM (Ma et al. 2018): P(click) P(like | click) trained over the entire space, embeddings shared."""

    Config = ESMMConfig
    config: ESMMConfig

    def __init__(self, config: ESMMConfig, context: Context) -> None:
        super().__init__(config, context)
        self.click_offset = nn.Parameter(torch.zeros(1))
        self.conversion_offset = nn.Parameter(torch.zeros(1))

    def towers(self) -> dict[str, Tower]:
        return {"click": Tower("click", (FUSED,)), "like": Tower(self.config.like_graph, (FUSED,))}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        return {
            "click": with_offset(representations["click"][FUSED], self.click_offset),
            "conversion": with_offset(representations["like"][FUSED], self.conversion_offset),
        }

    def objectives(self) -> list[Objective]:
        return [
            Objective("click", "click", "bce", _log_click, "unclicked"),
            Objective("click and like", "like", "bce", _log_joint, "unclicked", population="click"),
        ]

    @property
    def outcome(self) -> Outcome:
        graph = CausalGraph(
            nodes={
                "U": Node("user"),
                "I": Node("item and its features"),
                "V": Node("hidden cause of features and likes", observed=False),
                "C": Node("click"),
                "L": Node("like"),
            },
            edges=[("U", "C"), ("I", "C"), ("C", "L"), ("U", "L"), ("I", "L"), ("V", "I"), ("V", "L")],
            treatment="I",
            outcome="L",
            mediators=("C",),
            conditioned=("U",),
        )
        return Outcome(score=_SCORES[self.config.rank_by], log=True, graph=graph)

    @property
    def formula(self) -> str:
        return _FORMULAS[self.config.rank_by]

    def variants(self) -> dict[str, Estimand]:
        return {"ESMM": Observational()}


def _log_click(logits: Logits) -> Tensor:
    return F.logsigmoid(logits["click"])


def _log_joint(logits: Logits) -> Tensor:
    return F.logsigmoid(logits["click"]) + F.logsigmoid(logits["conversion"])


def _log_conversion(logits: Logits) -> Tensor:
    return F.logsigmoid(logits["conversion"])


_SCORES = {"joint": _log_joint, "conversion": _log_conversion}
_FORMULAS = {"joint": "log s(click) + log s(conversion)", "conversion": "log s(conversion)"}
