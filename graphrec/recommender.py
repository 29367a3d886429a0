"""The assembled model: a decoder, one backbone for each of its towers, and the embedding tables they share or not."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from graphrec.backbones import Backbone, BackboneConfig, Representation, Representations, backbones
from graphrec.causal import Estimand, Outcome, reference_item
from graphrec.decoders import BlockLogits, Branches, Context, Decoder, DecoderConfig, decoders
from graphrec.decoders.base import from_mean_item
from graphrec.graph.build import InteractionGraph
from graphrec.streams import stream_seed


class Recommender(nn.Module):
    """Graph in, branches out.

    Args:
        backbone, backbone_config, decoder, decoder_config: registered names (or import paths) and their settings.
        graph: the training graph; gives sizes, and is passed again to each call.
        context: the modalities' roles.
        seed: start values are drawn from the stream "init" of this seed.
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
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream_seed(seed, "init"))
            backbone_class: type[Backbone] = backbones.get(backbone)
            self.decoder: Decoder = decoders.get(decoder)(decoder_config, context)
            asked = backbone_config.centre_items
            self.centre_items = self.decoder.centre_items if asked is None else asked
            self.towers = nn.ModuleDict()
            self.tables = nn.ModuleDict()
            shared: dict[str, tuple[int, int]] = {}
            for name, tower in self.decoder.towers().items():
                self.towers[name] = backbone_class(backbone_config, graph, tower.role, tower.outputs)
                shapes = backbone_class.tables(backbone_config, graph, tower.outputs)
                if self.decoder.share_embeddings:
                    shared |= shapes
                else:
                    self.tables[name] = _make_tables(shapes, backbone_config.trainable_embeddings)
            if self.decoder.share_embeddings:
                self.tables["shared"] = _make_tables(shared, backbone_config.trainable_embeddings)

    def representations(self, graph: InteractionGraph) -> dict[str, Representations]:
        """Each tower's representations: one full propagation."""
        found = {
            name: tower(graph, self.tables["shared" if self.decoder.share_embeddings else name])
            for name, tower in self.towers.items()
        }
        if not self.centre_items:
            return found
        return {
            name: {output: from_mean_item(one) for output, one in outputs.items()} for name, outputs in found.items()
        }

    def forward(self, graph: InteractionGraph) -> Branches:
        """The branches of all users and items."""
        return self.decoder.branches(self.representations(graph))

    @torch.no_grad()
    def freeze(self, graph: InteractionGraph) -> FrozenModel:
        """One propagation, kept: everything that scoring, export and explanation need."""
        self.eval()
        representations = self.representations(graph)
        return FrozenModel(representations, self.decoder.branches(representations), self.decoder)


@dataclass(frozen=True)
class FrozenModel:
    """A trained model's tables. Scoring reads them and changes nothing: equal calls give equal bits.

    Args:
        representations: by tower, then by output.
        branches: the decoder's branches, `[U, d]` and `[I, d]` each.
        decoder: for the outcome and for branches of a reference item.
    """

    representations: dict[str, Representations]
    branches: Branches
    decoder: Decoder

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
    def reference_branches(self, reference: str) -> Branches:
        """Branches under do(item = reference item): the same decoder on representations with one item row.

        Args:
            reference: `mean` or `zero`, see `graphrec.causal.reference_item`.
        """
        intervened = {
            tower: {
                name: Representation(one.user, reference_item(reference, one.item)) for name, one in outputs.items()
            }
            for tower, outputs in self.representations.items()
        }
        return self.decoder.branches(intervened)

    def scorer(self, estimand: Estimand) -> Scorer:
        """A function from users to scores of all items under an estimand.

        Raises:
            IdentificationError: the estimand is not identified on the decoder's causal graph.
        """
        estimand.identify(self.outcome)
        reference = self.reference_branches(estimand.reference) if estimand.needs_reference else None
        return Scorer(self.branches, reference, self.outcome, estimand)


@dataclass(frozen=True)
class Scorer:
    """Scores blocks of users against all items under one estimand."""

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
    def num_items(self) -> int:
        return next(iter(self.branches.values())).item.shape[0]

    def bytes_per_user(self) -> int:
        """About how much memory one user's scores take while they are computed."""
        return 4 * self.num_items * (len(self.branches) + 4)


def _make_tables(shapes: dict[str, tuple[int, int]], trainable: bool) -> nn.ParameterDict:
    tables = nn.ParameterDict()
    for name in sorted(shapes):
        table = torch.empty(shapes[name])
        nn.init.xavier_normal_(table)
        tables[name] = nn.Parameter(table, requires_grad=trainable)
    return tables
