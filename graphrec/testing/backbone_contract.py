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
from graphrec.testing.contract import Contract
from graphrec.testing.instruments import (
    RecordingGraph,
    Tables,
    WithoutRandomness,
    assert_close,
    assert_equal,
    contained,
    every_pair,
    gradient,
    gradient_leaves,
    named,
    perturb,
    renumbered,
    weighted_sum,
)
from graphrec.testing.message_passing import MessagePassing, attention_by_message_passing
from graphrec.testing.planted import planted_split, popular_recall, trained_recall
from graphrec.testing.small_graph import LONE_ITEM, LONE_USER, MISSING, NUM_ITEMS, NUM_USERS, as_bag, small_graph

Values = dict[tuple[str, str, str], Tensor]
"""Keyed by (evaluation or training, output, user or item), or by (training, name of a loss, loss)."""
STEP = 1e-7
"""Of finite differences."""
_REGISTERED = ("_parameters", "_buffers", "_modules")
"""Where a module keeps what torch trains and saves."""


class BackboneContract(Contract):
    """Every test but that of the planted world builds the backbone on `small_graph` in double precision.

    What a class declares is tested, too: a user's edges do change this one's outputs.

    >>> class TestMine(BackboneContract):
    ...     backbone = "lightgcn"
    ...     output_sets = (("id",), ("fused",), ("id", "fused"))
    ...     uses_edges = False
    >>> TestMine().config().embedding_size
    3
    >>> TestMine().test_an_edge_changes_its_user_in_every_output(small_graph())
    Traceback (most recent call last):
    AssertionError: ('evaluation', 'id', 'user') is not the same with an edge...
    """

    backbone: ClassVar[str]
    """Its registered name, or its import path."""
    settings: ClassVar[dict[str, Any]] = {}
    """Settings of the backbone by name; its defaults are used for all others."""
    output_sets: ClassVar[tuple[tuple[str, ...], ...]] = (
        ("id",),
        ("visual",),
        ("title", "acoustic"),
        ("fused",),
        ("id", "fused", "visual", "title", "acoustic"),
    )
    """Outputs that a decoder may ask for together. The last holds all of them."""
    uses_edges: ClassVar[bool | tuple[str, ...]] = True
    """False for one that propagates nothing. Where only some outputs of a user depend on edges, the names of these."""
    modalities_propagate: ClassVar[bool] = True
    """False where an item's features do not reach its neighbours."""
    separates_feedback_roles: ClassVar[bool] = True
    """False for one that propagates over the edges of both feedback roles."""
    without_edge_dropout: ClassVar[dict[str, Any]] = {}
    """Settings under which no epoch leaves out edges by chance."""
    node_parameters: ClassVar[tuple[str, ...]] = ()
    """Parts of the names of parameters that act on every node, with features or without, though not in `id`."""
    targets: ClassVar[tuple[str, ...]] = ()
    """What training adds to the representations as a target, where the paper stops the gradient."""
    constant_buffers: ClassVar[tuple[str, ...]] = ()
    """Names of floating-point buffers that are not meant to be trained."""
    planted_recall: ClassVar[float] = 0.5
    """Share of the withheld likes of `graphrec.testing.planted` that CT on it must rank first; popularity reaches
    .06."""
    planted_epochs: ClassVar[int] = 15
    """Epochs in which it must get there."""

    def config(self, **settings: Any) -> BackboneConfig:
        return backbones.get(self.backbone).Config(**{"embedding_size": 3, **self.settings, **settings})

    def build(
        self, graph: InteractionGraph, outputs: tuple[str, ...], role: str = "click", seed: int = 0, **settings: Any
    ) -> tuple[Backbone, Tables]:
        """The backbone and its embedding tables.

        Args:
            graph: what it propagates over.
            outputs: what a decoder asks for.
            role: the feedback role, `click` or `like`.
            seed: decides the initial weights.
            settings: besides those of the class.
        """
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
        replaced: Representations | None = None,
    ) -> tuple[Representations, dict[str, Tensor]]:
        """The representations of the first step of an epoch, and the backbone's own losses without their weights.

        Args:
            backbone, graph, tables: as `build` makes them.
            pairs: the batch; by default every pair of the feedback role.
            replaced: representations to use in place of those of the same name.
        """
        backbone.train()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            backbone.start_epoch(graph, torch.Generator().manual_seed(0))
            representations = backbone(graph, tables) | (replaced or {})
            batch = every_pair(graph, backbone.feedback_role) if pairs is None else pairs
            losses = {auxiliary.name: auxiliary.loss(representations, batch) for auxiliary in backbone.auxiliaries()}
        backbone.eval()
        return representations, losses

    def training_loss(self, backbone: Backbone, graph: InteractionGraph, tables: Mapping[str, Tensor]) -> Tensor:
        """A scalar of every entry of every output, plus the backbone's own losses with their weights."""
        representations, losses = self.in_training(backbone, graph, tables)
        outputs = weighted_sum({name: representations[name] for name in backbone.outputs})
        weighted = [auxiliary.weight * losses[auxiliary.name] for auxiliary in backbone.auxiliaries()]
        return torch.stack([outputs, *weighted]).sum()

    def all_values(
        self,
        backbone: Backbone,
        graph: InteractionGraph,
        tables: Mapping[str, Tensor],
        pairs: Pairs | None = None,
        context: AbstractContextManager[Any] | None = None,
    ) -> Values:
        """The outputs in evaluation and in training, and the backbone's own losses, as copies.

        Args:
            backbone, graph, tables: as `build` makes them.
            pairs: the batch; by default every pair of the feedback role.
            context: entered around training, such as `WithoutRandomness()`.
        """
        with torch.no_grad():
            evaluated = backbone(graph, tables)
            with context or nullcontext():
                trained, losses = self.in_training(backbone, graph, tables, pairs)
        sides = {
            (mode, name, side): getattr(representations[name], side).clone()
            for mode, representations in (("evaluation", evaluated), ("training", trained))
            for name in backbone.outputs
            for side in ("user", "item")
        }
        return sides | {("training", name, "loss"): loss for name, loss in losses.items()}

    @pytest.fixture
    def graph(self) -> InteractionGraph:
        return small_graph()

    def test_each_output_is_a_pair_of_tables(self, graph: InteractionGraph) -> None:
        for outputs in self.output_sets:
            backbone, tables = self.build(graph, outputs)
            representations = backbone(graph, tables)
            assert tuple(representations) == outputs
            for pair in representations.values():
                assert pair.user.shape == (NUM_USERS, 3)
                assert pair.item.shape == (NUM_ITEMS, 3)

    def test_what_training_adds_has_a_name_that_no_modality_has(self, graph: InteractionGraph) -> None:
        for outputs in self.output_sets:
            backbone, tables = self.build(graph, outputs)
            representations, _ = self.in_training(backbone, graph, tables)
            assert [name for name in representations if name not in (*outputs, ID, FUSED) and "/" not in name] == []

    def test_nothing_is_hidden_from_training_and_saving(self, graph: InteractionGraph) -> None:
        """No tensor or module in a plain attribute, a list, a dict or a tuple; no buffer that should be a parameter."""
        for outputs in self.output_sets:
            backbone, tables = self.build(graph, outputs)
            registered = {id(member) for member in (*backbone.modules(), *backbone.parameters(), *tables.values())}
            for module in backbone.modules():
                plain = {name: value for name, value in vars(module).items() if name not in _REGISTERED}
                stray = [path for path, member in contained(plain) if id(member) not in registered]
                assert stray == [], "a plain tensor or module is neither trained nor saved"
            floating = [name for name, buffer in backbone.named_buffers() if not _is_whole(buffer)]
            undeclared = set(floating) - set(self.constant_buffers)
            assert not undeclared, "a buffer is never trained: make it a parameter, or name it in constant_buffers"
            # What is hidden in an object that torch cannot look into still shows in the graph of the gradient.
            loss = self.training_loss(backbone, graph, tables)
            unregistered = [leaf for leaf in gradient_leaves(loss) if id(leaf) not in registered]
            assert not unregistered, "a gradient goes to a tensor that no optimiser sees"

    def test_every_parameter_has_a_gradient(self, graph: InteractionGraph) -> None:
        for outputs in self.output_sets:
            backbone, tables = self.build(graph, outputs)
            self.training_loss(backbone, graph, tables).backward()
            for name, parameter in [*backbone.named_parameters(), *tables.items()]:
                assert parameter.grad is not None, f"{name} plays no part in {outputs}"
                assert parameter.grad.isfinite().all(), f"{name} in {outputs}"
                assert parameter.grad.abs().max() > 0, f"{name} plays no part in {outputs}"

    def test_an_output_does_not_depend_on_the_other_outputs(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.output_sets[-1])
        together = backbone(graph, tables)
        for outputs in self.output_sets:
            alone, _ = self.build(graph, outputs)
            assert alone.state_dict().keys() <= backbone.state_dict().keys()
            alone.load_state_dict({key: backbone.state_dict()[key] for key in alone.state_dict()})
            assert_equal(alone(graph, tables), {name: together[name] for name in outputs})

    def test_permuting_users_or_items_permutes_the_output_and_nothing_else(self, graph: InteractionGraph) -> None:
        """In evaluation, and in training without randomness. The losses of the same pairs do not change."""
        rng = np.random.default_rng(1)
        users, items = rng.permutation(NUM_USERS), rng.permutation(NUM_ITEMS)
        backbone, tables = self.build(graph, self.output_sets[-1], **self.without_edge_dropout)
        plain = self.all_values(backbone, graph, tables, context=WithoutRandomness())
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
            moved = self.all_values(backbone, moved_graph, moved_tables, batch, WithoutRandomness())
            for name, value in plain.items():
                rows = {"user": moved_users, "item": moved_items}.get(name[2])
                assert_close(moved[name], value if rows is None else value[rows], name)

    def test_nodes_without_neighbours_are_finite_and_their_own(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.output_sets[-1])
        for name, pair in backbone(graph, tables).items():
            for row in (pair.user[LONE_USER], pair.item[LONE_ITEM]):
                assert row.isfinite().all(), name
                if backbone.includes_layer_zero:
                    assert row.abs().max() > 0, f"{name}: zero, unless includes_layer_zero = False should say so"

    def test_what_is_stored_for_a_missing_modality_is_not_read(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.output_sets[-1])
        wrong = small_graph(stored_in_missing=9.0)
        assert_equal(backbone(graph, tables), backbone(wrong, tables))
        losses = [self.training_loss(backbone, read, tables) for read in (graph, wrong)]
        assert torch.equal(*losses), "in training"

    def test_the_mask_of_every_modality_that_is_read_is_read_too(self) -> None:
        graph = RecordingGraph()
        backbone, tables = self.build(graph, self.output_sets[-1])
        backbone(graph, tables)
        assert graph.features_read <= graph.masks_read, "the zeros of a missing row are taken as data"

    def test_an_item_without_features_does_not_depend_on_their_parameters(self, graph: InteractionGraph) -> None:
        """An item without neighbours. If it lacks m: in the output m. If it lacks all modalities: in every output."""
        of_ids = {name for learned in self.build(graph, ("id",)) for name in named(learned)}
        cases = [((m,), (m,)) for m in graph.modalities if m in self.output_sets[-1]]
        for lacking, outputs in (*cases, (graph.modalities, self.output_sets[-1])):
            poorer = small_graph()
            for m in lacking:
                poorer.data["item"][f"{m}_mask"][LONE_ITEM] = False
            backbone, tables = self.build(poorer, outputs)
            of_features = {
                name: parameter
                for name, parameter in (named(backbone) | named(tables)).items()
                if name not in of_ids or any(m in name for m in lacking)
                if not any(fragment in name for fragment in self.node_parameters)
            }
            before = self.all_values(backbone, poorer, tables)
            perturb(of_features)
            after = self.all_values(backbone, poorer, tables)
            names = [*of_features]
            for name in after:
                if name[2] == "item":
                    message = (
                        f"{name}: zeros are taken as data by one of {names}, unless node_parameters should name it"
                    )
                    assert_close(after[name][LONE_ITEM], before[name][LONE_ITEM], message)

    def test_an_item_that_lacks_a_modality_gets_it_from_its_neighbours(self, graph: InteractionGraph) -> None:
        for modality, item in MISSING.items() if self.modalities_propagate else ():
            backbone, tables = self.build(graph, (modality,))
            before = backbone(graph, tables)[modality].item[item]
            changed = small_graph()
            values = graph.data["item"][modality].to_dense().flip(1)
            changed.data["item"][modality] = as_bag(values) if graph.is_bag(modality) else values
            assert not torch.equal(before, backbone(changed, tables)[modality].item[item])

    def test_training_is_repeatable_and_does_not_change_evaluation(self, graph: InteractionGraph) -> None:
        (first, tables), (second, other) = (self.build(graph, self.output_sets[-1]) for _ in range(2))
        before = first(graph, tables)
        assert torch.equal(self.training_loss(first, graph, tables), self.training_loss(second, graph, other))
        assert_equal(before, first(graph, tables))
        names = [auxiliary.name for auxiliary in first.auxiliaries()]
        assert len(set(names)) == len(names)
        assert tuple(names) == type(first).auxiliary_losses

    def test_a_training_resumes_within_an_epoch_with_the_same_bits(self, graph: InteractionGraph) -> None:
        """What an epoch computed from weights that have changed since is in `epoch_state`."""
        (first, tables), (second, _) = (self.build(graph, self.output_sets[-1], seed=seed) for seed in (0, 1))
        with torch.no_grad():
            self.in_training(first, graph, tables)
            direction = torch.Generator().manual_seed(1)
            changed = [*first.parameters(), *tables.values()]
            for parameter in changed:
                parameter.add_(torch.randn(parameter.shape, generator=direction, dtype=parameter.dtype))
            second.load_state_dict(first.state_dict())
            second.start_epoch(graph, torch.Generator().manual_seed(0))
            second.load_epoch_state({name: value.clone() for name, value in first.epoch_state().items()})
            outputs = []
            for backbone in (first, second):
                backbone.train()
                with torch.random.fork_rng():
                    torch.manual_seed(0)
                    outputs.append(backbone(graph, tables))
        assert_equal(*outputs)

    @pytest.mark.parametrize("role", ["click", "like"])
    def test_only_the_edges_of_its_feedback_role_are_used(self, graph: InteractionGraph, role: str) -> None:
        """A graph with the same pairs of this feedback role, and different ones of the other, gives the same values."""
        if not self.separates_feedback_roles:
            pytest.skip("propagates over the edges of both feedback roles")
        other = small_graph(extra_clicks=((LONE_USER, LONE_ITEM), (LONE_USER, 3), (0, LONE_ITEM)))
        if role == "click":
            other = small_graph()
            other.data["user", "like", "item"].edge_index = graph.data["user", "like", "item"].edge_index[:, ::2]
        same = [torch.equal(graph.pairs(each), other.pairs(each)) for each in ("click", "like")]
        assert same.count(True) == 1
        for outputs in self.output_sets:
            backbone, tables = self.build(graph, outputs, role=role)
            before = self.all_values(backbone, graph, tables)
            for name, value in self.all_values(backbone, other, tables).items():
                assert torch.equal(value, before[name]), f"{name} depends on the edges of the other feedback role"

    def test_an_edge_changes_its_user_in_every_output(self, graph: InteractionGraph) -> None:
        """A user's first edge, in evaluation and in training. Nothing changes where `uses_edges` says so."""
        backbone, tables = self.build(graph, self.output_sets[-1], **self.without_edge_dropout)
        busier = small_graph(extra_clicks=((LONE_USER, LONE_ITEM),))
        before, after = (self.all_values(backbone, each, tables) for each in (graph, busier))
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
        outputs, losses, gradients = [], [], []
        for each, context in ((graph, nullcontext()), (passing, attention_by_message_passing())):
            backbone.zero_grad(set_to_none=True)
            for table in tables.values():
                table.grad = None
            with context:
                outputs.append(backbone(each, tables))
                losses.append(self.training_loss(backbone, each, tables) if training else weighted_sum(outputs[-1]))
                losses[-1].backward()
            gradients.append([parameter.grad for parameter in [*backbone.parameters(), *tables.values()]])
        assert_close(*losses)
        for by_product, by_message in zip(*gradients):
            assert_close(by_product, by_message)
        fast, slow = outputs
        for name in fast:
            assert_close(fast[name].user, slow[name].user)
            assert_close(fast[name].item, slow[name].item)

    def test_gradients_agree_with_finite_differences(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.output_sets[-1])
        names = [name for name, _ in backbone.named_parameters()]

        def outputs(*values: Tensor) -> tuple[Tensor, ...]:
            parameters, embeddings = dict(zip(names, values)), dict(zip(tables, values[len(names) :]))
            representations = functional_call(backbone, parameters, (graph, embeddings))
            return tuple(table for pair in representations.values() for table in (pair.user, pair.item))

        inputs = [p.detach().clone().requires_grad_() for p in [*backbone.parameters(), *tables.values()]]
        assert torch.autograd.gradcheck(outputs, inputs, fast_mode=True)

    def test_gradients_in_training_agree_with_finite_differences(self, graph: InteractionGraph) -> None:
        """Of the outputs and of each loss of its own. A detached path disagrees, except for the declared targets."""
        backbone, tables = self.build(graph, self.output_sets[-1])
        learned = named(backbone) | named(tables)
        perturb(learned)
        first, _ = self.in_training(backbone, graph, tables)
        # A target is a constant of the step: it is held still while the parameters move.
        targets = {name: Representation(first[name].user.detach(), first[name].item.detach()) for name in self.targets}
        reached = [name for name in targets if first[name].user.requires_grad or first[name].item.requires_grad]
        assert reached == [], "a gradient reaches a target"

        def values() -> dict[str, Tensor]:
            representations, losses = self.in_training(backbone, graph, tables, replaced=targets)
            return {"outputs": weighted_sum({name: representations[name] for name in backbone.outputs})} | losses

        generator = torch.Generator().manual_seed(0)
        directions = [torch.randn(value.shape, generator=generator, dtype=value.dtype) for value in learned.values()]
        analytic = {
            name: sum(float((slope * way).sum()) for slope, way in zip(gradient(value, learned), directions))
            for name, value in values().items()
        }
        ends = []
        for step in (STEP, -2 * STEP):  # first ahead of the start, then as far behind it
            with torch.no_grad():
                for parameter, direction in zip(learned.values(), directions):
                    parameter.add_(direction, alpha=step)
                ends.append(values())
        for name, slope in analytic.items():
            numeric = float(ends[0][name] - ends[1][name]) / (2 * STEP)
            assert slope == pytest.approx(numeric, rel=1e-5, abs=1e-6), f"the gradient of {name} is not its slope"

    def test_a_state_dict_read_from_bytes_gives_the_same_bits(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.output_sets[-1])
        twin, _ = self.build(graph, self.output_sets[-1], seed=1)
        parameters = list(zip(backbone.parameters(), twin.parameters()))
        assert any(not torch.equal(a, b) for a, b in parameters) or not parameters, "the seed changes nothing"
        twin.load_state_dict(load(save({key: value.clone() for key, value in backbone.state_dict().items()})))
        assert_equal(twin(graph, tables), backbone(graph, tables))

    def test_it_finds_what_is_planted_and_beats_popularity(self) -> None:
        split = planted_split()
        wide = {key: value for key, value in self.settings.items() if key != "embedding_size"}
        recall = trained_recall(split, "ct", backbone=self.backbone, backbone_settings=wide, epochs=self.planted_epochs)
        assert recall >= self.planted_recall > popular_recall(split)

    def test_data_without_modalities_is_enough_or_refused(self) -> None:
        bare = small_graph(modalities=())
        kind = backbones.get(self.backbone)
        if kind.needs_modalities:
            with pytest.raises(RecipeError, match="no item features"):
                check_compatibility(kind, bare, "click")
            return
        for outputs in (("id",), ("fused",), ("id", "fused")):
            backbone, tables = self.build(bare, outputs)
            for pair in backbone(bare, tables).values():
                assert pair.user.isfinite().all() and pair.item.isfinite().all()

    def test_single_precision_is_near_double_precision(self, graph: InteractionGraph) -> None:
        backbone, tables = self.build(graph, self.output_sets[-1])
        exact = backbone(graph, tables)
        rough = backbone.float()(graph, {name: table.float() for name, table in tables.items()})
        for name, pair in rough.items():
            assert pair.user.dtype == torch.float32
            torch.testing.assert_close(pair.user.double(), exact[name].user, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(pair.item.double(), exact[name].item, rtol=1e-4, atol=1e-5)


def _is_whole(buffer: Tensor) -> bool:
    """Whether it holds whole numbers, such as indices."""
    return not (buffer.is_floating_point() or buffer.is_complex())
