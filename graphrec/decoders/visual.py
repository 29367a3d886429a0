"""What VBPR, AMR and DeepStyle share: a match on ids, a notice of the looks, their sum.

With g the id representation of users and items, and the notice n(u, v_i) a function of what the user sees first:

    y_ui = g_u . g_i + n(u, v_i)

Qiu et al. (CausalRec, ACM MM 2021, section 3) draw the causal graph of such models: the item acts on the interaction
through the match M and, past it, through its looks V and the notice N. Their total indirect effect through the match,
"with CI" (Eq. 14, 15), is g_u . (g_i - g_i*): the looks drop out altogether. That answers the question but leaves
nothing of what the looks say about the preference, which is why CausalRec routes them through the match as well.

On the backbone `mf` each is its paper's model. On a graph backbone g is the id representation and E f_i, t_u are the
modality representations: an extension that is in none of the papers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor

from graphrec.backbones.base import ID
from graphrec.causal import CausalGraph, Estimand, Logits, Node, Observational, Outcome, TotalIndirectEffect
from graphrec.decoders.base import (
    CLICK_GRID,
    Context,
    Decoder,
    DecoderConfig,
    Grid,
    Objective,
    OneBehaviourConfig,
    Tower,
)
from graphrec.errors import RecipeError


class VisualDecoder(Decoder):
    """Base of the decoders whose score is match + notice; the looks are the exposure modalities, else all.

    Raises:
        RecipeError: the dataset has no modality to look at.
    """

    Config = OneBehaviourConfig
    config: OneBehaviourConfig
    grid: ClassVar[Grid] = CLICK_GRID
    title: ClassVar[str]
    """The method's published name."""

    def __init__(self, config: DecoderConfig, context: Context) -> None:
        super().__init__(config, context)
        self.looks = self.visible()

    def visible(self) -> tuple[str, ...]:
        """The modalities that make the looks."""
        return visual_modalities(self.title, self.context)

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower(self.config.behaviour, (ID, *self.looks))}

    def objectives(self) -> list[Objective]:
        return [Objective("joint", self.config.behaviour, "bpr", match_and_notice, self.config.negatives)]

    @property
    @abstractmethod
    def graph(self) -> CausalGraph:
        """The causal graph that the paper's model stands for."""

    @property
    def outcome(self) -> Outcome:
        return Outcome(score=match_and_notice, log=False, mediated=("match",), graph=self.graph)

    @property
    def formula(self) -> str:
        return "match + notice"

    def variants(self) -> dict[str, Estimand]:
        return {self.title: Observational(), f"{self.title} with CI": TotalIndirectEffect()}


def match_and_notice(logits: Logits) -> Tensor:
    return logits["match"] + logits["notice"]


def visual_modalities(method: str, context: Context, besides: Iterable[str] = ()) -> tuple[str, ...]:
    """The modalities with the role `exposure`, or all where none has it; without those named in `besides`.

    Raises:
        RecipeError: none is left.
    """
    hidden = set(besides)
    exposure, every = ([m for m in names if m not in hidden] for names in (context.exposure, context.modalities))
    if not every:
        raise RecipeError(
            f"{method} needs to know what the user sees first, and this dataset has no item features for it",
            expected="at least one modality"
            + (f" besides {', '.join(sorted(hidden))}" if hidden else "")
            + ", with the role `exposure` in [data.roles]",
            got=", ".join(context.modalities) or "no modality",
            where="decoder.name",
            next_step="bring item features, or take a decoder that works on ids: bpr, ct, esmm, hcr",
        )
    return tuple(exposure or every)


NODES = {
    "U": Node("user"),
    "I": Node("item"),
    "V": Node("looks: the item's exposure features", deterministic=True),
    "M": Node("match: true preference", observed=False, deterministic=True),
    "N": Node("notice: the pull of the looks alone", observed=False, deterministic=True),
    "Y": Node("interaction"),
}
EDGES = (("I", "V"), ("U", "M"), ("I", "M"), ("U", "N"), ("V", "N"), ("M", "Y"), ("N", "Y"))


def match_notice_graph() -> CausalGraph:
    """CausalRec's Figure 3 (c): match and notice alone lead to the interaction."""
    return CausalGraph(NODES, EDGES, treatment="I", outcome="Y", mediators=("M",), conditioned=("U",))
