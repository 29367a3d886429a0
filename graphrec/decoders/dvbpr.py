"""DVBPR: a user taste for visual features alone, with an optional convolutional network on the images.

"Visually-Aware Fashion Recommendation and Design with Generative Image Models" (Wang-Cheng Kang, Chen Fang, Zhaowen
Wang and Julian McAuley, ICDM 2017).

    y_ui = sum over visual modalities of t_u . E Phi(image_i)        CausalRec Eq. 8; alpha and beta_u cancel in BPR

There is no item embedding on the backbone `mf`. A graph backbone adds ids and the features of co-clicked items, which
is an extension. By default the features come from an image network that was trained beforehand, and Phi is the
identity. With `image_shape` they are pixels, and Phi is a small convolutional network that is trained along. The
backbone's projection E is its last layer.

There is no variant "with CI": without a match, every effect of the item comes from its visual features, and an indirect
effect through the match would rank nothing. CausalRec's Figure 3 (d) has no match either.

Limits: every image passes the network in every step, so memory grows with the number of items. This suits small images
and some ten thousand items. Pixels are standardised column by column, as all dense features are.

Deviations:
- Of the paper there is the recommender alone, not the GAN that designs images.
- Phi is given vectors, or a network of two convolutions, which is much smaller than the paper's.
- Several visual modalities add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, ClassVar

from pydantic import PositiveInt, model_validator
from torch import nn

from graphrec.backbones.base import Representations
from graphrec.causal import CausalGraph, Estimand, Node, Observational, Outcome
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
)
from graphrec.decoders.visual import visual_modalities
from graphrec.errors import RecipeError, UnknownNameError
from graphrec.graph.build import InteractionGraph


class DVBPRConfig(OneBehaviourConfig):
    """Settings of DVBPR.

    Example:
        >>> DVBPRConfig(image_modality="pixels", image_shape=(3, 32, 32)).image_shape
        (3, 32, 32)
        >>> try:
        ...     DVBPRConfig(image_modality="pixels")
        ... except ValueError as error:
        ...     print(error.errors()[0]["msg"])
        Value error, `image_modality` and `image_shape` come together
    """

    image_modality: str | None = None
    """The dense modality with the pixels, which is then the only visual feature. None: features are vectors."""
    image_shape: tuple[PositiveInt, PositiveInt, PositiveInt] | None = None
    """Channels, height and width of the images; a row of features is an image in this order."""

    @model_validator(mode="after")
    def _images_have_a_shape(self) -> DVBPRConfig:
        if (self.image_modality is None) != (self.image_shape is None):
            raise ValueError("`image_modality` and `image_shape` come together")
        return self


@decoders.register("dvbpr")
class DVBPR(Decoder):
    """DVBPR (Kang et al. 2017): a taste for visual features alone, no item embedding; optionally a network on images.

    Raises:
        RecipeError: the dataset has no modality, the image modality is a bag, or its width is not that of its shape.
        UnknownNameError: `image_modality` names no modality.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> list(small_model("dvbpr")[0].decoder.variants())
        ['DVBPR']
    """

    Config = DVBPRConfig
    config: DVBPRConfig
    grid: ClassVar[Grid] = CLICK_GRID

    def __init__(self, config: DVBPRConfig, context: Context) -> None:
        super().__init__(config, context)
        self.visual = visual_modalities("DVBPR", context)
        if config.image_modality is not None and config.image_shape is not None:
            self.visual = (config.image_modality,)
            _check_images(config.image_modality, config.image_shape, context)
            self.network = nn.Sequential(
                nn.Unflatten(1, config.image_shape),
                nn.Conv2d(config.image_shape[0], 16, kernel_size=3, padding=1),
                nn.ReLU(),
                nn.MaxPool2d(2, ceil_mode=True),  # rounding up, so that an image of one pixel keeps a pixel
                nn.Conv2d(16, 32, kernel_size=3, padding=1),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(2),  # one output width for images of any size
                nn.Flatten(),
            )

    def encode_features(self, graph: InteractionGraph) -> InteractionGraph:
        name = self.config.image_modality
        if name is None:
            return graph
        if graph.is_bag(name):
            raise _no_images(name, "dense features", "a bag of words or categories")
        pixels = graph.features(name).to(next(self.network.parameters()).dtype)
        return graph.with_features({name: self.network(pixels)})

    def towers(self) -> dict[str, Tower]:
        return {"main": Tower(self.config.behaviour, self.visual)}

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        return {"notice": joined(*(representations["main"][name] for name in self.visual))}

    def objectives(self) -> list[Objective]:
        return [Objective("notice", self.config.behaviour, "bpr", itemgetter("notice"), self.config.negatives)]

    @property
    def outcome(self) -> Outcome:
        graph = CausalGraph(
            nodes={
                "U": Node("user"),
                "I": Node("item"),
                "V": Node("visual features: the item's exposure features", deterministic=True),
                "N": Node("notice: attraction by the visual features alone", deterministic=True),
                "Y": Node("interaction"),
            },
            edges=[("I", "V"), ("U", "N"), ("V", "N"), ("N", "Y"), ("U", "Y")],
            treatment="I",
            outcome="Y",
            mediators=(),
            conditioned=("U",),
        )
        return Outcome(score=itemgetter("notice"), log=False, graph=graph)

    @property
    def formula(self) -> str:
        return "notice"

    def variants(self) -> dict[str, Estimand]:
        return {"DVBPR": Observational()}


def _check_images(name: str, shape: tuple[int, int, int], context: Context) -> None:
    if name not in context.modalities:
        raise UnknownNameError("modality", name, context.modalities, where="decoder.image_modality")
    channels, height, width = shape
    if channels * height * width != context.widths[name]:
        raise _no_images(
            name,
            f"{context.widths[name]} numbers an item, which is what `{name}` has",
            f"{channels} x {height} x {width} = {channels * height * width}",
        )


def _no_images(name: str, expected: Any, got: Any) -> RecipeError:
    return RecipeError(
        f"`{name}` does not hold images of this shape",
        expected=expected,
        got=got,
        where="decoder.image_shape",
        next_step="set it to channels, height and width of the images, or leave both image options out",
    )
