"""The assembled model: a decoder, one backbone for each of its towers, and the embedding tables they share or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor, nn

from graphrec.backbones import Backbone, BackboneConfig, Representation, Representations, backbones
from graphrec.backbones.adaptor import with_modalities
from graphrec.backbones.base import check_compatibility
from graphrec.causal import (
    CausalGraph,
    Estimand,
    Outcome,
    category_items,
    check_categories,
    reference_item,
)
from graphrec.decoders import BlockLogits, Branches, Context, Decoder, DecoderConfig, decoders
from graphrec.decoders.base import from_mean_item
from graphrec.errors import RecipeError, UnknownNameError
from graphrec.graph.build import InteractionGraph
from graphrec.seeding import derive_seed
from graphrec.system.failures import require_memory


class Recommender(nn.Module):
    """Graph in, branches out.

    Args:
        backbone, backbone_config, decoder, decoder_config: registered names (or import paths) and their settings.
        graph: the training graph; gives sizes, and is passed again to each call.
        context: the modalities and their roles.
        seed: start values are drawn from the stream "init" of this seed.

    >>> from graphrec.backbones.mf import MFConfig
    >>> from graphrec.decoders.ct import CTConfig
    >>> from graphrec.testing.small_graph import small_graph
    >>> graph, context = small_graph(), Context(("visual", "title"), ("acoustic",), embedding_size=4)
    >>> model = Recommender("mf", MFConfig(embedding_size=4), "ct", CTConfig(), graph, context)
    >>> {name: (len(pair.user), *pair.item.shape) for name, pair in model(graph).items()}
    {'match': (7, 11, 4)}
    """

    def __init__(
        self,
        backbone: str,
        backbone_config: BackboneConfig,
        decoder: str,
        decoder_config: DecoderConfig,
        graph: InteractionGraph,
        context: Context,
        seed: int = 0,
    ) -> None:
        super().__init__()
        # Layers draw their start values from torch's global generator. It is seeded here and restored afterwards.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive_seed(seed, "init"))
            backbone_class: type[Backbone] = with_modalities(backbones.get(backbone))
            self.decoder: Decoder = decoders.get(decoder)(decoder_config, context)
            centre = backbone_config.centre_items
            self.centre_items = self.decoder.centre_items if centre is None else centre
            self.towers = nn.ModuleDict()
            self.tables = nn.ModuleDict()
            shared: dict[str, tuple[int, int]] = {}
            # Only the values of the encoded features are read here: gradients start with the first propagation.
            with torch.no_grad():
                graph = self.decoder.encode_features(graph)
            _require_memory(backbone_class, backbone_config, self.decoder, graph)
            for name, tower in self.decoder.towers().items():
                check_compatibility(backbone_class, graph, tower.feedback_role)
                self.towers[name] = backbone_class(backbone_config, graph, tower.feedback_role, tower.outputs)
                shapes = backbone_class.tables(backbone_config, graph, tower.outputs)
                if self.decoder.share_embeddings:
                    shared |= shapes
                else:
                    self.tables[name] = _make_tables(shapes, backbone_config.trainable_embeddings)
            if self.decoder.share_embeddings:
                self.tables["shared"] = _make_tables(shared, backbone_config.trainable_embeddings)
            self.decoder.fit_statistics(graph, seed)
        if not any(weight.requires_grad for weight in self.parameters()):
            raise RecipeError(
                "there is nothing to train",
                expected="a backbone or a decoder with weights besides the embedding tables",
                got=f"backbone `{backbone}` under decoder `{decoder}` with backbone.trainable_embeddings = false",
                where="backbone.trainable_embeddings",
                next_step="leave it out, or choose a backbone with layers that are learned, such as mmgcn",
            )

    @property
    def networks(self) -> dict[str, Backbone]:
        """Each tower's backbone."""
        return dict(self.towers.items())  # type: ignore[arg-type]

    def propagate(self, graph: InteractionGraph) -> dict[str, Representations]:
        """What each tower's backbone gives: one full propagation. In training mode more than the decoder reads."""
        graph = self.decoder.encode_features(graph)
        shared = self.decoder.share_embeddings
        return {name: tower(graph, self.tables["shared" if shared else name]) for name, tower in self.networks.items()}

    def representations(
        self, graph: InteractionGraph, propagated: Mapping[str, Representations] | None = None
    ) -> dict[str, Representations]:
        """Each tower's representations as the decoder reads them, and its extra tables under `extra`.

        Args:
            propagated: the result of `propagate`, if there is one already.
        """
        propagated = self.propagate(graph) if propagated is None else propagated
        # None spares the copy of the item table that indexing by a mask makes in every step.
        mask = None if bool(graph.in_train.all()) else graph.in_train
        by_tower = {}
        for name, tower in self.networks.items():
            outputs = {key: propagated[name][key] for key in tower.outputs}
            # Over the training items, as the mean reference item is: its row is then zero.
            if self.centre_items:
                outputs = {key: from_mean_item(pair, mask) for key, pair in outputs.items()}
            by_tower[name] = outputs
        extra = self.decoder.extra_tables()
        return by_tower | {"extra": extra} if extra else by_tower

    def forward(self, graph: InteractionGraph, propagated: Mapping[str, Representations] | None = None) -> Branches:
        """The branches of all users and items."""
        return self.decoder.branches(self.representations(graph, propagated))

    @torch.no_grad()
    def freeze(self, graph: InteractionGraph) -> FrozenModel:
        """The tables of one propagation: everything that scoring, export and explanation need.

        They are copies: a backbone may return its embedding tables themselves, which training continues to change.
        """
        # The mode is not restored: each training epoch sets its own.
        self.eval()
        representations = {
            tower: {name: Representation(pair.user.clone(), pair.item.clone()) for name, pair in outputs.items()}
            for tower, outputs in self.representations(graph).items()
        }
        categories = {name: graph.categories(name) for name in graph.modalities}
        return FrozenModel(
            representations,
            self.decoder.branches(representations),
            self.decoder,
            graph.in_train,
            {name: values.to(graph.device) for name, values in categories.items() if values is not None},
        )


@dataclass(frozen=True)
class FrozenModel:
    """A trained model's tables. Scoring reads them and changes nothing: equal calls give equal bits.

    Args:
        representations: by tower, then by output.
        branches: the decoder's branches, `[U, d]` and `[I, d]` each.
        decoder: for the outcome and for the branches of a reference item.
        in_train: `[I]` bool, the items of the training split, over which a reference averages; None takes all items.
        categories: for each categorical modality, `[I]` the value of each item, -1 where it has none.

    >>> from graphrec.testing.small_model import small_model
    >>> model, graph = small_model("ct")
    >>> frozen = model.freeze(graph)
    >>> frozen.num_users, frozen.num_items, list(frozen.branches)
    (7, 11, ['match'])
    """

    representations: dict[str, Representations]
    branches: Branches
    decoder: Decoder
    in_train: Tensor | None = None
    categories: Mapping[str, Tensor] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        return self.decoder.outcome

    @property
    def num_users(self) -> int:
        return next(iter(self.branches.values())).user.shape[0]

    @property
    def num_items(self) -> int:
        return next(iter(self.branches.values())).item.shape[0]

    @torch.no_grad()
    def reference_branches(self, reference: str, *, category: str = "", constant: float | None = None) -> Branches:
        """Branches under a reference: item tables of one row, of one an item for `category`.

        For `mean`, `zero` and `category` this is do(item = reference item): the same decoder on intervened
        representations. `constant` is no intervention: each branch is a pair of tables of width 1 whose logit is one
        number, for mediated branches `constant`, for the others, or without it, the branch's mean logit over all users
        and training items, which is the inner product of their mean rows.

        Args:
            reference, category, constant: as the options of `graphrec.causal.Reference`.

        Raises:
            UnknownNameError: `category` is no categorical modality.
            RecipeError: an item has no category, or one that no training item has.
        """
        if reference == "constant":
            return {name: self._constant(name, constant) for name in self.branches}
        if reference == "category":
            categories = self._categories(category)
            item = partial(category_items, categories=categories, in_train=self.in_train)
        else:
            item = partial(reference_item, reference, in_train=self.in_train)
        intervened = {
            tower: {name: Representation(pair.user, item(item_table=pair.item)) for name, pair in outputs.items()}
            for tower, outputs in self.representations.items()
        }
        return self.decoder.branches(intervened)

    def _constant(self, name: str, constant: float | None) -> Representation:
        user, item = self.branches[name].user, self.branches[name].item
        if constant is not None and name in self.outcome.mediated:
            value = item.new_full((1, 1), constant)
        else:
            value = user.mean(0, keepdim=True) @ reference_item("mean", item, self.in_train).T
        return Representation(user.new_ones(len(user), 1), value)

    def _categories(self, name: str) -> Tensor:
        if name not in self.categories:
            hint = "; without one, use reference=mean" if not self.categories else ""
            raise UnknownNameError("categorical modality", name, self.categories, where=f"reference=category{hint}")
        check_categories(name, self.categories[name], self.in_train)
        return self.categories[name]

    def reference_of(self, estimand: Estimand) -> Branches | None:
        """The branches under the reference that an estimand asks for; None where it needs none."""
        if not estimand.needs_reference:
            return None
        chosen = estimand.reference_config
        return self.reference_branches(chosen.reference, category=chosen.category, constant=chosen.constant)

    def scorer(self, estimand: Estimand, graph: CausalGraph | None = None) -> EstimandScorer:
        """A function from users to scores of all items under an estimand.

        Args:
            graph: the causal graph on which the estimand is to be identified; by default the decoder's.

        Raises:
            IdentificationError: the estimand is not identified on the causal graph.
            RecipeError: `graph` gives the decoder's causal roles to other variables, or an item lacks its reference.
        """
        outcome = self.outcome.with_graph(graph)
        estimand.identify(outcome)
        return EstimandScorer(self.branches, self.reference_of(estimand), outcome, estimand)


@dataclass(frozen=True)
class EstimandScorer:
    """Scores blocks of users against all items under one estimand; a `graphrec.evaluation.scorer.Scorer`.

    >>> from graphrec.causal import Observational
    >>> from graphrec.testing.small_model import small_model
    >>> model, graph = small_model("ct")
    >>> scorer = model.freeze(graph).scorer(Observational())
    >>> users = torch.tensor([0, 3])
    >>> match = scorer.branches["match"]
    >>> tuple(scorer(users).shape), scorer(users).allclose(match.user[users] @ match.item.T)
    ((2, 11), True)
    """

    branches: Branches
    reference: Branches | None
    outcome: Outcome
    estimand: Estimand

    @torch.no_grad()
    def __call__(self, users: Tensor) -> Tensor:
        """`[b]` user numbers to `[b, I]` scores; the higher the better, comparable within a user only."""
        factual = BlockLogits(self.branches, users)
        reference = BlockLogits(self.reference, users) if self.reference is not None else None
        return self.estimand.score(self.outcome, factual, reference)

    @property
    def num_users(self) -> int:
        return next(iter(self.branches.values())).user.shape[0]

    @property
    def num_items(self) -> int:
        return next(iter(self.branches.values())).item.shape[0]

    @property
    def bytes_per_user(self) -> int:
        """About how much memory one user's scores take while they are computed."""
        # A reference table of one row gives logits `[b, 1]`, which do not count.
        tables = (*self.branches.values(), *(self.reference or {}).values())
        return 4 * self.num_items * (sum(len(pair.item) == self.num_items for pair in tables) + 4)


COPIES = 5
"""Of each table that is trained: its values, its gradient, two moments of Adam, and the values of the best epoch."""


def _require_memory(kind: type[Backbone], config: BackboneConfig, decoder: Decoder, graph: InteractionGraph) -> None:
    """Refuse tables that cannot fit, before they are allocated; what a step needs besides comes on top.

    Raises:
        OutOfMemoryError: they need more than is available.
    """
    shared: dict[str, tuple[int, int]] = {}
    numbers = 0
    for tower in decoder.towers().values():
        shapes = kind.tables(config, graph, tower.outputs)
        shared |= shapes
        numbers += sum(rows * columns for rows, columns in shapes.values())
    if decoder.share_embeddings:
        numbers = sum(rows * columns for rows, columns in shared.values())
    require_memory(
        numbers * 4 * (COPIES if config.trainable_embeddings else 1),
        "the embedding tables and their training",
        "backbone.embedding_size",
        "lower the embedding size, or use fewer users and items, see data.filter",
    )


def _make_tables(shapes: dict[str, tuple[int, int]], trainable: bool) -> nn.ParameterDict:
    tables = nn.ParameterDict()
    # Sorted, so that the draws do not depend on the order in which towers name their tables.
    for name in sorted(shapes):
        table = torch.empty(shapes[name])
        nn.init.xavier_normal_(table)
        tables[name] = nn.Parameter(table, requires_grad=trainable)
    return tables
