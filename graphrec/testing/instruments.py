"""What the backbone contract measures with: it knows tensors, graphs and modules, and no backbone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from graphrec.backbones import Backbone, Pairs, Representations
from graphrec.graph.build import InteractionGraph
from graphrec.testing.small_graph import small_graph

Tables = dict[str, nn.Parameter]


def assert_equal(one: Representations, other: Representations) -> None:
    """Equal names and equal bits."""
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name].user, other[name].user), name
        assert torch.equal(one[name].item, other[name].item), name


def close(one: Tensor, other: Tensor, what: object = "") -> None:
    """Equal up to the rounding of a few hundred operations in double precision; `what` heads the complaint."""
    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11, msg=lambda told: f"{what}\n{told}")


def every_pair(graph: InteractionGraph, role: str) -> Pairs:
    """All pairs of a role as one batch, each with another's item as its negative."""
    users, items = graph.pairs(role).T
    return Pairs(users, items, items.flip(0))


def renumbered(pairs: Pairs, users: np.ndarray, items: np.ndarray) -> Pairs:
    """The same pairs where row n is what was row `users[n]`, `items[n]`."""
    user, item = (torch.from_numpy(order.argsort()) for order in (users, items))
    return Pairs(user[pairs.users], item[pairs.items], item[pairs.negatives])


def named(learned: Backbone | Tables) -> Tables:
    """Parameters or tables by name."""
    return dict(learned.named_parameters() if isinstance(learned, Backbone) else learned)


def stir(learned: Tables) -> None:
    """Other values, none of them zero, where biases start and prove nothing."""
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for one in learned.values():
            one.add_(torch.randn(one.shape, generator=generator, dtype=one.dtype), alpha=0.3)


def gradient(loss: Tensor, learned: Tables) -> tuple[Tensor, ...]:
    """Zeros where the loss does not depend on it."""
    if not loss.requires_grad:
        return tuple(torch.zeros_like(one) for one in learned.values())
    return torch.autograd.grad(loss, list(learned.values()), retain_graph=True, materialize_grads=True)


def held_by(value: Any, place: str = "") -> Iterator[tuple[str, Tensor | nn.Module]]:
    """The tensors and modules in nested lists, tuples, sets and dicts, each with its place."""
    if isinstance(value, (Tensor, nn.Module)):
        yield place, value
    elif isinstance(value, (Mapping, list, tuple, set, frozenset)):
        for key, one in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from held_by(one, f"{place}[{key!r}]")


def leaves(loss: Tensor) -> Iterator[Tensor]:
    """The tensors at which a backward pass ends."""
    seen, ahead = set(), [loss.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        ahead += [following for following, _ in node.next_functions]
        if hasattr(node, "variable"):
            yield node.variable


def weigh(representations: Representations) -> Tensor:
    """A scalar in which every entry of every output has a weight of its own."""
    generator = torch.Generator().manual_seed(3)
    parts = [part for one in representations.values() for part in (one.user, one.item)]
    return torch.stack(
        [(part * torch.randn(part.shape, generator=generator, dtype=part.dtype)).sum() for part in parts]
    ).sum()


class WithoutChance(TorchDispatchMode):
    """While it lasts all numbers of a draw are equal, namely their mean: dropout and noise tell no row from another."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        drawn = func(*args, **(kwargs or {}))
        if torch.Tag.nondeterministic_seeded in func.tags and isinstance(drawn, Tensor) and drawn.is_floating_point():
            drawn.fill_(drawn.mean())
        return drawn


class WatchedGraph(InteractionGraph):
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
