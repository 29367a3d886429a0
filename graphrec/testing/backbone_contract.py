"""What every backbone must do; a class joins in three lines:

class TestMyBackbone(BackboneContract):
    name = "my_module:MyBackbone"
    settings: ClassVar = {"layers": 2}
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.func import functional_call

from graphrec.backbones import Backbone, BackboneConfig, Pairs, Representations, backbones
from graphrec.backbones.base import refuse_misfits
from graphrec.errors import RecipeError
from graphrec.graph.build import InteractionGraph
from graphrec.testing.message_passing import MessagePassing, attention_by_message_passing
from graphrec.testing.planted import planted_split, popular_recall, trained_recall
from graphrec.testing.small_graph import LONE_ITEM, LONE_USER, MISSING, NUM_ITEMS, NUM_USERS, as_bag, small_graph

Tables = dict[str, nn.Parameter]


class BackboneContract:
    """Every test but that of the planted world builds the backbone on `small_graph` in double precision."""

    name: ClassVar[str]
    """Registered name, or import path."""
    settings: ClassVar[dict[str, Any]] = {}
    choices: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("id",),
        ("visual",),
        ("title", "acoustic"),
        ("fused",),
        ("id", "fused", "visual", "title", "acoustic"),
    )
    """Subsets of the outputs that a decoder may ask for."""
    uses_edges: ClassVar[bool] = True
    """False for one that propagates nothing."""
    modalities_travel: ClassVar[bool] = True
    """False where an item's features do not reach its neighbours."""
    roles_kept_apart: ClassVar[bool] = True
    """False for one that propagates over the edges of both roles."""
    planted_recall: ClassVar[float] = 0.5
    """Share of the withheld likes of `graphrec.testing.planted` that CT on it must rank first; popularity finds .06."""
    planted_epochs: ClassVar[int] = 15
    """Epochs in which it must get there."""

    def config(self, **more: Any) -> BackboneConfig:
        return backbones.get(self.name).Config(**{"embedding_size": 3, **self.settings, **more})

    def build(
        self, graph: InteractionGraph, outputs: tuple[str, ...], role: str = "click", seed: int = 0
    ) -> tuple[Backbone, Tables]:
        """The backbone and its embedding tables."""
        kind = backbones.get(self.name)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            backbone = kind(self.config(), graph, role, outputs).double().eval()
            tables = {
                name: nn.Parameter(nn.init.xavier_normal_(torch.empty(shape, dtype=torch.float64)))
                for name, shape in kind.tables(self.config(), graph, outputs).items()
            }
        return backbone, tables

    def training_loss(self, backbone: Backbone, graph: InteractionGraph, tables: Tables) -> Tensor:
        """A scalar of every entry of every output, and the backbone's own losses, as training takes them."""
        backbone.train()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            backbone.start_epoch(graph, torch.Generator().manual_seed(0))
            found = backbone(graph, tables)
            users, items = graph.pairs(backbone.role).T
            pairs = Pairs(users, items, items.flip(0))
            own = [one.weight * one.loss(found, pairs) for one in backbone.auxiliaries()]
        backbone.eval()
        return torch.stack([_weigh({name: found[name] for name in backbone.outputs}), *own]).sum()

    @pytest.fixture
    def graph(self) -> InteractionGraph:
        return small_graph()

    def test_gives_one_pair_of_tables_for_each_wanted_output(self, graph: InteractionGraph) -> None:
        for outputs in self.choices:
            backbone, tables = self.build(graph, outputs)
            found = backbone(graph, tables)
            assert tuple(found) == outputs
            for one in found.values():
                assert one.user.shape == (NUM_USERS, 3)
                assert one.item.shape == (NUM_ITEMS, 3)

    def test_every_learnable_tensor_is_a_parameter_with_a_gradient(self, graph: InteractionGraph) -> None:
        for outputs in self.choices:
            backbone, tables = self.build(graph, outputs)
            for module in backbone.modules():
                stray = [name for name, value in vars(module).items() if isinstance(value, Tensor)]
                assert stray == [], "a plain tensor is neither trained nor saved"
            self.training_loss(backbone, graph, tables).backward()
            for name, parameter in [*backbone.named_parameters(), *tables.items()]:
                assert parameter.grad is not None, f"{name} plays no part in {outputs}"
                assert parameter.grad.isfinite().all(), f"{name} in {outputs}"
                assert parameter.grad.abs().max() > 0, f"{name} plays no part in {outputs}"

    def test_an_output_does_not_depend_on_what_else_is_wanted(self, graph: InteractionGraph) -> None:
        everything = self.choices[-1]
        backbone, tables = self.build(graph, everything)
        together = backbone(graph, tables)
        for outputs in self.choices:
            alone, _ = self.build(graph, outputs)
            assert alone.state_dict().keys() <= backbone.state_dict().keys()
            alone.load_state_dict({key: backbone.state_dict()[key] for key in alone.state_dict()})
            assert_equal(alone(graph, tables), {name: together[name] for name in outputs})

    def test_permuting_users_or_items_permutes_the_output_and_nothing_else(self, graph: InteractionGraph) -> None:
        rng = np.random.default_rng(1)
        users, items = rng.permutation(NUM_USERS), rng.permutation(NUM_ITEMS)
        outputs = self.choices[-1]
        backbone, tables = self.build(graph, outputs)
        plain = backbone(graph, tables)
        for moved_users, moved_items in (
            (users, np.arange(NUM_ITEMS)),
            (np.arange(NUM_USERS), items),
            (users, items),
        ):
            order = {
                NUM_USERS: moved_users,
                NUM_ITEMS: moved_items,
                NUM_USERS + NUM_ITEMS: np.concatenate([moved_users, NUM_USERS + moved_items]),
            }
            moved_tables = {
                name: table[order[len(table)]] if len(table) in order else table for name, table in tables.items()
            }
            moved = backbone(small_graph(users=moved_users, items=moved_items), moved_tables)
            for name in outputs:
                close(moved[name].user, plain[name].user[moved_users])
                close(moved[name].item, plain[name].item[moved_items])

    def test_nodes_without_neighbours_are_finite_and_their_own(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.choices[-1])
        for name, one in backbone(graph, tables).items():
            for row in (one.user[LONE_USER], one.item[LONE_ITEM]):
                assert row.isfinite().all(), name
                assert row.abs().max() > 0, name

    def test_what_is_stored_for_a_missing_modality_is_not_read(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.choices[-1])
        wrong = small_graph(stored_in_missing=9.0)
        assert_equal(backbone(graph, tables), backbone(wrong, tables))
        assert torch.equal(*(self.training_loss(backbone, one, tables) for one in (graph, wrong))), "in training"

    def test_who_reads_a_modality_asks_which_items_have_it(self) -> None:
        outputs, watched = self.choices[-1], _WatchedGraph()
        self.build(watched, outputs)[0](watched, self.build(watched, outputs)[1])
        assert watched.read <= watched.asked, "the zeros of a missing row are taken as data"

    def test_a_modality_hears_of_a_missing_item_from_its_neighbours(self, graph: InteractionGraph) -> None:
        for modality, item in MISSING.items() if self.modalities_travel else ():
            backbone, tables = self.build(graph, (modality,))
            before = backbone(graph, tables)[modality].item[item]
            changed = small_graph()
            values = graph.data["item"][modality].to_dense().flip(1)
            changed.data["item"][modality] = as_bag(values) if graph.is_bag(modality) else values
            assert not torch.equal(before, backbone(changed, tables)[modality].item[item])

    def test_training_is_repeatable_and_leaves_no_trace_in_evaluation(self, graph: InteractionGraph) -> None:
        (first, tables), (second, other) = (self.build(graph, self.choices[-1]) for _ in range(2))
        before = first(graph, tables)
        assert torch.equal(self.training_loss(first, graph, tables), self.training_loss(second, graph, other))
        assert_equal(before, first(graph, tables))
        names = [one.name for one in first.auxiliaries()]
        assert len(set(names)) == len(names)
        assert tuple(names) == type(first).auxiliary_losses

    def test_only_the_edges_of_its_role_are_used(self, graph: InteractionGraph) -> None:
        if not self.roles_kept_apart:
            pytest.skip("propagates over both roles' edges")
        busier = small_graph(extra_clicks=((LONE_USER, LONE_ITEM),))
        backbone, tables = self.build(graph, ("id",), role="like")
        assert_equal(backbone(graph, tables), backbone(busier, tables))
        backbone, tables = self.build(graph, ("id",), role="click")
        before, after = (backbone(one, tables)["id"].user[LONE_USER] for one in (graph, busier))
        assert torch.equal(before, after) != self.uses_edges

    def test_the_same_call_gives_the_same_bits(self, graph: InteractionGraph) -> None:
        (first, tables), (second, other) = (self.build(graph, self.choices[-1]) for _ in range(2))
        assert_equal(first(graph, tables), first(graph, tables))
        assert_equal(first(graph, tables), second(graph, other))

    @pytest.mark.parametrize("training", [False, True])
    def test_agrees_with_message_passing_over_edge_index(self, graph: InteractionGraph, training: bool) -> None:
        backbone, tables = self.build(graph, self.choices[-1])
        passing = small_graph()
        passing.propagator = lambda role, scaling, **more: MessagePassing(  # type: ignore[method-assign, assignment, misc]
            graph.pairs(role), NUM_USERS, NUM_ITEMS, scaling, **more
        )
        found, losses, gradients = [], [], []
        for one, way in ((graph, nullcontext()), (passing, attention_by_message_passing())):
            backbone.zero_grad(set_to_none=True)
            for table in tables.values():
                table.grad = None
            with way:
                found.append(backbone(one, tables))
                losses.append(self.training_loss(backbone, one, tables) if training else _weigh(found[-1]))
                losses[-1].backward()
            gradients.append([p.grad for p in [*backbone.parameters(), *tables.values()]])
        close(*losses)
        for ours, theirs in zip(*gradients):
            close(ours, theirs)
        fast, slow = found
        for name in fast:
            close(fast[name].user, slow[name].user)
            close(fast[name].item, slow[name].item)

    def test_gradients_agree_with_finite_differences(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.choices[-1])
        names = [name for name, _ in backbone.named_parameters()]

        def outputs(*values: Tensor) -> tuple[Tensor, ...]:
            parameters, given = dict(zip(names, values)), dict(zip(tables, values[len(names) :]))
            found = functional_call(backbone, parameters, (graph, given))
            return tuple(part for one in found.values() for part in (one.user, one.item))

        inputs = [p.detach().clone().requires_grad_() for p in [*backbone.parameters(), *tables.values()]]
        assert torch.autograd.gradcheck(outputs, inputs, fast_mode=True)

    def test_a_state_dict_read_from_bytes_gives_the_same_bits(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.choices[-1])
        twin, _ = self.build(graph, self.choices[-1], seed=1)
        own = list(zip(backbone.parameters(), twin.parameters()))
        assert any(not torch.equal(a, b) for a, b in own) or not own
        twin.load_state_dict(load(save({key: value.clone() for key, value in backbone.state_dict().items()})))
        assert_equal(twin(graph, tables), backbone(graph, tables))

    def test_what_is_planted_is_found_and_popularity_is_beaten(self) -> None:
        split = planted_split()
        wide = {key: value for key, value in self.settings.items() if key != "embedding_size"}
        found = trained_recall(split, "ct", backbone=self.name, backbone_settings=wide, epochs=self.planted_epochs)
        assert found >= self.planted_recall > popular_recall(split)

    def test_works_without_any_modality_or_says_that_it_cannot(self) -> None:
        bare = small_graph(modalities=())
        kind = backbones.get(self.name)
        if kind.needs_modalities:
            with pytest.raises(RecipeError, match="no item features"):
                refuse_misfits(kind, bare, "click")
            return
        for outputs in (("id",), ("fused",), ("id", "fused")):
            backbone, tables = self.build(bare, outputs)
            for one in backbone(bare, tables).values():
                assert one.user.isfinite().all() and one.item.isfinite().all()

    def test_single_precision_is_near_double_precision(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.choices[-1])
        exact = backbone(graph, tables)
        rough = backbone.float()(graph, {name: table.float() for name, table in tables.items()})
        for name, one in rough.items():
            assert one.user.dtype == torch.float32
            torch.testing.assert_close(one.user.double(), exact[name].user, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(one.item.double(), exact[name].item, rtol=1e-4, atol=1e-5)


def assert_equal(one: Representations, other: Representations) -> None:
    """Equal names and equal bits."""
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name].user, other[name].user), name
        assert torch.equal(one[name].item, other[name].item), name


def close(one: Tensor, other: Tensor) -> None:
    """Equal up to the rounding of a few hundred operations in double precision."""
    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


def _weigh(representations: Representations) -> Tensor:
    """A scalar in which every entry of every output has a weight of its own."""
    generator = torch.Generator().manual_seed(3)
    parts = [part for one in representations.values() for part in (one.user, one.item)]
    return torch.stack(
        [(part * torch.randn(part.shape, generator=generator, dtype=part.dtype)).sum() for part in parts]
    ).sum()


class _WatchedGraph(InteractionGraph):
    """The small graph, which remembers of which modalities the features were read and the mask was asked for."""

    def __init__(self) -> None:
        graph = small_graph()
        super().__init__(graph.data, graph.feedback)
        self.read: set[str] = set()
        self.asked: set[str] = set()

    def features(self, modality: str) -> Tensor:
        self.read.add(modality)
        return super().features(modality)

    def mask(self, modality: str) -> Tensor:
        self.asked.add(modality)
        return super().mask(modality)
