"""CausalRec: Causal Inference for Visual Debiasing in Visually-Aware Recommendation (Qiu et al., ACM MM 2021).

With g the match representation, phi an item's representation under what the eye sees first, t the user's taste for it,
T one tanh layer, s the sigmoid:

    M  = s(g_u . g_i)              match                                  Eq. 19
    M' = s(g_u . (g_i o T(phi_i))) match, through the looks               Eq. 20
    N  = s(t_u . phi_i)            notice: the direct effect of the looks  Eq. 21
    Y  = M M' N                                                           Eq. 22
    loss = bpr(Y) + bpr(N) + bpr(M M')                                     Eq. 23

At test time the direct effect is taken away: Y - lambda2 N M* M'*, the total indirect effect (Eq. 28), where * marks
the reference item, the mean of the items' learned representations.

With factors that are all sigmoids near one, Y and N M* M'* would differ by a constant only and the intervention would
do nothing. MMGCN's outputs are mostly positive, so their inner products are far above zero for every pair; item
representations are therefore measured from the mean item, which is the reference item. It is then the zero vector, M*
and M'* are s(0) = 1/2 for every user, and the score is N (M M' - lambda2 / 4): MACR's constant reference, c = 1/4.
`backbone.centre_items = false` leaves M* M'* to the user, at the price above.

The graph form is an extension, not in the paper: g is the mean of the id and content representations, phi and t the
exposure modalities' representations, all from the backbone. Deviations: the auxiliary losses act on logits (the product
of sigmoids saturates inside BPR, as the authors' own code has it); E of Eq. 20 is a separate matrix inside T, as there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphrec.backbones.base import ID, Representation, Representations
from graphrec.causal import (
    CausalGraph,
    Estimand,
    Logits,
    Node,
    Observational,
    Outcome,
    TotalIndirectEffect,
)
from graphrec.decoders.base import (
    Branches,
    Context,
    Decoder,
    DecoderConfig,
    Objective,
    Tower,
    decoders,
    pick,
)
from graphrec.errors import RecipeError
from graphrec.graph.sampling import Negatives


class CausalRecConfig(DecoderConfig):
    fusion: Literal["paper", "author", "add"] = "paper"
    """`paper`: M M' N. `author`: s(m + n) s(m) s(n) with m the sum of both match logits, as in the authors' code.
    `add`: the sum of the three logits."""
    link: Literal["product", "log"] = "product"
    """What BPR compares in the joint loss: the product in (0, 1), as the paper, or its logarithm, which does not
    saturate. The ranking of a given model is the same."""
    multitask: bool = True
    """False leaves only bpr(Y) (the paper's variants A and M; True gives AML and MML)."""
    behaviour: Literal["click", "like"] = "click"
    """The feedback that is learned; the paper has one kind only, which the looks may draw."""
    negatives: Negatives = "unclicked"


@decoders.register("causalrec")
class CausalRec(Decoder):
    """CausalRec (Qiu et al. 2021): match and notice; the direct effect of the looks is removed at test time."""

    Config = CausalRecConfig
    config: CausalRecConfig
    centre_items = True

    def __init__(self, config: CausalRecConfig, context: Context) -> None:
        super().__init__(config, context)
        if not context.modalities:
            raise RecipeError(
                "CausalRec needs to know what the user sees first, and this dataset has no item features",
                expected="at least one modality, with the role `exposure` in [data.roles]",
                got="no modality",
                where="decoder.name",
                next_step="bring item features, or take a decoder that works on ids: ct, esmm, hcr",
            )
        self.notice = context.exposure or context.modalities
        self.match = (ID, *(context.content if context.exposure else ()))
        self.indirect = nn.Linear(context.embedding_size, context.embedding_size)

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower(self.config.behaviour, (*self.match, *self.notice))}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        main = representations["main"]
        match, notice = pick(main, self.match), pick(main, self.notice)
        looks = torch.tanh(self.indirect(notice.item))
        return {
            "match": match,
            "match_visual": Representation(match.user, match.item * looks),
            "notice": notice,
        }

    def objectives(self) -> list[Objective]:
        c = self.config
        joint = self.outcome.score
        if c.fusion != "add" and c.link == "product":
            joint = _exponential(joint)
        terms = [Objective("joint", c.behaviour, "bpr", joint, c.negatives)]
        if c.multitask:
            terms.append(Objective("notice", c.behaviour, "bpr", itemgetter("notice"), c.negatives))
            terms.append(Objective("match", c.behaviour, "bpr", _match, c.negatives))
        return terms

    @property
    def outcome(self) -> Outcome:
        graph = CausalGraph(
            nodes={
                "U": Node("user"),
                "I": Node("item"),
                "V": Node("looks: the item's exposure features", deterministic=True),
                "M": Node("match: true preference", observed=False, deterministic=True),
                "N": Node("notice: the pull of the looks alone", deterministic=True),
                "Y": Node("interaction"),
            },
            edges=[
                ("I", "V"),
                ("U", "M"),
                ("I", "M"),
                ("V", "M"),
                ("U", "N"),
                ("V", "N"),
                ("M", "Y"),
                ("N", "Y"),
            ],
            treatment="I",
            outcome="Y",
            mediators=("M",),
            conditioned=("U",),
        )
        return Outcome(
            score=_FUSIONS[self.config.fusion],
            log=self.config.fusion != "add",
            mediated=("match", "match_visual"),
            graph=graph,
        )

    @property
    def formula(self) -> str:
        return _FORMULAS[self.config.fusion] + ", * at the reference item"

    def variants(self) -> dict[str, Estimand]:
        return {"CausalRec": TotalIndirectEffect(), "CausalRec w/o CI": Observational()}


def _exponential(score: Callable[[Logits], Tensor]) -> Callable[[Logits], Tensor]:
    return lambda logits: score(logits).exp()


def _match(logits: Logits) -> Tensor:
    return logits["match"] + logits["match_visual"]


def _paper(logits: Logits) -> Tensor:
    return F.logsigmoid(logits["match"]) + F.logsigmoid(logits["match_visual"]) + F.logsigmoid(logits["notice"])


def _author(logits: Logits) -> Tensor:
    m, n = _match(logits), logits["notice"]
    return F.logsigmoid(m + n) + F.logsigmoid(m) + F.logsigmoid(n)


def _add(logits: Logits) -> Tensor:
    return _match(logits) + logits["notice"]


_FUSIONS = {"paper": _paper, "author": _author, "add": _add}
_FORMULAS = {
    "paper": "s(notice) * (s(match) * s(match_visual) - s(match*) * s(match_visual*))",
    "author": "s(m + notice) * s(m) * s(notice) - s(m* + notice) * s(m*) * s(notice), m = match + match_visual",
    "add": "match + match_visual - match* - match_visual*",
}
