"""ESMM: the click and the like given the click, as two towers that are trained over clicked and unclicked pairs.

"Entire Space Multi-Task Model: An Effective Approach for Estimating Post-Click Conversion Rate" (Xiao Ma et al., SIGIR
2018). With p = s(click logit) and r = s(conversion logit), over the set D of clicks and as many sampled unclicked
pairs:

    L = mean_D BCE(clicked, p) + mean_D BCE(liked, p r)

Items are ranked by p r, the modelled P(click and like | user, item).

Deviations:
- The towers are those of the backbone, with an offset each; the paper has feed-forward networks over features.
- The paper's log has pairs that were shown and not clicked. Here they are sampled among all pairs without a click.
- The paper evaluates r and p r. Here p r ranks by default (`rank_by`).
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
    """Settings of ESMM.

    Example:
        >>> ESMMConfig()
        ESMMConfig(like_graph='click', rank_by='joint')
        >>> from graphrec.testing.small_model import small_model
        >>> small_model("esmm", {"rank_by": "conversion"})[0].decoder.formula
        'log s(conversion)'
    """

    like_graph: Literal["like", "click"] = "click"
    """The feedback whose edges the conversion tower propagates over."""
    rank_by: Literal["joint", "conversion"] = "joint"
    """The ranking score: `joint` is p r, P(click and like); `conversion` is r, P(like | click), the papers' target."""


@decoders.register("esmm")
class ESMM(Decoder):
    """ESMM (Ma et al. 2018): P(click) P(like | click) trained over the entire space, embeddings shared.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> model, graph = small_model("esmm")
        >>> list(model(graph)), model.decoder.formula
        (['click', 'conversion'], 'log s(click) + log s(conversion)')
    """

    Config = ESMMConfig
    config: ESMMConfig

    def __init__(self, config: ESMMConfig, context: Context) -> None:
        super().__init__(config, context)
        # BCE fits probabilities, and an inner product has no term for their overall level.
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
