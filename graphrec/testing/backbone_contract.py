"""What every backbone must do; a class joins in three lines:

class TestMyBackbone(BackboneContract):
    backbone = "my_module:MyBackbone"
    settings: ClassVar = {"layers": 2}
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.func import functional_call

from graphrec.backbones import Backbone, BackboneConfig, Pairs, Representation, Representations, backbones
from graphrec.backbones.base import FUSED, ID, check_compatibility
from graphrec.errors import RecipeError
from graphrec.graph.build import InteractionGraph
from graphrec.testing.instruments import (
    Tables,
    WatchedGraph,
    WithoutChance,
    assert_equal,
    close,
    every_pair,
    gradient,
    held_by,
    leaves,
    named,
    renumbered,
    stir,
    weigh,
)
from graphrec.testing.message_passing import MessagePassing, attention_by_message_passing
from graphrec.testing.planted import planted_split, popular_recall, trained_recall
from graphrec.testing.small_graph import LONE_ITEM, LONE_USER, MISSING, NUM_ITEMS, NUM_USERS, as_bag, small_graph

Named = dict[tuple[str, str, str], Tensor]
"""Keyed by evaluation or training, the output and its side, or by training, the loss and `loss`."""
STEP = 1e-7
"""Of finite differences."""
_REGISTERED = ("_parameters", "_buffers", "_modules")
"""Where a module keeps what it knows to be trained or saved."""


class BackboneContract:
    """Every test but that of the planted world builds the backbone on `small_graph` in double precision."""

    backbone: ClassVar[str]
    """Its registered name, or its import path."""
    settings: ClassVar[dict[str, Any]] = {}
    output_sets: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("id",),
        ("visual",),
        ("title", "acoustic"),
        ("fused",),
        ("id", "fused", "visual", "title", "acoustic"),
    )
    """Subsets of the outputs that a decoder may ask for."""
    uses_edges: ClassVar[bool | tuple[str, ...]] = True
    """False for one that propagates nothing; where the users of some outputs hear of edges, the names of these."""
    modalities_propagate: ClassVar[bool] = True
    """False where an item's features do not reach its neighbours."""
    separates_feedback_roles: ClassVar[bool] = True
    """False for one that propagates over the edges of both roles."""
    without_edge_dropout: ClassVar[dict[str, Any]] = {}
    """Settings under which no epoch leaves out edges by chance."""
    node_parameters: ClassVar[tuple[str, ...]] = ()
    """Parts of the names of parameters that act on every node, with features or without, though not in `id`."""
    targets: ClassVar[tuple[str, ...]] = ()
    """What training adds to the representations as a target, where the paper stops the gradient."""
    constant_buffers: ClassVar[tuple[str, ...]] = ()
    """Names of buffers of floating-point numbers that nothing is meant to train."""
    planted_recall: ClassVar[float] = 0.5
    """Share of the withheld likes of `graphrec.testing.planted` that CT on it must rank first; popularity finds .06."""
    planted_epochs: ClassVar[int] = 15
    """Epochs in which it must get there."""

    def config(self, **more: Any) -> BackboneConfig:
        return backbones.get(self.backbone).Config(**{"embedding_size": 3, **self.settings, **more})

    def build(
        self, graph: InteractionGraph, outputs: tuple[str, ...], role: str = "click", seed: int = 0, **settings: Any
    ) -> tuple[Backbone, Tables]:
        """The backbone and its embedding tables."""
        kind, config = backbones.get(self.backbone), self.config(**settings)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            backbone = kind(config, graph, role, outputs).double().eval()
            tables = {
                name: nn.Parameter(nn.init.xavier_normal_(torch.empty(shape, dtype=torch.float64)))
                for name, shape in kind.tables(config, graph, outputs).items()
            }
        return backbone, tables

    def in_training(
        self,
        backbone: Backbone,
        graph: InteractionGraph,
        tables: Mapping[str, Tensor],
        pairs: Pairs | None = None,
        held: Representations | None = None,
    ) -> tuple[Representations, dict[str, Tensor]]:
        """What the first step of an epoch computes, and the backbone's own losses of it, by name and not yet weighed.

        Args:
            pairs: the batch; by default every pair of the role.
            held: representations that take the place of those computed now.
        """
        backbone.train()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            backbone.start_epoch(graph, torch.Generator().manual_seed(0))
            found = backbone(graph, tables) | (held or {})
            batch = every_pair(graph, backbone.feedback_role) if pairs is None else pairs
            losses = {one.name: one.loss(found, batch) for one in backbone.auxiliaries()}
        backbone.eval()
        return found, losses

    def training_loss(self, backbone: Backbone, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Tensor:
        """A scalar of every entry of every output, and the backbone's own losses, as training takes them."""
        found, losses = self.in_training(backbone, graph, tables)
        own = [one.weight * losses[one.name] for one in backbone.auxiliaries()]
        return torch.stack([weigh({name: found[name] for name in backbone.outputs}), *own]).sum()

    def everything(
        self,
        backbone: Backbone,
        graph: InteractionGraph,
        tables: Mapping[str, Tensor],
        pairs: Pairs | None = None,
        chance: AbstractContextManager[Any] | None = None,
    ) -> Named:
        """The outputs in evaluation and in training, and the backbone's own losses; no part of a table itself.

        Args:
            pairs: the batch; by default every pair of the role.
            chance: what stands around training.
        """
        with torch.no_grad():
            scored = backbone(graph, tables)
            with chance or nullcontext():
                trained, losses = self.in_training(backbone, graph, tables, pairs)
        sides = {
            (mode, name, side): getattr(found[name], side).clone()
            for mode, found in (("evaluation", scored), ("training", trained))
            for name in backbone.outputs
            for side in ("user", "item")
        }
        return sides | {("training", name, "loss"): loss for name, loss in losses.items()}

    @pytest.fixture
    def graph(self) -> InteractionGraph:
        return small_graph()

    def test_gives_one_pair_of_tables_for_each_wanted_output(self, graph: InteractionGraph) -> None:
        for outputs in self.output_sets:
            backbone, tables = self.build(graph, outputs)
            found = backbone(graph, tables)
            assert tuple(found) == outputs
            for one in found.values():
                assert one.user.shape == (NUM_USERS, 3)
                assert one.item.shape == (NUM_ITEMS, 3)

    def test_what_training_adds_has_a_name_that_no_modality_has(self, graph: InteractionGraph) -> None:
        for outputs in self.output_sets:
            backbone, tables = self.build(graph, outputs)
            found, _ = self.in_training(backbone, graph, tables)
            assert [name for name in found if name not in (*outputs, ID, FUSED) and "/" not in name] == []

    def test_nothing_is_hidden_from_training_and_saving(self, graph: InteractionGraph) -> None:
        """No tensor or module in a plain attribute, a list, a dict or a tuple; no buffer or leaf that should be one."""
        for outputs in self.output_sets:
            backbone, tables = self.build(graph, outputs)
            known = {id(one) for one in (*backbone.modules(), *backbone.parameters(), *tables.values())}
            for module in backbone.modules():
                plain = {name: value for name, value in vars(module).items() if name not in _REGISTERED}
                stray = [place for place, one in held_by(plain) if id(one) not in known]
                assert stray == [], "a plain tensor or module is neither trained nor saved"
            floating = [name for name, one in backbone.named_buffers() if one.is_floating_point() or one.is_complex()]
            undeclared = set(floating) - set(self.constant_buffers)
            assert not undeclared, "a buffer is never trained: make it a parameter, or name it in constant_buffers"
            unknown = [leaf for leaf in leaves(self.training_loss(backbone, graph, tables)) if id(leaf) not in known]
            assert not unknown, "a gradient goes to a tensor that no optimiser sees"

    def test_every_parameter_has_a_gradient(self, graph: InteractionGraph) -> None:
        for outputs in self.output_sets:
            backbone, tables = self.build(graph, outputs)
            self.training_loss(backbone, graph, tables).backward()
            for name, parameter in [*backbone.named_parameters(), *tables.items()]:
                assert parameter.grad is not None, f"{name} plays no part in {outputs}"
                assert parameter.grad.isfinite().all(), f"{name} in {outputs}"
                assert parameter.grad.abs().max() > 0, f"{name} plays no part in {outputs}"

    def test_an_output_does_not_depend_on_what_else_is_wanted(self, graph: InteractionGraph) -> None:
        everything = self.output_sets[-1]
        backbone, tables = self.build(graph, everything)
        together = backbone(graph, tables)
        for outputs in self.output_sets:
            alone, _ = self.build(graph, outputs)
            assert alone.state_dict().keys() <= backbone.state_dict().keys()
            alone.load_state_dict({key: backbone.state_dict()[key] for key in alone.state_dict()})
            assert_equal(alone(graph, tables), {name: together[name] for name in outputs})

    def test_permuting_users_or_items_permutes_the_output_and_nothing_else(self, graph: InteractionGraph) -> None:
        """In evaluation; in training with all chance taken out; and the losses of the same pairs, which stay."""
        rng = np.random.default_rng(1)
        users, items = rng.permutation(NUM_USERS), rng.permutation(NUM_ITEMS)
        backbone, tables = self.build(graph, self.output_sets[-1], **self.without_edge_dropout)
        plain = self.everything(backbone, graph, tables, chance=WithoutChance())
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
            moved_graph = small_graph(users=moved_users, items=moved_items)
            batch = renumbered(every_pair(graph, backbone.feedback_role), moved_users, moved_items)
            moved = self.everything(backbone, moved_graph, moved_tables, batch, WithoutChance())
            for name, one in plain.items():
                rows = {"user": moved_users, "item": moved_items}.get(name[2])
                close(moved[name], one if rows is None else one[rows], name)

    def test_nodes_without_neighbours_are_finite_and_their_own(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.output_sets[-1])
        for name, one in backbone(graph, tables).items():
            for row in (one.user[LONE_USER], one.item[LONE_ITEM]):
                assert row.isfinite().all(), name
                if backbone.includes_layer_zero:
                    assert row.abs().max() > 0, f"{name}: zero, unless includes_layer_zero = False should say so"

    def test_what_is_stored_for_a_missing_modality_is_not_read(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.output_sets[-1])
        wrong = small_graph(stored_in_missing=9.0)
        assert_equal(backbone(graph, tables), backbone(wrong, tables))
        assert torch.equal(*(self.training_loss(backbone, one, tables) for one in (graph, wrong))), "in training"

    def test_who_reads_a_modality_asks_which_items_have_it(self) -> None:
        watched = WatchedGraph()
        backbone, tables = self.build(watched, self.output_sets[-1])
        backbone(watched, tables)
        assert watched.read <= watched.asked, "the zeros of a missing row are taken as data"

    def test_an_item_without_features_has_nothing_of_their_parameters(self, graph: InteractionGraph) -> None:
        """Of an item without neighbours either: what lacks m in the output m, what lacks all in every output."""
        alone = {name for part in self.build(graph, ("id",)) for name in named(part)}
        cases = [((m,), (m,)) for m in graph.modalities if m in self.output_sets[-1]]
        for lacking, outputs in (*cases, (graph.modalities, self.output_sets[-1])):
            poorer = small_graph()
            for m in lacking:
                poorer.data["item"][f"{m}_mask"][LONE_ITEM] = False
            backbone, tables = self.build(poorer, outputs)
            own = {
                name: one
                for name, one in (named(backbone) | named(tables)).items()
                if name not in alone or any(m in name for m in lacking)
                if not any(part in name for part in self.node_parameters)
            }
            before = self.everything(backbone, poorer, tables)
            stir(own)
            after = self.everything(backbone, poorer, tables)
            for name in after:
                if name[2] == "item":
                    told = f"{name}: zeros are taken as data by one of {[*own]}, unless node_parameters should name it"
                    close(after[name][LONE_ITEM], before[name][LONE_ITEM], told)

    def test_a_modality_hears_of_a_missing_item_from_its_neighbours(self, graph: InteractionGraph) -> None:
        for modality, item in MISSING.items() if self.modalities_propagate else ():
            backbone, tables = self.build(graph, (modality,))
            before = backbone(graph, tables)[modality].item[item]
            changed = small_graph()
            values = graph.data["item"][modality].to_dense().flip(1)
            changed.data["item"][modality] = as_bag(values) if graph.is_bag(modality) else values
            assert not torch.equal(before, backbone(changed, tables)[modality].item[item])

    def test_training_is_repeatable_and_leaves_no_trace_in_evaluation(self, graph: InteractionGraph) -> None:
        (first, tables), (second, other) = (self.build(graph, self.output_sets[-1]) for _ in range(2))
        before = first(graph, tables)
        assert torch.equal(self.training_loss(first, graph, tables), self.training_loss(second, graph, other))
        assert_equal(before, first(graph, tables))
        names = [one.name for one in first.auxiliaries()]
        assert len(set(names)) == len(names)
        assert tuple(names) == type(first).auxiliary_losses

    @pytest.mark.parametrize("role", ["click", "like"])
    def test_only_the_edges_of_its_role_are_used(self, graph: InteractionGraph, role: str) -> None:
        """On a graph with the same pairs of the role, and others of the other role, nothing is different."""
        if not self.separates_feedback_roles:
            pytest.skip("propagates over both roles' edges")
        other = small_graph(extra_clicks=((LONE_USER, LONE_ITEM), (LONE_USER, 3), (0, LONE_ITEM)))
        if role == "click":
            other = small_graph()
            other.data["user", "like", "item"].edge_index = graph.data["user", "like", "item"].edge_index[:, ::2]
        assert [torch.equal(graph.pairs(one), other.pairs(one)) for one in ("click", "like")].count(True) == 1
        for outputs in self.output_sets:
            backbone, tables = self.build(graph, outputs, role=role)
            before = self.everything(backbone, graph, tables)
            for name, one in self.everything(backbone, other, tables).items():
                assert torch.equal(one, before[name]), f"{name} depends on the edges of the other role"

    def test_an_edge_changes_its_user_in_every_output(self, graph: InteractionGraph) -> None:
        """A first edge, in evaluation and in training; where the class says that no edges are used, nothing changes."""
        backbone, tables = self.build(graph, self.output_sets[-1], **self.without_edge_dropout)
        busier = small_graph(extra_clicks=((LONE_USER, LONE_ITEM),))
        before, after = (self.everything(backbone, one, tables) for one in (graph, busier))
        users = backbone.outputs if self.uses_edges is True else self.uses_edges or ()
        for name in before:
            if name[2] == "user":
                same = torch.equal(before[name][LONE_USER], after[name][LONE_USER])
                assert same != (name[1] in users), f"{name} is {'the same' if same else 'not the same'} with an edge"

    def test_the_same_call_gives_the_same_bits(self, graph: InteractionGraph) -> None:
        (first, tables), (second, other) = (self.build(graph, self.output_sets[-1]) for _ in range(2))
        assert_equal(first(graph, tables), first(graph, tables))
        assert_equal(first(graph, tables), second(graph, other))

    @pytest.mark.parametrize("training", [False, True])
    def test_agrees_with_message_passing_over_edge_index(self, graph: InteractionGraph, training: bool) -> None:
        backbone, tables = self.build(graph, self.output_sets[-1])
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
                losses.append(self.training_loss(backbone, one, tables) if training else weigh(found[-1]))
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
        backbone, tables = self.build(graph, self.output_sets[-1])
        names = [name for name, _ in backbone.named_parameters()]

        def outputs(*values: Tensor) -> tuple[Tensor, ...]:
            parameters, given = dict(zip(names, values)), dict(zip(tables, values[len(names) :]))
            found = functional_call(backbone, parameters, (graph, given))
            return tuple(part for one in found.values() for part in (one.user, one.item))

        inputs = [p.detach().clone().requires_grad_() for p in [*backbone.parameters(), *tables.values()]]
        assert torch.autograd.gradcheck(outputs, inputs, fast_mode=True)

    def test_gradients_in_training_agree_with_finite_differences(self, graph: InteractionGraph) -> None:
        """Of the outputs and of each loss of its own; a detached path disagrees, but for the declared targets."""
        backbone, tables = self.build(graph, self.output_sets[-1])
        learned = named(backbone) | named(tables)
        stir(learned)
        first, _ = self.in_training(backbone, graph, tables)
        held = {name: Representation(first[name].user.detach(), first[name].item.detach()) for name in self.targets}
        reached = [name for name in held if first[name].user.requires_grad or first[name].item.requires_grad]
        assert reached == [], "a gradient reaches a target"

        def values() -> dict[str, Tensor]:
            found, losses = self.in_training(backbone, graph, tables, held=held)
            return {"outputs": weigh({name: found[name] for name in backbone.outputs})} | losses

        generator = torch.Generator().manual_seed(0)
        ways = [torch.randn(one.shape, generator=generator, dtype=one.dtype) for one in learned.values()]
        analytic = {
            name: sum(float((slope * way).sum()) for slope, way in zip(gradient(one, learned), ways))
            for name, one in values().items()
        }
        ends = []
        for step in (STEP, -2 * STEP):  # ahead of where it was, then as far behind
            with torch.no_grad():
                for one, way in zip(learned.values(), ways):
                    one.add_(way, alpha=step)
                ends.append(values())
        for name, slope in analytic.items():
            numeric = float(ends[0][name] - ends[1][name]) / (2 * STEP)
            assert slope == pytest.approx(numeric, rel=1e-5, abs=1e-6), f"the gradient of {name} is not its slope"

    def test_a_state_dict_read_from_bytes_gives_the_same_bits(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.output_sets[-1])
        twin, _ = self.build(graph, self.output_sets[-1], seed=1)
        own = list(zip(backbone.parameters(), twin.parameters()))
        assert any(not torch.equal(a, b) for a, b in own) or not own
        twin.load_state_dict(load(save({key: value.clone() for key, value in backbone.state_dict().items()})))
        assert_equal(twin(graph, tables), backbone(graph, tables))

    def test_what_is_planted_is_found_and_popularity_is_beaten(self) -> None:
        split = planted_split()
        wide = {key: value for key, value in self.settings.items() if key != "embedding_size"}
        found = trained_recall(split, "ct", backbone=self.backbone, backbone_settings=wide, epochs=self.planted_epochs)
        assert found >= self.planted_recall > popular_recall(split)

    def test_works_without_any_modality_or_says_that_it_cannot(self) -> None:
        bare = small_graph(modalities=())
        kind = backbones.get(self.backbone)
        if kind.needs_modalities:
            with pytest.raises(RecipeError, match="no item features"):
                check_compatibility(kind, bare, "click")
            return
        for outputs in (("id",), ("fused",), ("id", "fused")):
            backbone, tables = self.build(bare, outputs)
            for one in backbone(bare, tables).values():
                assert one.user.isfinite().all() and one.item.isfinite().all()

    def test_single_precision_is_near_double_precision(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.output_sets[-1])
        exact = backbone(graph, tables)
        rough = backbone.float()(graph, {name: table.float() for name, table in tables.items()})
        for name, one in rough.items():
            assert one.user.dtype == torch.float32
            torch.testing.assert_close(one.user.double(), exact[name].user, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(one.item.double(), exact[name].item, rtol=1e-4, atol=1e-5)
