"""CT: the backbone trained with BPR on likes, without any click (the first baseline of HCR, section 5).

Deviations: the paper says no more of it. That the backbone propagates over likes, and that negatives are all items that
were not liked, are our readings (`graph`, `negatives`).
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from pydantic import model_validator

from graphrec.backbones.base import FUSED, Representations
from graphrec.causal import CausalGraph, Estimand, Node, Observational, Outcome
from graphrec.data.dataset import FeedbackRole
from graphrec.decoders.base import Branches, Decoder, Objective, OneBehaviourConfig, Tower, decoders
from graphrec.graph.sampling import Negatives


class CTConfig(OneBehaviourConfig):
    behaviour: FeedbackRole = "like"
    """What is learned; `click` makes it the plain click model."""
    graph: FeedbackRole = "like"
    """Whose edges the backbone propagates over."""
    negatives: Negatives = "unliked"
    """`mixed` gives CT the negatives of HCR's like task, for a fair comparison. Where clicks are learned the default is
    `unclicked`, and nothing else is taken."""

    @model_validator(mode="before")
    @classmethod
    def _negatives_of_clicks(cls, given: Any) -> Any:
        clicks = isinstance(given, dict) and given.get("behaviour") == "click"
        return {"negatives": "unclicked", **given} if clicks else given


@decoders.register("ct")
class CT(Decoder):
    """CT: backbone and BPR on likes alone; ranks by P(like | user, item), confounding included."""

    Config = CTConfig
    config: CTConfig

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower(self.config.graph, (FUSED,))}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        return {"match": representations["main"][FUSED]}

    def objectives(self) -> list[Objective]:
        return [Objective("like", self.config.behaviour, "bpr", itemgetter("match"), self.config.negatives)]

    @property
    def outcome(self) -> Outcome:
        graph = CausalGraph(
            nodes={
                "U": Node("user"),
                "I": Node("item and its features"),
                "V": Node("hidden cause of features and likes", observed=False),
                "M": Node("match of user and item", deterministic=True),
                "L": Node("like"),
            },
            edges=[("U", "M"), ("I", "M"), ("M", "L"), ("V", "I"), ("V", "L")],
            treatment="I",
            outcome="L",
            mediators=("M",),
            conditioned=("U",),
        )
        return Outcome(score=itemgetter("match"), log=False, graph=graph)

    @property
    def formula(self) -> str:
        return "match"

    def variants(self) -> dict[str, Estimand]:
        return {"CT": Observational()}
