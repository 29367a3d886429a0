"""Multi-IPW: the like given the click, trained on clicks that are weighted by their inverse propensity.

"Large-scale Causal Approaches to Debiasing Post-click Conversion Rate Estimation with Multi-task Learning" (Wenhao
Zhang et al., WWW 2020). With p = s(click logit), r = s(conversion logit), o the click, l the like, over the set D of
clicks and as many sampled unclicked pairs:

    L = mean_D BCE(o, p) + mean_D o BCE(l, r) / p

Items are ranked by p r, because the target is likes over all items.

Deviations: those of ESMM in towers and unclicked pairs. Two choices are graphrec's: p is clipped at 0.05 (`clip`), and
no gradient passes through the p that divides.
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
    """Settings of Multi-IPW.

    Example:
        >>> MultiIPWConfig().clip, MultiIPWConfig().self_normalised
        (0.05, False)
        >>> from graphrec.testing.small_model import small_model
        >>> decoder = small_model("multi_ipw", {"clip": 0.1})[0].decoder
        >>> labels = Labels(clicked=torch.tensor([1.0, 1.0, 0.0]), liked=torch.zeros(3))
        >>> decoder.weights({"click": torch.tensor([0.0, -9.0, 0.0])}, labels)  # p = 0.5, and p clipped at 0.1
        tensor([ 2., 10.,  0.])
    """

    clip: float = Field(0.05, gt=0, le=1)
    """Lower bound of the propensity; the paper gives none."""
    self_normalised: bool = False
    """Whether the sum of the weights o / p divides the loss, not the batch size: less variance but some bias."""
    share_embeddings: bool = True
    """Whether the towers share their embedding tables, as in the paper."""


@decoders.register("multi_ipw")
class MultiIPW(ESMM):
    """Multi-IPW (Zhang et al. 2020): P(like | click) trained on clicks, each weighted by 1 / P(click).

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> small_model("multi_ipw", {"clip": 0.1})[0].decoder.variants()
        {'Multi-IPW': Observational()}
    """

    Config = MultiIPWConfig
    config: MultiIPWConfig

    def __init__(self, config: MultiIPWConfig, context: Context) -> None:
        super().__init__(config, context)
        self.share_embeddings = config.share_embeddings

    def objectives(self) -> list[Objective]:
        click, _ = super().objectives()  # ESMM's loss on p r is replaced
        return [click, Objective("like", "like", self._weighted, negatives="unclicked", population="click")]

    def variants(self) -> dict[str, Estimand]:
        return {"Multi-IPW": Observational()}

    def weights(self, logits: Logits, labels: Labels) -> Tensor:
        """o / p `[B]`, without gradient; with mean 1 where they are self-normalised."""
        # Detached: the conversion loss could otherwise be lowered by making every click likely.
        propensity = torch.sigmoid(logits["click"]).detach().clamp(min=self.config.clip)
        weights = labels.clicked / propensity
        return weights / weights.mean() if self.config.self_normalised else weights

    def _weighted(self, logits: Logits, labels: Labels) -> Tensor:
        return self.weights(logits, labels) * like_error(logits, labels)


def like_error(logits: Logits, labels: Labels) -> Tensor:
    """BCE(l, r) `[B]`, from the logit: log s(x) of a far negative x would be minus infinity.

    Example:
        >>> labels = Labels(clicked=torch.ones(2), liked=torch.tensor([1.0, 0.0]))
        >>> like_error({"conversion": torch.tensor([2.0, 2.0])}, labels)  # small for the like, large for the other
        tensor([0.1269, 2.1269])
    """
    return F.softplus(logits["conversion"]) - labels.liked * logits["conversion"]
