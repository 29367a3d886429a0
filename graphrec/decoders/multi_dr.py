"""Multi-DR: the doubly robust form of Multi-IPW, with a third tower that imputes errors.

"Large-scale Causal Approaches to Debiasing Post-click Conversion Rate Estimation with Multi-task Learning" (Wenhao
Zhang et al., WWW 2020). The third tower imputes the error d = BCE(l, r) of pairs that were not clicked:
q = softplus(imputation logit) >= 0. With o, p, l, r, D as in Multi-IPW:

    L_DR         = mean_D [ q + o (d - q) / p ]        trains r
    L_imputation = mean_D [ o (d - q)^2 / p ]          trains q
    L            = mean_D BCE(o, p) + L_DR + w L_imputation

L_DR is unbiased where p or q is correct. Each term trains its own tower: q is a constant in L_DR, d in L_imputation,
and p in both. Hence q changes the value of L_DR but no gradient, and the conversion tower gets the gradient of
Multi-IPW. The methods differ through the embeddings that the imputation tower shares. Without shared embeddings they
agree.

Deviations: those of Multi-IPW. Two choices are graphrec's: each term trains its own tower alone, and q is a softplus.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from graphrec.backbones.base import FUSED, Representations
from graphrec.causal import Estimand, Logits, Observational
from graphrec.decoders.base import Branches, Context, Objective, Tower, decoders, with_offset
from graphrec.decoders.multi_ipw import MultiIPW, MultiIPWConfig, like_error
from graphrec.decoders.objective import Labels


class MultiDRConfig(MultiIPWConfig):
    """Settings of Multi-DR.

    Example:
        >>> MultiDRConfig().imputation_weight, MultiDRConfig().clip
        (1.0, 0.05)
    """

    imputation_weight: float = Field(1.0, gt=0)
    """w, the weight of the imputation loss."""


@decoders.register("multi_dr")
class MultiDR(MultiIPW):
    """Multi-DR (Zhang et al. 2020): Multi-IPW with a third tower that imputes the errors of unclicked pairs.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> list(small_model("multi_dr")[0].decoder.towers())
        ['click', 'like', 'imputation']
    """

    Config = MultiDRConfig
    config: MultiDRConfig

    def __init__(self, config: MultiDRConfig, context: Context) -> None:
        super().__init__(config, context)
        self.imputation_offset = nn.Parameter(torch.zeros(1))

    def towers(self) -> dict[str, Tower]:
        return super().towers() | {"imputation": Tower(self.config.like_graph, (FUSED,))}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        imputation = with_offset(representations["imputation"][FUSED], self.imputation_offset)
        return super().branches(representations) | {"imputation": imputation}

    def objectives(self) -> list[Objective]:
        click, like = super().objectives()
        weight = self.config.imputation_weight
        term = Objective(
            "imputation", "like", self._imputation, negatives="unclicked", weight=weight, population="click"
        )
        return [click, like, term]

    def variants(self) -> dict[str, Estimand]:
        return {"Multi-DR": Observational()}

    def _weighted(self, logits: Logits, labels: Labels) -> Tensor:
        # Detached here, and the error below: otherwise one tower could lower the loss through the other's target.
        imputed = F.softplus(logits["imputation"]).detach()
        return imputed + self.weights(logits, labels) * (like_error(logits, labels) - imputed)

    def _imputation(self, logits: Logits, labels: Labels) -> Tensor:
        residual = like_error(logits, labels).detach() - F.softplus(logits["imputation"])
        return self.weights(logits, labels) * residual.square()
