"""HCR: Mitigating Hidden Confounding Effects for Causal Recommendation (Zhu et al., 2022; TKDE 2024).

Two towers, click and like, share their embeddings. With Y the inner product of a user part and an item part, z the mean
over all modalities, e over those seen before the click (exposure), c over those seen after (content), s the sigmoid:

    f  = Y(z1) s(Y(e1))          P(click | u, i), the mediator's distribution
    h1 = Y(z2)                   what the mediator does to the like
    h2 = s(Y(e2)) s(Y(c2))       what the confounder makes of the item: the correlation through I <- V -> L
    loss = R_click(f) + beta R_like(h1 h2)                              Eq. 6

At test time h2 sums out (Eq. 7) and items are ranked by f h1 (Eq. 11).

Deviations: there is no published code, and the paper's displayed equations are lost in its public text; f, h1, h2 are
reconstructed from its words. At test time f and h1 pass a sigmoid before they are multiplied (`link`), and Y(z1), Y(z2)
are measured from the mean item (`from_mean_item`). Both tasks are trained by BPR, where the paper names cross-entropy
as an example (`loss`); negatives, of which it says nothing, are unclicked items for the clicks and for the likes half
clicked ones, half others (`like_negatives`). Each task draws batches of its own, where Algorithm 1 takes both labels of
one; losses are means. Where no modality has the role exposure or content, the ids stand for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from graphrec.backbones.base import Representation, Representations
from graphrec.causal import (
    EffectOfMediator,
    EffectOnMediator,
    Estimand,
    FrontDoor,
    Logits,
    Observational,
    Outcome,
)
from graphrec.decoders.base import (
    LIKE_GRID,
    Branches,
    Grid,
    Objective,
    decoders,
    from_mean_item,
    pick,
)
from graphrec.decoders.front_door import FrontDoorConfig, FrontDoorDecoder, front_door_graph
from graphrec.graph.sampling import Negatives


class HCRConfig(FrontDoorConfig):
    """Where the paper can be read in more than one way the readings are options; the defaults are ours."""

    link: Literal["sigmoid", "raw", "softplus"] = "sigmoid"
    """What f and h1 are passed through before they are multiplied at test time. Raw inner products are signed, and two
    negatives would multiply to a high score; s(f) s(h1) are positive, as the probabilities they stand for."""
    loss: Literal["bpr", "bce"] = "bpr"
    """Both tasks; `bce` fits s(f) to clicks and s(h1) h2 to likes against the like task's negatives: with
    `like_negatives = "clicked"` that is P(like | click)."""
    from_mean_item: bool = True
    """Measure Y(z1) and Y(z2) from the mean item. A ranking loss leaves a constant a user open in both; MMGCN's mostly
    positive outputs make them far above zero for every pair, s(h1) is one for all items and the front-door score
    falls back to the click model (HCR-S1). False is that plain form."""
    like_negatives: Negatives = "mixed"
    """h models P(like | u, i, click): theory wants clicked, not liked items (`clicked`), full ranking also wants items
    that were never clicked (`unclicked`); `mixed` is half and half."""
    beta: float = Field(1.0, ge=0)
    """Weight of the like task (Eq. 6); the paper's grid is 1, 2, 3, 5."""
    beta_on: Literal["like", "click"] = "like"
    auxiliary_exposure: float = Field(0.0, ge=0)
    """Weight of CR's extra BPR on the exposure logit of clicks; the HCR paper does not mention one."""
    auxiliary_effect: float = Field(0.0, ge=0)
    """Weight of an extra BPR on h1 alone: only the product h1 h2 is supervised otherwise."""


@decoders.register("hcr")
class HCR(FrontDoorDecoder):
    """HCR (Zhu et al. 2024): front-door adjustment through the click, against hidden causes of features and likes."""

    Config = HCRConfig
    config: HCRConfig
    grid: ClassVar[Grid] = {**LIKE_GRID, "decoder.beta": (1.0, 2.0, 3.0, 5.0)}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        click, like = representations["click"], representations["like"]
        core = from_mean_item if self.config.from_mean_item else _as_it_is
        return {
            "click_match": core(pick(click, self.integrated)),
            "click_exposure": pick(click, self.exposure),
            "like_match": core(pick(like, self.integrated)),
            "like_exposure": pick(like, self.exposure),
            "like_content": pick(like, self.content),
        }

    def objectives(self) -> list[Objective]:
        config = self.config
        loss = config.loss
        click, like = (_log_click, _log_like) if loss == "bce" else (_click, _like)
        weight = {config.beta_on: config.beta}
        given_click = loss == "bce" and config.like_negatives == "clicked"
        terms = [
            Objective("click", "click", loss, click, "unclicked", weight.get("click", 1.0)),
            Objective(
                "like",
                "like",
                loss,
                like,
                None if given_click else config.like_negatives,
                weight.get("like", 1.0),
                population="click" if given_click else None,
            ),
        ]
        if config.auxiliary_exposure:
            terms.append(
                Objective(
                    "click by exposure",
                    "click",
                    "bpr",
                    itemgetter("click_exposure"),
                    "unclicked",
                    config.auxiliary_exposure,
                )
            )
        if config.auxiliary_effect:
            terms.append(
                Objective(
                    "like by h1",
                    "like",
                    "bpr",
                    itemgetter("like_match"),
                    config.like_negatives,
                    config.auxiliary_effect,
                )
            )
        return terms

    @property
    def outcome(self) -> Outcome:
        link = _LINKS[self.config.link]
        log = self.config.link != "raw"

        def confounded(logits: Logits) -> Tensor:
            gates = F.logsigmoid(logits["like_exposure"]) + F.logsigmoid(logits["like_content"])
            return gates if log else gates.exp()

        factors = {
            "mediator": lambda logits: link(_click(logits)),
            "effect": lambda logits: link(logits["like_match"]),
            "confounded": confounded,
        }

        def score(logits: Logits) -> Tensor:
            f, h1, h2 = (factor(logits) for factor in factors.values())
            return f + h1 + h2 if log else f * h1 * h2

        form = "the like splits into h1(u, m) h2(u, i), and h2 summed over items is positive for every user"
        return Outcome(score=score, log=log, factors=factors, form=(form,), graph=front_door_graph())

    @property
    def formula(self) -> str:
        f, h1 = "click_match * s(click_exposure)", "like_match"
        return _FORMULAS[self.config.link].format(f=f, h1=h1)

    def variants(self) -> dict[str, Estimand]:
        return {
            "HCR": FrontDoor(),
            "HCR-T": Observational(),
            "HCR-S1": EffectOnMediator(),
            "HCR-S2": EffectOfMediator(),
        }


def _as_it_is(branch: Representation) -> Representation:
    return branch


def _click(logits: Logits) -> Tensor:
    return logits["click_match"] * F.sigmoid(logits["click_exposure"])


def _like(logits: Logits) -> Tensor:
    return logits["like_match"] * F.sigmoid(logits["like_exposure"]) * F.sigmoid(logits["like_content"])


def _log_click(logits: Logits) -> Tensor:
    return F.logsigmoid(_click(logits))


def _log_like(logits: Logits) -> Tensor:
    return (
        F.logsigmoid(logits["like_match"])
        + F.logsigmoid(logits["like_exposure"])
        + F.logsigmoid(logits["like_content"])
    )


_LINKS = {
    "sigmoid": F.logsigmoid,
    "raw": lambda x: x,
    # softplus(x) is exp(x) far below zero, where it would underflow and tie all items.
    "softplus": lambda x: torch.where(x < -80, x, F.softplus(x).log()),
}
_FORMULAS = {
    "sigmoid": "log s({f}) + log s({h1})",
    "raw": "({f}) * {h1}",
    "softplus": "log softplus({f}) + log softplus({h1})",
}
