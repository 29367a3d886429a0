"""Multi-IPW: conversions weighted by the inverse propensity of the click (Zhang et al., WWW 2020).

"Large-scale Causal Approaches to Debiasing Post-click Conversion Rate Estimation with Multi-task Learning". With
p = s(click logit), r = s(conversion logit), o the click, l the like, over clicks and as many sampled unclicked pairs D:

    L = mean_D BCE(o, p) + mean_D o BCE(l, r) / p

No gradient passes through the p that divides: the conversion loss would otherwise shrink by making clicks likely. Items
are ranked by p r, as likes over all items are asked for.

Deviations: those of ESMM in towers and unclicked pairs. That p is clipped at .05 (`clip`), and that no gradient passes
through it, are our choices.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from graphrec.causal import Estimand, Logits, Observational
from graphrec.decoders.base import Context, Objective, decoders
from graphrec.decoders.esmm import ESMM, ESMMConfig
from graphrec.decoders.objective import Labels


class MultiIPWConfig(ESMMConfig):
    clip: float = Field(0.05, gt=0, le=1)
    """Propensities below this count as this; ours, the paper gives none."""
    self_normalised: bool = False
    """Divide by the sum of the weights o / p of the batch and not by its size: less variance, some bias."""
    share_embeddings: bool = True
    """Whether the towers share their embedding tables; the paper does."""


@decoders.register("multi_ipw")
class MultiIPW(ESMM):
    """Multi-IPW (Zhang et al. 2020): P(like | click) trained on clicks, each weighted by 1 / P(click)."""

    Config = MultiIPWConfig
    config: MultiIPWConfig

    def __init__(self, config: MultiIPWConfig, context: Context) -> None:
        super().__init__(config, context)
        self.share_embeddings = config.share_embeddings

    def objectives(self) -> list[Objective]:
        click, _ = super().objectives()
        return [click, Objective("like", "like", self._weighted, negatives="unclicked", population="click")]

    def variants(self) -> dict[str, Estimand]:
        return {"Multi-IPW": Observational()}

    def weights(self, logits: Logits, labels: Labels) -> Tensor:
        """o / p `[B]`, a constant; of mean 1 where they are self-normalised."""
        found = labels.clicked / torch.sigmoid(logits["click"]).detach().clamp(min=self.config.clip)
        return found / found.mean() if self.config.self_normalised else found

    def _weighted(self, logits: Logits, labels: Labels) -> Tensor:
        return self.weights(logits, labels) * like_error(logits, labels)


def like_error(logits: Logits, labels: Labels) -> Tensor:
    """BCE(l, r) `[B]`."""
    return F.softplus(logits["conversion"]) - labels.liked * logits["conversion"]
