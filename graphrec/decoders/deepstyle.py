"""DeepStyle: Learning User Preferences for Visual Recommendation (Liu, Wu and Wang, SIGIR 2017).

    y_ui = g_u . (g_i + sum over visual modalities of E f_i - c_cat(i))          CausalRec Eq. 6

What is left of a picture once its category's vector is taken away is its style. One user table serves match and notice.

Deviations: features are scaled column by column. What the paper leaves open: an item without a category keeps its whole
picture, and several visual modalities add up.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from graphrec.backbones.base import ID, Representation, Representations
from graphrec.causal import CausalGraph
from graphrec.decoders.base import Branches, Context, OneBehaviourConfig, decoders
from graphrec.decoders.visual import VisualDecoder, match_notice_graph, visual_modalities
from graphrec.errors import RecipeError, UnknownNameError
from graphrec.graph.build import InteractionGraph


class DeepStyleConfig(OneBehaviourConfig):
    category: str | None = None
    """The modality that holds each item's category; by default the only one with at most one value an item. It does
    not count among the looks."""


@decoders.register("deepstyle")
class DeepStyle(VisualDecoder):
    """DeepStyle (Liu et al. 2017): a taste for style, which is the looks less those of the item's category.

    Raises:
        RecipeError, UnknownNameError: no categorical modality, several and none named, or no other modality.
    """

    Config = DeepStyleConfig
    config: DeepStyleConfig
    title = "DeepStyle"
    category_of: Tensor
    """`[I]` the number of each item's category, -1 without one."""

    def __init__(self, config: DeepStyleConfig, context: Context) -> None:
        super().__init__(config, context)
        self.categories = nn.Embedding(context.widths[self.category], context.embedding_size)
        nn.init.xavier_normal_(self.categories.weight)
        self.register_buffer("category_of", torch.full((context.num_items,), -1))

    @property
    def category(self) -> str:
        """The categorical modality."""
        asked, known = self.config.category, self.context.categorical
        if asked is not None and asked not in known:
            raise UnknownNameError("categorical modality", asked, known, where="decoder.category")
        if asked is None and len(known) != 1:
            raise RecipeError(
                "DeepStyle takes the category out of the looks, and it is not clear what the category is",
                expected="one modality with at most one value an item, such as a product category",
                got=", ".join(known) or "no categorical modality",
                where="decoder.category",
                next_step="name one of them" if known else "bring a category feature, or take decoder `amr` or `vbpr`",
            )
        return asked or known[0]

    def visible(self) -> tuple[str, ...]:
        return visual_modalities(self.title, self.context, besides=[self.category])

    def fit_statistics(self, graph: InteractionGraph, seed: int) -> None:
        found = graph.categories(self.category)
        if found is None:
            raise RecipeError(
                f"`{self.category}` is no category",
                expected="a modality with at most one value an item",
                got="an item with several",
                where="decoder.category",
            )
        self.category_of.copy_(found)

    def extra_tables(self) -> Representations:
        known = self.category_of >= 0
        vectors = self.categories(self.category_of.clamp(min=0)) * known.unsqueeze(1)
        # Users meet a category through g_u, in the notice; the table has a user side for its form alone.
        return {
            "category": Representation(
                vectors.new_zeros(1, 1).expand(self.context.num_users, vectors.shape[1]), vectors
            )
        }

    def branches(self, representations: Mapping[str, Representations]) -> Branches:
        main = representations["main"]
        looks = torch.stack([main[name].item for name in self.looks]).sum(0)
        style = looks - representations["extra"]["category"].item
        return {"match": main[ID], "notice": Representation(main[ID].user, style)}

    @property
    def graph(self) -> CausalGraph:
        return match_notice_graph()
