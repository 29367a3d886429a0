"""CT: the backbone trained with BPR on likes, without any click.

It is the first baseline of "Mitigating Hidden Confounding Effects for Causal Recommendation" (Xinyuan Zhu et al., TKDE
2024, section 5).

    y_ui = z_u . z_i                               z: the fused representation
    loss = bpr(y) over likes

Deviations: the paper does not describe it further. Two choices are graphrec's: the backbone propagates over likes
(`graph`), and negatives are all items that were not liked (`negatives`).
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
    """Settings of CT.

    Example:
        >>> CTConfig()
        CTConfig(behaviour='like', negatives='unliked', graph='like')
        >>> CTConfig(behaviour="click", graph="click").negatives
        'unclicked'
    """

    behaviour: FeedbackRole = "like"
    """The feedback that is learned; `click` makes CT the plain click model."""
    graph: FeedbackRole = "like"
    """The feedback whose edges the backbone propagates over."""
    negatives: Negatives = "unliked"
    """The items that likes are compared with. `mixed` gives CT the negatives of HCR's like task, for a fair comparison.
    With `behaviour = "click"` it is `unclicked`, and nothing else is accepted."""

    @model_validator(mode="before")
    @classmethod
    def _negatives_of_clicks(cls, values: Any) -> Any:
        learns_clicks = isinstance(values, dict) and values.get("behaviour") == "click"
        return {"negatives": "unclicked", **values} if learns_clicks else values


@decoders.register("ct")
class CT(Decoder):
    """CT: backbone and BPR on likes alone; ranks by P(like | user, item), confounding included.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> small_model("ct")[0].decoder.variants()
        {'CT': Observational()}
    """

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
