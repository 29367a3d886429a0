"""The common base of VBPR, AMR and DeepStyle: the sum of a match on ids and a notice of the visual features.

With g the id representation of users and items, and the notice n(u, v_i) a function of what the user sees first:

    y_ui = g_u . g_i + n(u, v_i)

"Causal Inference for Visual Debiasing in Visually-Aware Recommendation" (Ruihong Qiu et al., ACM MM 2021, section 3)
draws the causal graph of such models. The item acts on the interaction through the match M. Past the match, it acts
through its visual features V and the notice N. The total indirect effect through the match, "with CI" (Eq. 14, 15), is
g_u . (g_i - g_i*). The visual features are not in it at all, so it also loses what they say about the preference.
CausalRec therefore routes them through the match as well.

On the backbone `mf` each of these decoders is its paper's model. On a graph backbone g is the id representation, and
E f_i and t_u are the modality representations. This extension is in none of the papers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from torch import Tensor

from graphrec.backbones.base import ID
from graphrec.causal import CausalGraph, Estimand, Logits, Observational, Outcome, TotalIndirectEffect
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
    """Base of the decoders whose score is match + notice.

    The visual features are the exposure modalities, or all modalities where none has this role.

    Raises:
        RecipeError: the dataset has no modality.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> decoder = small_model("amr")[0].decoder
        >>> decoder.visual, list(decoder.variants())
        (('visual', 'title'), ['AMR', 'AMR with CI'])
    """

    Config = OneBehaviourConfig
    config: OneBehaviourConfig
    grid: ClassVar[Grid] = CLICK_GRID
    title: ClassVar[str]
    """The method's published name."""

    def __init__(self, config: DecoderConfig, context: Context) -> None:
        super().__init__(config, context)
        self.visual = self.visual_features()

    def visual_features(self) -> tuple[str, ...]:
        """The modalities that count as visual features."""
        return visual_modalities(self.title, self.context)

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower(self.config.behaviour, (ID, *self.visual))}

    def objectives(self) -> list[Objective]:
        return [Objective("joint", self.config.behaviour, "bpr", match_and_notice, self.config.negatives)]

    @property
    @abstractmethod
    def graph(self) -> CausalGraph:
        """The causal graph of the paper's model."""

    @property
    def outcome(self) -> Outcome:
        return Outcome(score=match_and_notice, log=False, mediated=("match",), graph=self.graph)

    @property
    def formula(self) -> str:
        return "match + notice"

    def variants(self) -> dict[str, Estimand]:
        return {self.title: Observational(), f"{self.title} with CI": TotalIndirectEffect()}


def match_and_notice(logits: Logits) -> Tensor:
    """The logit match + notice.

    Example:
        >>> import torch
        >>> match_and_notice({"match": torch.tensor([1.0, 2.0]), "notice": torch.tensor([0.5, -2.0])})
        tensor([1.5000, 0.0000])
    """
    return logits["match"] + logits["notice"]


def visual_modalities(method: str, context: Context, exclude: Iterable[str] = ()) -> tuple[str, ...]:
    """The modalities with the role `exposure`, or all where none has it, without those in `exclude`.

    Args:
        method: the method's name, for the error text.
        context: the dataset's modalities and their roles.
        exclude: modalities that are no visual features.

    Raises:
        RecipeError: no modality is left.

    Example:
        >>> visual_modalities("VBPR", Context(exposure=("visual",), content=("title",), embedding_size=8))
        ('visual',)
        >>> visual_modalities("VBPR", Context(exposure=(), content=("title", "audio"), embedding_size=8))
        ('title', 'audio')
    """
    excluded = set(exclude)
    exposure, modalities = ([m for m in names if m not in excluded] for names in (context.exposure, context.modalities))
    if not modalities:
        raise RecipeError(
            f"{method} needs to know what the user sees first, and this dataset has no item features for it",
            expected="at least one modality"
            + (f" besides {', '.join(sorted(excluded))}" if excluded else "")
            + ", with the role `exposure` in [data.roles]",
            got=", ".join(context.modalities) or "no modality",
            where="decoder.name",
            next_step="add item features to the dataset, or take a decoder that works on ids: bpr, ct, esmm, hcr",
        )
    return tuple(exposure or modalities)
