"""AMR: visual features in one user taste, trained against adversarial perturbations of the features.

"Adversarial Training Towards Robust Multimedia Recommender System" (Jinhui Tang et al., TKDE 2020).

    y_ui = g_u . (g_i + sum over visual modalities of E (f_i + Delta_i))
    loss = bpr(y at Delta = 0) + adversarial_weight * bpr(y at Delta)
    Delta_i = attack_size * d_i / |d_i|,   d_i the gradient of bpr with respect to f_i, held constant

One user table serves match and notice.

Deviations:
- Features are scaled to unit variance and not by their largest value, so an attack size is in standard deviations.
- The two terms draw separate batches.
- Training starts from random weights, not from a trained VBPR.
- Cornac's AMR moves features along the gradient of the log-likelihood, which helps the model instead of attacking it.
  That is not reproduced.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from graphrec.backbones.base import ID, Representation, Representations
from graphrec.causal import CausalGraph
from graphrec.causal.graphs import match_notice_graph
from graphrec.decoders.base import Branches, Objective, OneBehaviourConfig, decoders, joined
from graphrec.decoders.objective import Attack
from graphrec.decoders.visual import VisualDecoder, match_and_notice


class AMRConfig(OneBehaviourConfig):
    """Settings of AMR.

    Example:
        >>> AMRConfig().attack_size, AMRConfig().adversarial_weight
        (2.0, 1.0)
        >>> from graphrec.testing.small_model import small_model
        >>> without = small_model("amr", {"adversarial_weight": 0.0})[0].decoder
        >>> [objective.name for objective in without.objectives()]
        ['joint']
    """

    attack_size: float = Field(2.0, gt=0)
    """L2 norm of each item's perturbation in each modality (epsilon; the authors' value is 2)."""
    adversarial_weight: float = Field(1.0, ge=0)
    """Weight of the loss at perturbed features (lambda; the authors' value is 1); 0 trains without an adversary."""


@decoders.register("amr")
class AMR(VisualDecoder):
    """AMR (Tang et al. 2020): one user taste for ids and visual features, trained against perturbed features.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> decoder = small_model("amr", {"attack_size": 0.5})[0].decoder
        >>> [objective.name for objective in decoder.objectives()]
        ['joint', 'adversarial']
    """

    Config = AMRConfig
    config: AMRConfig
    title = "AMR"

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        main = representations["main"]
        users = main[ID].user  # one taste for ids and visual features: the notice has no separate user table
        return {
            "match": main[ID],
            "notice": joined(*(Representation(users, main[name].item) for name in self.visual)),
        }

    def objectives(self) -> list[Objective]:
        c = self.config
        if not c.adversarial_weight:
            return super().objectives()  # without the second forward and backward pass that an attack costs
        attack = Attack(self.visual, c.attack_size)
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
