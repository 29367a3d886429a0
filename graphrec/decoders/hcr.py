"""HCR: front-door adjustment through the click, against hidden common causes of item features and likes.

"Mitigating Hidden Confounding Effects for Causal Recommendation" (Xinyuan Zhu et al., TKDE 2024; preprint 2022). Two
towers, click and like, share their embeddings. Y is the inner product of a user and an item vector, z the mean over all
modalities, e that over the modalities seen before the click (exposure), c that over the modalities seen after it
(content), s the sigmoid:

    f  = Y(z1) s(Y(e1))          P(click | u, i), the distribution of the mediator
    h1 = Y(z2)                   the effect of the mediator on the like
    h2 = s(Y(e2)) s(Y(c2))       the association of item and like through the confounder, I <- V -> L
    loss = R_click(f) + beta R_like(h1 h2)                              Eq. 6

At test time h2 sums out (Eq. 7), and items are ranked by f h1 (Eq. 11).

Deviations:
- There is no published code, and the displayed equations are missing from the paper's public text. f, h1 and h2 are
  reconstructed from its words.
- At test time f and h1 pass a sigmoid before they are multiplied (`link`). Y(z1) and Y(z2) are measured from the mean
  item (`from_mean_item`).
- Both tasks are trained by BPR; the paper names cross-entropy as an example (`loss`).
- The paper does not describe negatives. Here they are unclicked items for the clicks; for the likes, half are clicked
  items and half are others (`like_negatives`).
- Each task draws separate batches; Algorithm 1 takes both labels from one batch. Losses are means.
- Where no modality has the role exposure or content, the ids take its place.
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
    """Settings of HCR. Where the paper leaves a choice open there is an option, with a default of graphrec's.

    Example:
        >>> HCRConfig().link, HCRConfig().like_negatives, HCRConfig().beta
        ('sigmoid', 'mixed', 1.0)
        >>> from graphrec.testing.small_model import small_model
        >>> small_model("hcr", {"link": "raw"})[0].decoder.formula  # the paper's product of inner products
        '(click_match * s(click_exposure)) * like_match'
    """

    link: Literal["sigmoid", "raw", "softplus"] = "sigmoid"
    """The function of f and h1 before they are multiplied at test time. Raw inner products are signed, and two negative
    ones multiply to a high score. s(f) and s(h1) are positive, as the probabilities that they represent."""
    loss: Literal["bpr", "bce"] = "bpr"
    """The loss of both tasks. `bce` fits s(f) to clicks, and s(h1) h2 to likes against the negatives of the like task.
    With `like_negatives = "clicked"` the latter is P(like | click)."""
    from_mean_item: bool = True
    """Whether Y(z1) and Y(z2) are measured from the mean item. A ranking loss does not determine a constant per user in
    them. With MMGCN's mostly positive outputs they are far above zero for every pair. Then s(h1) is one for all items,
    and the front-door score falls back to the click model (HCR-S1). False gives this plain form."""
    like_negatives: Negatives = "mixed"
    """The items that likes are compared with. h models P(like | u, i, click), which asks for items that were clicked
    and not liked (`clicked`). Full ranking also asks for items that were never clicked (`unclicked`). `mixed` draws
    half of each."""
    beta: float = Field(1.0, ge=0)
    """Weight of the like task (Eq. 6); the paper's grid is 1, 2, 3, 5."""
    beta_on: Literal["like", "click"] = "like"
    """The task that beta weights."""
    auxiliary_exposure: float = Field(0.0, ge=0)
    """Weight of CR's extra BPR on the exposure logit of clicks; the HCR paper does not mention one."""
    auxiliary_effect: float = Field(0.0, ge=0)
    """Weight of an extra BPR on h1 alone: only the product h1 h2 is supervised otherwise."""


@decoders.register("hcr")
class HCR(FrontDoorDecoder):
    """HCR (Zhu et al. 2024): front-door adjustment through the click, against hidden causes of features and likes.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> model, graph = small_model("hcr")
        >>> list(model(graph))
        ['click_match', 'click_exposure', 'like_match', 'like_exposure', 'like_content']
        >>> list(model.decoder.variants())
        ['HCR', 'HCR-T', 'HCR-S1', 'HCR-S2']
    """

    Config = HCRConfig
    config: HCRConfig
    grid: ClassVar[Grid] = {**LIKE_GRID, "decoder.beta": (1.0, 2.0, 3.0, 5.0)}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        click, like = representations["click"], representations["like"]
        centred = from_mean_item if self.config.from_mean_item else _unchanged
        return {
            "click_match": centred(pick(click, self.integrated)),
            "click_exposure": pick(click, self.exposure),
            "like_match": centred(pick(like, self.integrated)),
            "like_exposure": pick(like, self.exposure),
            "like_content": pick(like, self.content),
        }

    def objectives(self) -> list[Objective]:
        config = self.config
        loss = config.loss
        click, like = (_log_click, _log_like) if loss == "bce" else (_click, _like)
        weight = {config.beta_on: config.beta}  # the other task has weight 1
        # The clicked items without a like are then the other pairs of the population, so no negatives are drawn.
        like_given_click = loss == "bce" and config.like_negatives == "clicked"
        terms = [
            Objective("click", "click", loss, click, "unclicked", weight.get("click", 1.0)),
            Objective(
                "like",
                "like",
                loss,
                like,
                None if like_given_click else config.like_negatives,
                weight.get("like", 1.0),
                population="click" if like_given_click else None,
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

        form = (
            "the like model factorises into h1(u, m) h2(u, i), and the sum of h2 over items is positive for every user"
        )
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


def _unchanged(branch: Representation) -> Representation:
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
    # Far below zero softplus(x) is exp(x), which underflows to zero and would tie all items; its logarithm is x.
    "softplus": lambda x: torch.where(x < -80, x, F.softplus(x).log()),
}
_FORMULAS = {
    "sigmoid": "log s({f}) + log s({h1})",
    "raw": "({f}) * {h1}",
    "softplus": "log softplus({f}) + log softplus({h1})",
}
