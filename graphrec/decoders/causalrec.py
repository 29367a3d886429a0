"""CausalRec: match and notice of visual features as separate factors; the direct effect is removed at test time.

"Causal Inference for Visual Debiasing in Visually-Aware Recommendation" (Ruihong Qiu et al., ACM MM 2021). (An open
project on uplift modelling has the same name and is unrelated.) g is the match representation, phi an item's
representation of its visual features, t the user's taste for them, T its tanh layers and s the sigmoid:

    M  = s(g_u . g_i)              match                                  Eq. 19
    M' = s(g_u . (g_i o T(phi_i))) match, through the visual features     Eq. 20
    N  = s(t_u . phi_i)            notice: the direct effect              Eq. 21
    Y  = M M' N                                                           Eq. 22
    loss = bpr(Y) + bpr(N) + bpr(M M')                                     Eq. 23

At test time the direct effect is removed. The score is the total indirect effect Y - lambda2 N M* M'* (Eq. 28), where *
marks the reference item, the mean of the items' learned representations.

Item representations are measured from the mean training item, which is the reference item. Without this, MMGCN's mostly
positive outputs make inner products far above zero for every pair. All sigmoids are then near one, Y and N M* M'*
differ by a constant only, and the intervention changes nothing. With it, the reference is the zero vector. Without an
item bias, M* and M'* are s(0) = 1/2 for every user, and the score is N (M M' - lambda2 / 4): MACR's constant reference
with c = 1/4. `backbone.centre_items = false` makes M* M'* depend on the user, at the price above.

The paper's variants (section 5.4, Figure 6) are two options:

    CausalRec-A      fusion = "add",   multitask = false
    CausalRec-AML    fusion = "add",   multitask = true
    CausalRec-M      fusion = "paper", multitask = false
    CausalRec-MML    fusion = "paper", multitask = true      the method, and the default

The published model is the one on the backbone `mf` with `backbone.centre_items = false` and `tanh_layers = 0`, on a
dataset with visual features only.

Deviations:
- The graph form is an extension that is not in the paper. g is the mean of the id and content representations; phi and
  t are the representations of the exposure modalities; all come from the backbone.
- The auxiliary losses act on logits, as in the authors' code, because the product of sigmoids saturates inside BPR.
- T is a separate matrix on E phi; in the authors' code it is one on the raw features.
- The authors' term f_i . beta' in the notice is left out.
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
    Estimand,
    Logits,
    Observational,
    Outcome,
    TotalIndirectEffect,
)
from graphrec.causal.graphs import match_notice_graph
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
from graphrec.decoders.visual import visual_modalities


class CausalRecConfig(OneBehaviourConfig):
    """Settings of CausalRec. Where paper and authors' code differ there is an option.

    Example:
        >>> CausalRecConfig().fusion, CausalRecConfig().multitask
        ('paper', True)
        >>> from graphrec.testing.small_model import small_model
        >>> small_model("causalrec", {"fusion": "add", "multitask": False})[0].decoder.formula  # CausalRec-A
        'match + match_visual - match* - match_visual*, * at the reference item'
    """

    fusion: Literal["paper", "author", "add"] = "paper"
    """How the logits make the score. `paper`: M M' N. `author`: s(m + n) s(m) s(n), where m is the sum of both
    match logits, as in the authors' code. `add`: the sum of the three logits."""
    tanh_layers: Literal[0, 1, 2] = 1
    """Number of layers of T, each a matrix and a tanh, which bound the visual features; 0 takes phi itself (Eq. 20)."""
    notice_fusion: Literal["mean", "product"] = "mean"
    """N with several exposure modalities: `mean` has one N of their mean representation, `product` the product of one N
    for each. The paper has one modality."""
    item_bias: bool = False
    """Whether beta_i is added to the match logit, as in the authors' code. It is not measured from the mean item."""
    link: Literal["product", "log"] = "product"
    """The score in the joint BPR loss: the product in (0, 1), as in the paper, or its logarithm, which does not
    saturate. Both give the same ranking. The sum of `add` has no link."""
    multitask: bool = True
    """Whether bpr(N) and bpr(M M') are added to bpr(Y): true in the paper's variants AML and MML, not in A and M."""


@decoders.register("causalrec")
class CausalRec(Decoder):
    """CausalRec (Qiu et al. 2021): match and notice; the direct effect of visual features is removed at test time.

    Raises:
        RecipeError: the dataset has no modality.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> model, graph = small_model("causalrec")
        >>> list(model(graph))
        ['match', 'match_visual', 'notice']
        >>> list(model.decoder.variants())
        ['CausalRec', 'CausalRec w/o CI']
    """

    Config = CausalRecConfig
    config: CausalRecConfig
    grid: ClassVar[Grid] = {**CLICK_GRID, "estimand.strength": (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2)}
    centre_items = True

    def __init__(self, config: CausalRecConfig, context: Context) -> None:
        super().__init__(config, context)
        self.visual = visual_modalities("CausalRec", context)
        # Without an exposure modality all modalities count as visual features, and none is left for the match.
        self.match = (ID, *(context.content if context.exposure else ()))
        self.notices = {"notice": self.visual}
        if config.notice_fusion == "product":
            self.notices = {f"notice_{name}": (name,) for name in self.visual}
        width = context.embedding_size
        # No layers make an empty Sequential, which is the identity: tanh_layers = 0.
        layers = [layer for _ in range(config.tanh_layers) for layer in (nn.Linear(width, width), nn.Tanh())]
        self.indirect = nn.Sequential(*layers)
        if config.item_bias:
            self.bias = nn.Parameter(torch.zeros(context.num_items))

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower(self.config.behaviour, (*self.match, *self.visual))}

    def extra_tables(self) -> Representations:
        return {"bias": per_item(self.bias, self.context.num_users)} if self.config.item_bias else {}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        main = representations["main"]
        match, visual = pick(main, self.match), self.indirect(pick(main, self.visual).item)
        # The bias joins after the item representations are centred, so it is not measured from the mean item.
        with_bias = joined(match, representations["extra"]["bias"]) if self.config.item_bias else match
        return {
            "match": with_bias,
            "match_visual": Representation(match.user, match.item * visual),
            **{name: pick(main, modalities) for name, modalities in self.notices.items()},
        }

    def objectives(self) -> list[Objective]:
        c = self.config
        joint = self.outcome.score  # a logarithm, except for `add`; the paper's BPR compares the product itself
        if c.fusion != "add" and c.link == "product":
            joint = _exponential(joint)
        terms = [Objective("joint", c.behaviour, "bpr", joint, c.negatives)]
        if c.multitask:
            terms.append(Objective("notice", c.behaviour, "bpr", self._notice, c.negatives))
            terms.append(Objective("match", c.behaviour, "bpr", match_logit, c.negatives))
        return terms

    @property
    def outcome(self) -> Outcome:
        graph = match_notice_graph(edges=[("V", "M")])
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
    """m, the sum of both match logits.

    Example:
        >>> match_logit({"match": torch.tensor([1.0, 2.0]), "match_visual": torch.tensor([0.5, -0.5])})
        tensor([1.5000, 1.5000])
    """
    return logits["match"] + logits["match_visual"]


# Products of sigmoids are computed as sums of their logarithms: a product of small sigmoids would underflow to zero.
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
