"""HCR-A: HCR's front-door adjustment with a like model whose two terms are identified.

HCR models P(like | u, i, click) as h1(u, m) h2(u, i) and supervises the product alone. Any positive factor may move
from one to the other. On MMGCN nearly all of it, confounder included, ends up in h1, while h2 stays one. Here the two
terms are separate by construction, in the logit, over the clicks alone:

    P(like | u, i, click) = s(h1(u, z) + g(i))        sum over users of h1(u, z) = 0 for every item

The gate g belongs to the item and is the same for all users, as a hidden cause of its features and likes is. Centring
over users leaves nothing of that kind to h1. The front-door sum (HCR Eq. 4, 8) then has no closed form and is computed:

    P(like | u, do(i)) = P(click | u, i) * mean over items i' of s(h1(u, z) + g(i'))

Deviations: this variant is graphrec's own and in no paper. The sum over items is taken at 32 equally likely values of
the gate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphrec.backbones.base import Representation, Representations
from graphrec.causal import EffectOfMediator, EffectOnMediator, Estimand, FrontDoor, Logits, Observational, Outcome
from graphrec.decoders.base import (
    Branches,
    Context,
    Objective,
    decoders,
    from_mean_item,
    pick,
    with_offset,
)
from graphrec.decoders.front_door import FrontDoorConfig, FrontDoorDecoder, front_door_graph

QUANTILES = 32
"""Number of equally likely values of the gate at which the sum over items is taken."""


@decoders.register("hcr_additive")
class HCRAdditive(FrontDoorDecoder):
    """HCR-A: front-door adjustment with an item-level gate, identified separately from the match.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> model, graph = small_model("hcr_additive")
        >>> branches = model(graph)
        >>> bool(branches["like_match"].user.mean(0).abs().max() < 1e-9)  # h1 sums to zero over the users
        True
    """

    Config = FrontDoorConfig

    def __init__(self, config: FrontDoorConfig, context: Context) -> None:
        super().__init__(config, context)
        self.gate = nn.Linear(context.embedding_size, 1)
        self.click_offset = nn.Parameter(torch.zeros(1))

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        click, like = representations["click"], representations["like"]
        match, exposure = pick(like, self.integrated), pick(like, self.exposure)
        # A user side of ones: the inner product is then the item's gate, the same for every user.
        ones = match.user.new_ones(match.user.shape[0], 1)
        return {
            "click": with_offset(from_mean_item(pick(click, self.integrated)), self.click_offset),
            # Centred over users, so that no item-level term, which the gate should have, is left in the match.
            "like_match": Representation(match.user - match.user.mean(0), match.item),
            "like_gate": Representation(ones, self.gate(exposure.item)),
        }

    def objectives(self) -> list[Objective]:
        return [
            Objective("click", "click", "bce", _log_click, "unclicked"),
            Objective("like of a click", "like", "bce", _log_like, population="click"),
        ]

    @property
    def outcome(self) -> Outcome:
        factors = {"mediator": _log_click, "effect": _averaged_over_gates}
        return Outcome(
            score=lambda logits: _log_click(logits) + _log_like(logits),
            log=True,
            factors=factors,
            form=(
                "the logit of a like of a click is h1(u, m) + g(i), where g is the same for every user and h1 has mean "
                "zero over users for every item",
                f"the sum over items is taken at {QUANTILES} equally likely values of g",
            ),
            graph=front_door_graph(),
        )

    @property
    def formula(self) -> str:
        return "log s(click) + log mean over items i' of s(like_match + like_gate(i'))"

    def variants(self) -> dict[str, Estimand]:
        return {
            "HCR-A": FrontDoor(),
            "HCR-A-T": Observational(),
            "HCR-A-S1": EffectOnMediator(),
            "HCR-A-S2": EffectOfMediator(),
        }


def _log_click(logits: Logits) -> Tensor:
    return F.logsigmoid(logits["click"])


def _log_like(logits: Logits) -> Tensor:
    return F.logsigmoid(logits["like_match"] + logits["like_gate"])


def _averaged_over_gates(logits: Logits) -> Tensor:
    match, gates = logits["like_match"], logits["like_gate"]
    if gates.dim() != 2:
        raise ValueError("the front-door sum runs over the gates of all items: it needs logits [b, I], not of pairs")
    steps = (torch.arange(QUANTILES, dtype=gates.dtype, device=gates.device) + 0.5) / QUANTILES
    levels = torch.quantile(gates[0], steps)  # of one user: the gate is the same for all
    # The mean of sigmoids in log space, one level at a time: memory holds two tables of [b, I], not QUANTILES of them.
    total = torch.full_like(match, -torch.inf)
    for level in levels:
        total = torch.logaddexp(total, F.logsigmoid(match + level))
    return total - math.log(QUANTILES)
