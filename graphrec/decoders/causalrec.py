"""CausalRec: Causal Inference for Visual Debiasing in Visually-Aware Recommendation (Qiu et al., ACM MM 2021).

With g the match representation, phi an item's representation under what the eye sees first, t the user's taste for it,
T its tanh layers, s the sigmoid:

    M  = s(g_u . g_i)              match                                  Eq. 19
    M' = s(g_u . (g_i o T(phi_i))) match, through the looks               Eq. 20
    N  = s(t_u . phi_i)            notice: the direct effect of the looks  Eq. 21
    Y  = M M' N                                                           Eq. 22
    loss = bpr(Y) + bpr(N) + bpr(M M')                                     Eq. 23

At test time the direct effect is taken away: Y - lambda2 N M* M'*, the total indirect effect (Eq. 28), where * marks
the reference item, the mean of the items' learned representations.

With factors that are all sigmoids near one, Y and N M* M'* would differ by a constant only and the intervention would
do nothing. MMGCN's outputs are mostly positive, so their inner products are far above zero for every pair; item
representations are therefore measured from the mean training item, which is the reference item. It is then the zero
vector, without an item bias M* and M'* are s(0) = 1/2 for every user, and the score is N (M M' - lambda2 / 4): MACR's
constant reference, c = 1/4.
`backbone.centre_items = false` leaves M* M'* to the user, at the price above.

The paper's variants (section 5.4, Figure 6) are two options:

    CausalRec-A      fusion = "add",   multitask = false
    CausalRec-AML    fusion = "add",   multitask = true
    CausalRec-M      fusion = "paper", multitask = false
    CausalRec-MML    fusion = "paper", multitask = true      the method, and the default

The published model is the one on the backbone `mf` with `backbone.centre_items = false` and `tanh_layers = 0`, where
the looks are the only modality.

The graph form is an extension, not in the paper: g is the mean of the id and content representations, phi and t the
exposure modalities' representations, all from the backbone. Deviations: the auxiliary losses act on logits (the product
of sigmoids saturates inside BPR, as the authors' own code has it); T has a matrix of its own on E phi, where that code
has one on the raw features; its f_i . beta' in the notice is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphrec.backbones.base import ID, Representation, Representations
from graphrec.causal import (
    CausalGraph,
    Estimand,
    Logits,
    Observational,
    Outcome,
    TotalIndirectEffect,
)
from graphrec.decoders.base import (
    CLICK_GRID,
    Branches,
    Context,
    Decoder,
    Grid,
    Objective,
    OneBehaviourConfig,
    Tower,
    decoders,
    joined,
    per_item,
    pick,
)
from graphrec.decoders.visual import EDGES, NODES, visual_modalities


class CausalRecConfig(OneBehaviourConfig):
    fusion: Literal["paper", "author", "add"] = "paper"
    """`paper`: M M' N. `author`: s(m + n) s(m) s(n) with m the sum of both match logits, as in the authors' code.
    `add`: the sum of the three logits."""
    tanh_layers: Literal[0, 1, 2] = 1
    """Layers of T, each a matrix and a tanh, which bound the looks; 0 takes phi as it is (Eq. 20)."""
    notice_fusion: Literal["mean", "product"] = "mean"
    """With several exposure modalities: `mean` notices their mean representation, `product` has one N for each and
    N is their product. Not in the paper, which has one modality."""
    item_bias: bool = False
    """Add beta_i to the match logit, as the authors' code does. It is not measured from the mean item."""
    link: Literal["product", "log"] = "product"
    """What BPR compares in the joint loss: the product in (0, 1), as the paper, or its logarithm, which does not
    saturate. The ranking of a given model is the same. The sum of `add` is compared as it is."""
    multitask: bool = True
    """False leaves only bpr(Y) (the paper's variants A and M; True gives AML and MML)."""


@decoders.register("causalrec")
class CausalRec(Decoder):
    """CausalRec (Qiu et al. 2021): match and notice; the direct effect of the looks is removed at test time."""

    Config = CausalRecConfig
    config: CausalRecConfig
    grid: ClassVar[Grid] = {**CLICK_GRID, "estimand.strength": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2)}
    centre_items = True

    def __init__(self, config: CausalRecConfig, context: Context) -> None:
        super().__init__(config, context)
        self.looks = visual_modalities("CausalRec", context)
        self.match = (ID, *(context.content if context.exposure else ()))
        self.notices = {"notice": self.looks}
        if config.notice_fusion == "product":
            self.notices = {f"notice_{name}": (name,) for name in self.looks}
        width = context.embedding_size
        layers = [layer for _ in range(config.tanh_layers) for layer in (nn.Linear(width, width), nn.Tanh())]
        self.indirect = nn.Sequential(*layers)
        if config.item_bias:
            self.bias = nn.Parameter(torch.zeros(context.num_items))

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower(self.config.behaviour, (*self.match, *self.looks))}

    def extra_tables(self) -> Representations:
        return {"bias": per_item(self.bias, self.context.num_users)} if self.config.item_bias else {}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        main = representations["main"]
        match, looks = pick(main, self.match), self.indirect(pick(main, self.looks).item)
        with_bias = joined(match, representations["extra"]["bias"]) if self.config.item_bias else match
        return {
            "match": with_bias,
            "match_visual": Representation(match.user, match.item * looks),
            **{name: pick(main, modalities) for name, modalities in self.notices.items()},
        }

    def objectives(self) -> list[Objective]:
        c = self.config
        joint = self.outcome.score
        if c.fusion != "add" and c.link == "product":
            joint = _exponential(joint)
        terms = [Objective("joint", c.behaviour, "bpr", joint, c.negatives)]
        if c.multitask:
            terms.append(Objective("notice", c.behaviour, "bpr", self._notice, c.negatives))
            terms.append(Objective("match", c.behaviour, "bpr", match_logit, c.negatives))
        return terms

    @property
    def outcome(self) -> Outcome:
        graph = CausalGraph(
            NODES, [*EDGES, ("V", "M")], treatment="I", outcome="Y", mediators=("M",), conditioned=("U",)
        )
        return Outcome(
            score=partial(_FUSIONS[self.config.fusion], tuple(self.notices)),
            log=self.config.fusion != "add",
            mediated=("match", "match_visual"),
            graph=graph,
        )

    @property
    def formula(self) -> str:
        gates = " * ".join(f"s({name})" for name in self.notices)
        formula = _FORMULAS[self.config.fusion].format(gates=gates, notice=" + ".join(self.notices))
        return formula + ", * at the reference item"

    def variants(self) -> dict[str, Estimand]:
        return {"CausalRec": TotalIndirectEffect(), "CausalRec w/o CI": Observational()}

    def _notice(self, logits: Logits) -> Tensor:
        return _sum(logits, self.notices)


def _exponential(score: Callable[[Logits], Tensor]) -> Callable[[Logits], Tensor]:
    return lambda logits: score(logits).exp()


def _sum(logits: Logits, names: Iterable[str]) -> Tensor:
    return torch.stack([logits[name] for name in names]).sum(0)


def match_logit(logits: Logits) -> Tensor:
    return logits["match"] + logits["match_visual"]


def _gates(notices: Sequence[str], logits: Logits) -> Tensor:
    return _sum({name: F.logsigmoid(logits[name]) for name in notices}, notices)


def _paper(notices: Sequence[str], logits: Logits) -> Tensor:
    return F.logsigmoid(logits["match"]) + F.logsigmoid(logits["match_visual"]) + _gates(notices, logits)


def _author(notices: Sequence[str], logits: Logits) -> Tensor:
    m, n = match_logit(logits), _sum(logits, notices)
    return F.logsigmoid(m + n) + F.logsigmoid(m) + _gates(notices, logits)


def _add(notices: Sequence[str], logits: Logits) -> Tensor:
    return match_logit(logits) + _sum(logits, notices)


_FUSIONS = {"paper": _paper, "author": _author, "add": _add}
_FORMULAS = {
    "paper": "{gates} * (s(match) * s(match_visual) - s(match*) * s(match_visual*))",
    "author": "s(m + {notice}) * s(m) * {gates} - s(m* + {notice}) * s(m*) * {gates}, m = match + match_visual",
    "add": "match + match_visual - match* - match_visual*",
}
