"""DeepStyle: a user taste for the style of an item, which is its visual features minus its category.

"DeepStyle: Learning User Preferences for Visual Recommendation" (Qiang Liu, Shu Wu and Liang Wang, SIGIR 2017).

    y_ui = g_u . (g_i + sum over visual modalities of E f_i - c_cat(i))          CausalRec Eq. 6

One user table serves match and notice.

Deviations:
- Features are scaled column by column.
- An item without a category, which the paper does not discuss, keeps its visual features unchanged.
- Several visual modalities add up.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from graphrec.backbones.base import ID, Representation, Representations
from graphrec.causal import CausalGraph
from graphrec.causal.graphs import match_notice_graph
from graphrec.decoders.base import Branches, Context, OneBehaviourConfig, decoders
from graphrec.decoders.visual import VisualDecoder, visual_modalities
from graphrec.errors import RecipeError, UnknownNameError
from graphrec.graph.build import InteractionGraph


class DeepStyleConfig(OneBehaviourConfig):
    """Settings of DeepStyle.

    Example:
        >>> from graphrec.errors import UnknownNameError
        >>> sizes = {"embedding_size": 8, "widths": {"kind": 3}, "categorical": ("kind",)}
        >>> context = Context(exposure=("visual", "kind"), content=(), **sizes)
        >>> DeepStyle(DeepStyleConfig(), context).category
        'kind'
        >>> try:
        ...     DeepStyle(DeepStyleConfig(category="visual"), context)
        ... except UnknownNameError as error:
        ...     print(error.problem)
        unknown categorical modality `visual`
    """

    category: str | None = None
    """The modality with each item's category; by default the only one with at most one value per item. It is not one
    of the visual features."""


@decoders.register("deepstyle")
class DeepStyle(VisualDecoder):
    """DeepStyle (Liu et al. 2017): a taste for style, the visual features minus those of the item's category.

    Raises:
        RecipeError: the dataset has no categorical modality, several of which none is named, or no other modality.
        UnknownNameError: `category` names no categorical modality.

    Example:
        >>> from graphrec.testing.small_graph import KIND, MODALITIES, small_graph
        >>> from graphrec.testing.small_model import SIZES, small_model
        >>> context = Context(exposure=("visual", KIND), content=(), **SIZES)
        >>> decoder = small_model("deepstyle", graph=small_graph((*MODALITIES, KIND)), context=context)[0].decoder
        >>> decoder.category, decoder.visual
        ('kind', ('visual',))
    """

    Config = DeepStyleConfig
    config: DeepStyleConfig
    title = "DeepStyle"
    category_of: Tensor
    """`[I]` the category of each item, -1 for none."""

    def __init__(self, config: DeepStyleConfig, context: Context) -> None:
        super().__init__(config, context)
        self.categories = nn.Embedding(context.widths[self.category], context.embedding_size)
        nn.init.xavier_normal_(self.categories.weight)
        self.register_buffer("category_of", torch.full((context.num_items,), -1))

    @property
    def category(self) -> str:
        """The categorical modality."""
        name, categorical = self.config.category, self.context.categorical
        if name is not None and name not in categorical:
            raise UnknownNameError("categorical modality", name, categorical, where="decoder.category")
        if name is None and len(categorical) != 1:
            raise RecipeError(
                "DeepStyle subtracts an item's category from its visual features, and the category is not determined",
                expected="one modality with at most one value an item, such as a product category",
                got=", ".join(categorical) or "no categorical modality",
                where="decoder.category",
                next_step="name one of them in decoder.category"
                if categorical
                else "add a category feature to the dataset, or take decoder `amr` or `vbpr`",
            )
        return name or categorical[0]

    def visual_features(self) -> tuple[str, ...]:
        return visual_modalities(self.title, self.context, exclude=[self.category])

    def fit_statistics(self, graph: InteractionGraph, seed: int) -> None:
        categories = graph.categories(self.category)
        if categories is None:
            raise RecipeError(
                f"`{self.category}` is no category",
                expected="a modality with at most one value an item",
                got="an item with several",
                where="decoder.category",
            )
        self.category_of.copy_(categories)

    def extra_tables(self) -> Representations:
        has_category = self.category_of >= 0  # -1 is no row of the table: it is read as row 0 and then set to zero
        vectors = self.categories(self.category_of.clamp(min=0)) * has_category.unsqueeze(1)
        # The user side is a placeholder of zeros: in the notice, g_u multiplies the category's vector.
        return {
            "category": Representation(
                vectors.new_zeros(1, 1).expand(self.context.num_users, vectors.shape[1]), vectors
            )
        }

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        main = representations["main"]
        visual = torch.stack([main[name].item for name in self.visual]).sum(0)
        style = visual - representations["extra"]["category"].item
        return {"match": main[ID], "notice": Representation(main[ID].user, style)}

    @property
    def graph(self) -> CausalGraph:
        return match_notice_graph()
