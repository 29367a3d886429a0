"""AMR: Adversarial Training Towards Robust Multimedia Recommender System (Tang et al., TKDE 2020).

    y_ui = g_u . (g_i + sum over visual modalities of E (f_i + Delta_i))
    loss = bpr(y at Delta = 0) + adversarial_weight * bpr(y at Delta)
    Delta_i = attack_size * d_i / |d_i|,   d_i the gradient of bpr with respect to f_i, held constant

One user table serves match and notice. Cornac's AMR moves features along the gradient of the log-likelihood, which
helps the model instead of attacking it; that is not reproduced.

Deviations: features are scaled to unit variance, not by their largest value, so a size is in standard deviations; the
two terms draw batches of their own; training starts from nothing, not from a trained VBPR.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from graphrec.backbones.base import ID, Representation, Representations
from graphrec.causal import CausalGraph
from graphrec.decoders.base import Branches, Objective, OneBehaviourConfig, decoders, joined
from graphrec.decoders.objective import Attack
from graphrec.decoders.visual import VisualDecoder, match_and_notice, match_notice_graph


class AMRConfig(OneBehaviourConfig):
    attack_size: float = Field(2.0, gt=0)
    """L2 norm of each item's move in each modality (epsilon; the authors' 2)."""
    adversarial_weight: float = Field(1.0, ge=0)
    """Weight of the loss at moved features (lambda; the authors' 1); 0 trains without an adversary."""


@decoders.register("amr")
class AMR(VisualDecoder):
    """AMR (Tang et al. 2020): one user taste for ids and looks, trained against moved features."""

    Config = AMRConfig
    config: AMRConfig
    title = "AMR"

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        main = representations["main"]
        users = main[ID].user
        return {
            "match": main[ID],
            "notice": joined(*(Representation(users, main[name].item) for name in self.looks)),
        }

    def objectives(self) -> list[Objective]:
        c = self.config
        if not c.adversarial_weight:
            return super().objectives()
        attack = Attack(self.looks, c.attack_size)
        adversarial = Objective(
            "adversarial",
            c.behaviour,
            "bpr",
            match_and_notice,
            c.negatives,
            weight=c.adversarial_weight,
            attack=attack,
        )
        return [*super().objectives(), adversarial]

    @property
    def graph(self) -> CausalGraph:
        return match_notice_graph()
