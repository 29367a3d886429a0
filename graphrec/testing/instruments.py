"""What the backbone contract measures with. It works on tensors, graphs and modules, whichever the backbone is."""

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


def assert_equal(first: Representations, second: Representations) -> None:
    """Equal names and equal bits.

    >>> from graphrec.backbones import Representation
    >>> pair = Representation(torch.zeros(2, 3), torch.ones(4, 3))
    >>> assert_equal({"id": pair}, {"id": pair})
    >>> assert_equal({"id": pair}, {"id": Representation(pair.user, pair.item + 1e-6)})
    Traceback (most recent call last):
    AssertionError: id...
    """
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name].user, second[name].user), name
        assert torch.equal(first[name].item, second[name].item), name


def assert_close(first: Tensor, second: Tensor, what: object = "") -> None:
    """Equal up to the rounding of a few hundred operations in double precision; `what` heads the message.

    >>> assert_close(torch.tensor([1.0]), torch.tensor([1.0 + 1e-6]), "the loss")
    Traceback (most recent call last):
    AssertionError: the loss...
    """
    torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-11, msg=lambda message: f"{what}\n{message}")


def every_pair(graph: InteractionGraph, role: str) -> Pairs:
    """All pairs of a feedback role as one batch, each with the item of another pair as its negative.

    >>> graph = small_graph()
    >>> pairs = every_pair(graph, "like")
    >>> len(pairs.users) == len(graph.pairs("like")), torch.equal(pairs.negatives, pairs.items.flip(0))
    (True, True)
    """
    users, items = graph.pairs(role).T
    return Pairs(users, items, items.flip(0))


def renumbered(pairs: Pairs, users: np.ndarray, items: np.ndarray) -> Pairs:
    """The same pairs on a graph whose row n is row `users[n]`, `items[n]` of the first graph.

    Row 0 of the new graph is user 1 and item 2 of the first:

    >>> pairs = Pairs(torch.tensor([1]), torch.tensor([2]), torch.tensor([0]))
    >>> moved = renumbered(pairs, np.array([1, 0]), np.array([2, 0, 1]))
    >>> moved.users, moved.items, moved.negatives
    (tensor([0]), tensor([0]), tensor([1]))
    """
    user, item = (torch.from_numpy(order.argsort()) for order in (users, items))
    return Pairs(user[pairs.users], item[pairs.items], item[pairs.negatives])


def named(learned: Backbone | Tables) -> Tables:
    """Parameters or tables by name.

    >>> list(named({"user": nn.Parameter(torch.zeros(2, 3))}))
    ['user']
    """
    return dict(learned.named_parameters() if isinstance(learned, Backbone) else learned)


def perturb(learned: Tables) -> None:
    """Move every value away from where it started: a bias that is zero proves nothing.

    >>> learned = {"bias": nn.Parameter(torch.zeros(3))}
    >>> perturb(learned)
    >>> bool((learned["bias"] != 0).all())
    True
    """
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in learned.values():
            parameter.add_(torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype), alpha=0.3)


def gradient(loss: Tensor, learned: Tables) -> tuple[Tensor, ...]:
    """The gradient of a loss by each parameter; zeros where the loss does not depend on it.

    >>> learned = {"a": nn.Parameter(torch.tensor([2.0])), "unused": nn.Parameter(torch.ones(1))}
    >>> gradient((learned["a"] ** 2).sum(), learned)
    (tensor([4.]), tensor([0.]))
    """
    if not loss.requires_grad:
        return tuple(torch.zeros_like(parameter) for parameter in learned.values())
    return torch.autograd.grad(loss, list(learned.values()), retain_graph=True, materialize_grads=True)


def contained(value: Any, path: str = "") -> Iterator[tuple[str, Tensor | nn.Module]]:
    """The tensors and modules in nested lists, tuples, sets and mappings, each with the path to it.

    >>> [path for path, _ in contained({"scales": [torch.ones(1), (3, torch.ones(1))]})]
    ["['scales'][0]", "['scales'][1][1]"]
    """
    if isinstance(value, (Tensor, nn.Module)):
        yield path, value
    elif isinstance(value, (Mapping, list, tuple, set, frozenset)):
        for key, element in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from contained(element, f"{path}[{key!r}]")


def gradient_leaves(loss: Tensor) -> Iterator[Tensor]:
    """The tensors at which a backward pass ends: all that an optimiser would have to know.

    >>> seen, hidden = nn.Parameter(torch.ones(1)), torch.ones(1, requires_grad=True)
    >>> any(leaf is hidden for leaf in gradient_leaves((seen * hidden).sum()))
    True
    """
    visited, ahead = set(), [loss.grad_fn]
    while ahead:
        node = ahead.pop()
        if node is None or node in visited:
            continue
        visited.add(node)
        ahead += [following for following, _ in node.next_functions]
        if hasattr(node, "variable"):
            yield node.variable


def weighted_sum(representations: Representations) -> Tensor:
    """A scalar in which every entry of every output has a weight of its own, so that no two errors cancel.

    Two errors that cancel in a plain sum do not cancel here:

    >>> from graphrec.backbones import Representation
    >>> zero = Representation(torch.zeros(1, 2), torch.zeros(1, 2))
    >>> wrong = Representation(torch.tensor([[1.0, -1.0]]), zero.item)
    >>> [bool(weighted_sum({"id": pair}) == 0) for pair in (zero, wrong)]
    [True, False]
    """
    generator = torch.Generator().manual_seed(3)
    tables = [table for pair in representations.values() for table in (pair.user, pair.item)]
    return torch.stack(
        [(table * torch.randn(table.shape, generator=generator, dtype=table.dtype)).sum() for table in tables]
    ).sum()


class WithoutRandomness(TorchDispatchMode):
    """While it lasts, every random tensor is constant, namely its mean. Dropout and noise then treat all rows alike.

    >>> with WithoutRandomness():
    ...     len(torch.rand(5).unique())
    1
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if torch.Tag.nondeterministic_seeded in func.tags and isinstance(result, Tensor) and result.is_floating_point():
            result.fill_(result.mean())
        return result


class RecordingGraph(InteractionGraph):
    """The small graph. It records of which modalities the features were read, and of which the mask.

    >>> graph = RecordingGraph()
    >>> _ = graph.features("visual")
    >>> graph.features_read, graph.masks_read
    ({'visual'}, set())
    """

    def __init__(self) -> None:
        graph = small_graph()
        super().__init__(graph.data, graph.feedback)
        self.features_read: set[str] = set()
        self.masks_read: set[str] = set()

    def features(self, modality: str) -> Tensor:
        self.features_read.add(modality)
        return super().features(modality)

    def mask(self, modality: str) -> Tensor:
        self.masks_read.add(modality)
        return super().mask(modality)
