"""From a split to the heterogeneous graph that models see: training edges only, with scaled features."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch_geometric.data import HeteroData
from torch_geometric.data.storage import NodeStorage

from graphrec.data.dataset import Feature
from graphrec.data.split import Split
from graphrec.errors import DataError, UnknownNameError
from graphrec.graph.neighbours import Neighbours, nearest
from graphrec.graph.pairs import require_pairs
from graphrec.graph.propagator import Propagator, Scaling
from graphrec.graph.sorted_edges import SortedEdges
from graphrec.graph.sparse import ConstantCSR, csr_tensor

FeatureScaling = Literal["columns", "none"]
_REPRESENTATIONS = ("id", "fused")
"""The representations that belong to no modality; see `graphrec.backbones`. A modality cannot take their names."""
_ATTRIBUTES = frozenset(name for kind in (nn.ModuleDict, nn.ParameterDict, NodeStorage) for name in dir(kind()))
"""The attributes of torch's containers and of the graph's item store. A modality cannot take their names either."""


def build_hetero(split: Split, scaling: FeatureScaling = "columns") -> HeteroData:
    """The training events of a split as a PyG `HeteroData`.

    Node types are `user` and `item`. For each modality m there are `data["item"][m]` (`[I, D]` float32, or a sparse CSR
    tensor for a bag) and `data["item"][m + "_mask"]` (`[I]` bool). For each behaviour b there are the edge types
    `("user", b, "item")` and `("item", "rev_" + b, "user")`. Each pair occurs once. Where the data has times, an edge
    has the `time` `[E]` int64 of its first event.

    Args:
        split: a split of a dataset.
        scaling: `columns` centres each column of dense features and scales it to unit variance, fitted on the training
            items that have the modality. `none` takes the features as given. Bags are always taken as given. The row of
            an item without the modality is zero, and its mask is False.

    Raises:
        DataError: a modality has a name that the graph or a model needs for something else.

    Example:
        >>> from graphrec.testing.planted import planted_split
        >>> hetero = build_hetero(planted_split())
        >>> [behaviour for _, behaviour, _ in hetero.edge_types]
        ['click', 'rev_click', 'like', 'rev_like']
        >>> hetero["user", "click", "item"].edge_index.shape, hetero["item"]["visual"].shape
        (torch.Size([2, 480]), torch.Size([48, 6]))
    """
    dataset = split.dataset
    _require_valid_names(dataset.features)
    data = HeteroData()
    data["user"].num_nodes = dataset.num_users
    data["item"].num_nodes = dataset.num_items
    in_train = np.zeros(dataset.num_items, dtype=bool)
    in_train[split.train["item"]] = True
    for name, feature in dataset.features.items():
        data["item"][name] = _bag(feature) if feature.is_sparse else _dense(feature, in_train, scaling)
        data["item"][f"{name}_mask"] = torch.from_numpy(feature.mask.copy())
    for behaviour in dataset.behaviours:
        events = split.train.loc[split.train["behaviour"] == behaviour]
        # Sorted by user and item: the order of the edges, and with it the last bit of every sum over them, then does
        # not depend on the order of the events in the files.
        pairs = events[["user", "item"]].drop_duplicates().sort_values(["user", "item"])
        edges = torch.from_numpy(np.ascontiguousarray(pairs.to_numpy().T))
        data["user", behaviour, "item"].edge_index = edges
        if dataset.has_times:
            # `groupby` sorts by the same keys, so that times are in the order of the edges.
            first = events.groupby(["user", "item"])["timestamp"].min()
            data["user", behaviour, "item"].time = torch.from_numpy(first.to_numpy().astype(np.int64))
        data["item", f"rev_{behaviour}", "user"].edge_index = edges.flip(0)
    return data


def _require_valid_names(names: Iterable[str]) -> None:
    """A modality's name is a key of the graph's items, a key of a backbone's modules, and a folder of an export."""
    for name in names:
        is_taken = name in _REPRESENTATIONS or name in _ATTRIBUTES or name.endswith("_mask")
        if is_taken or not name or any(sign in name for sign in "./\\"):
            raise DataError(
                f"a modality cannot be called `{name}`",
                expected=f"a name without . / \\ that is none of {', '.join(_REPRESENTATIONS)}, does not end in _mask, "
                "and is no attribute of a torch module, as `type` and `values` are",
                got=f"`{name}`",
                where="the dataset's features",
                next_step="prepare the data again with another name for it, or leave it out with data.modalities",
            )


def _bag(feature: Feature) -> Tensor:
    matrix = sparse.csr_array(feature.values)
    return csr_tensor(
        torch.from_numpy(matrix.indptr.astype(np.int64)),
        torch.from_numpy(matrix.indices.astype(np.int64)),
        torch.from_numpy(matrix.data.astype(np.float32)),
        matrix.shape,
    )


def _dense(feature: Feature, in_train: np.ndarray, scaling: FeatureScaling) -> Tensor:
    values, mask = feature.values, feature.mask
    scaled = np.zeros(values.shape, dtype=np.float32)
    if scaling == "none":
        scaled[mask] = values[mask]
    elif (mask & in_train).any():
        # In float64, as a float32 sum over many items loses digits.
        fitted = values[mask & in_train].astype(np.float64)
        deviation = fitted.std(0)
        # A constant column has a deviation of zero or of rounding noise. Dividing by it would blow the noise up.
        scaled[mask] = (values[mask] - fitted.mean(0)) / np.where(deviation > 1e-8, deviation, 1.0)
    return torch.from_numpy(scaled)


class InteractionGraph:
    """The graph that a backbone receives: users, items, edges and features, with their cached sparse matrices.

    Args:
        data: in the form of `build_hetero`.
        feedback: for each feedback role (`click`, `like`) the behaviours that count as it. The edges of a like are
            edges of a click, too.

    Example:
        >>> from graphrec.testing.small_graph import small_graph
        >>> graph = small_graph()
        >>> graph.num_users, graph.num_items, graph.modalities
        (7, 11, ('visual', 'title', 'acoustic'))
        >>> graph.features("visual").shape, graph.is_bag("title")
        (torch.Size([11, 5]), True)
        >>> ids = torch.ones(graph.num_users + graph.num_items, 8)
        >>> graph.propagator("click", "mean")(ids).shape
        torch.Size([18, 8])
    """

    def __init__(self, data: HeteroData, feedback: dict[str, tuple[str, ...]]) -> None:
        self.data = data
        self.feedback = feedback
        self.num_users = int(data["user"].num_nodes)
        self.num_items = int(data["item"].num_nodes)
        self.modalities = tuple(name.removesuffix("_mask") for name in data["item"] if name.endswith("_mask"))
        self.device = torch.device("cpu")
        self._propagators: dict[tuple[str, str, bool], Propagator] = {}
        self._pairs: dict[str, Tensor] = {}
        self._edges: dict[str, Tensor] = {}
        self._edges_to_users: dict[str, SortedEdges] = {}
        self._edges_with_loops: dict[str, SortedEdges] = {}
        self._neighbours: dict[tuple[str, int], Neighbours] = {}
        self._replaced_neighbours: dict[tuple[str, int], Neighbours] = {}
        self._bags: dict[str, ConstantCSR] = {}
        self._word_sizes: dict[str, int] = {}
        self._replaced: dict[str, Tensor] = {}
        self._perturbations: dict[str, Tensor] = {}

    @classmethod
    def from_split(cls, split: Split, scaling: FeatureScaling = "columns") -> InteractionGraph:
        """The graph of a split's training events; see `build_hetero` for `scaling`."""
        return cls(build_hetero(split, scaling), dict(split.dataset.feedback))

    def to(self, device: torch.device | str) -> InteractionGraph:
        """The same graph on another device. Propagators are built there at their first use."""
        moved = InteractionGraph(self.data.clone().to(device), self.feedback)
        moved.device = torch.device(device)
        moved._replaced = {name: values.to(device) for name, values in self._replaced.items()}
        moved._perturbations = {name: values.to(device) for name, values in self._perturbations.items()}
        return moved

    def with_features(self, values: Mapping[str, Tensor]) -> InteractionGraph:
        """The same graph with other dense features `[I, D]`, such as the output of an image encoder."""
        for name in values:
            self._require(name)
        return self._view(_replaced=self._replaced | dict(values), _replaced_neighbours={})

    def with_perturbations(self, perturbations: Mapping[str, Tensor]) -> InteractionGraph:
        """The same graph with perturbations added: `[I, D]` to the features of a dense modality, `[I, d]` to the
        projection of a bag."""
        for name in perturbations:
            self._require(name)
        # In place of earlier perturbations and not added to them: an attack starts at the clean features.
        return self._view(_perturbations=dict(perturbations))

    def zero_perturbation(self, modality: str) -> Tensor:
        """The perturbation that changes nothing: `[I, D]`, or `[I, d]` for a bag, with the width of its last
        projection."""
        width = self._word_sizes[modality] if self.is_bag(modality) else self.width(modality)
        return torch.zeros(self.num_items, width, device=self.device)

    def _view(self, **changed: dict) -> InteractionGraph:
        view = copy.copy(self)  # the other caches stay shared: none depends on features that a view changes
        for name, value in changed.items():
            setattr(view, name, value)
        return view

    def width(self, modality: str) -> int:
        """D of a modality."""
        self._require(modality)
        return int(self._replaced.get(modality, self.data["item"][modality]).shape[1])

    def mask(self, modality: str) -> Tensor:
        """`[I]` bool, the items that have the modality."""
        self._require(modality)
        return self.data["item"][f"{modality}_mask"]

    def is_bag(self, modality: str) -> bool:
        """Whether the modality is a bag of words or categories. Its projection is a table of word embeddings."""
        self._require(modality)
        return self.data["item"][modality].layout == torch.sparse_csr

    def features(self, modality: str) -> Tensor:
        """`[I, D]` features: dense, or the sparse matrix of a bag."""
        self._require(modality)
        if self.is_bag(modality):
            return self.data["item"][modality]
        values = self._replaced.get(modality, self.data["item"][modality])
        return values + self._perturbations[modality] if modality in self._perturbations else values

    def project(self, modality: str, weight: Tensor) -> Tensor:
        """Features times a learned matrix, `[I, D] @ [D, d]`. For a bag of words: the mean of the words' embeddings."""
        values = self.features(modality)
        if not self.is_bag(modality):
            return values.to(weight.dtype) @ weight
        if modality not in self._bags:
            cpu = values.cpu()
            self._bags[modality] = ConstantCSR(cpu.crow_indices(), cpu.col_indices(), cpu.values(), cpu.shape[1]).to(
                self.device
            )
        # For `zero_perturbation`: only here is the width of a bag's projection known.
        self._word_sizes[modality] = weight.shape[1]
        projected = self._bags[modality] @ weight
        return projected + self._perturbations[modality] if modality in self._perturbations else projected

    def categories(self, modality: str) -> Tensor | None:
        """`[I]` the category of each item, -1 for none; None unless the modality is a bag with at most one value an
        item."""
        if not self.is_bag(modality):
            return None
        bag = self.data["item"][modality].cpu()
        start, words = bag.crow_indices(), bag.col_indices()
        if bool((start.diff() > 1).any()):
            return None
        categories = torch.full((self.num_items,), -1)
        categories[start.diff() == 1] = words
        return categories

    def neighbours(self, modality: str, count: int) -> Neighbours:
        """The `count` nearest items of each item by the cosine of a modality's features; see `nearest`.

        Replaced features count as replaced. Perturbations do not count: an item graph stays the same under attack.
        """
        self._require(modality)
        cache = self._replaced_neighbours if modality in self._replaced else self._neighbours
        if (modality, count) not in cache:
            values = self._replaced.get(modality, self.data["item"][modality])
            cache[modality, count] = nearest(values, self.mask(modality), count)
        return cache[modality, count]

    def pairs(self, feedback_role: str) -> Tensor:
        """`[E, 2]` unique training pairs of a feedback role, on the CPU, sorted by user, then item.

        Raises:
            DataError: an edge of the data names a user or item out of range.
        """
        if feedback_role in self._pairs:
            return self._pairs[feedback_role]
        edges = [self.data["user", name, "item"].edge_index.cpu() for name in self._behaviours(feedback_role)]
        pairs = torch.unique(torch.cat(edges, dim=1).T, dim=0)
        require_pairs(pairs, self.num_users, self.num_items)
        self._pairs[feedback_role] = pairs
        return pairs

    def edges(self, feedback_role: str) -> Tensor:
        """`[2, 2E]` source and target of each training pair in both directions, sorted by target.

        Items are numbered after the users. This is the edge index of PyG's convolutions.
        """
        if feedback_role not in self._edges:
            users, items = self.pairs(feedback_role).T
            to_users = torch.stack([items + self.num_users, users])
            # The pairs are sorted by user. A stable sort by item leaves users in order within an item.
            to_items = to_users.flip(0)[:, items.argsort(stable=True)]
            self._edges[feedback_role] = torch.cat([to_users, to_items], dim=1).to(self.device)
        return self._edges[feedback_role]

    def edges_to_users(self, feedback_role: str) -> SortedEdges:
        """The training pairs of a feedback role as edges from items to users, for attention; `T` has those to the
        items."""
        if feedback_role not in self._edges_to_users:
            users, items = self.pairs(feedback_role).T.to(self.device)
            self._edges_to_users[feedback_role] = SortedEdges(
                torch.stack([items, users]), self.num_users, self.num_items
            )
        return self._edges_to_users[feedback_role]

    def edges_with_loops(self, feedback_role: str) -> SortedEdges:
        """The edges of `edges` and an edge from each node to itself, for attention."""
        if feedback_role not in self._edges_with_loops:
            size = self.num_users + self.num_items
            loops = torch.arange(size, device=self.device).expand(2, -1)
            self._edges_with_loops[feedback_role] = SortedEdges(
                torch.cat([self.edges(feedback_role), loops], dim=1), size, size
            )
        return self._edges_with_loops[feedback_role]

    def stages(self, feedback_role: str, count: int) -> Tensor | None:
        """`[E]` the stage of the training time in which each training pair first occurred, 0 to `count` - 1.

        Stages are spans with equally many clicks. None where `count` is 1. Without times all pairs are in stage 0.
        """
        if count == 1:
            return None
        times = {name: self._times(name) for name in ("click", feedback_role)}
        if not len(times["click"]):
            return torch.zeros(len(self.pairs(feedback_role)), dtype=torch.int64)
        # Cut at the times of clicks for every role, so that a stage is the same span for clicks and likes.
        cuts = np.quantile(times["click"].numpy(), np.linspace(0, 1, count + 1)[1:-1])
        return torch.searchsorted(torch.from_numpy(cuts), times[feedback_role].double(), right=True)

    def _times(self, feedback_role: str) -> Tensor:
        """`[E]` time of the first event of each of `pairs(feedback_role)`; empty without times."""
        stores = [self.data["user", name, "item"] for name in self._behaviours(feedback_role)]
        if not all("time" in store for store in stores):
            return torch.empty(0, dtype=torch.int64)
        edges = torch.cat([store.edge_index.cpu() for store in stores], dim=1)
        pairs, pair_of_edge = torch.unique(edges.T, dim=0, return_inverse=True)
        times = torch.cat([store.time.cpu() for store in stores])
        first = torch.full((len(pairs),), torch.iinfo(torch.int64).max)
        return first.scatter_reduce_(0, pair_of_edge, times, "amin")

    def _behaviours(self, feedback_role: str) -> list[str]:
        return sorted(
            set(self.feedback[feedback_role]) | (set(self.feedback["like"]) if feedback_role == "click" else set())
        )

    @cached_property
    def in_train(self) -> Tensor:
        """`[I]` bool, the items with a training pair."""
        in_train = torch.zeros(self.num_items, dtype=torch.bool, device=self.device)
        for name in self._behaviours("click"):
            in_train[self.data["user", name, "item"].edge_index[1]] = True
        return in_train

    def propagator(self, feedback_role: str, scaling: Scaling, *, self_loops: bool = False) -> Propagator:
        """The propagator over a feedback role's training pairs; propagators that differ in the scaling share memory."""
        unscaled, key = (feedback_role, "sum", self_loops), (feedback_role, scaling, self_loops)
        if unscaled not in self._propagators:
            propagator = Propagator(
                self.pairs(feedback_role), self.num_users, self.num_items, "sum", self_loops=self_loops
            )
            self._propagators[unscaled] = propagator.to(self.device)
        if key not in self._propagators:
            self._propagators[key] = self._propagators[unscaled].scaled(scaling)
        return self._propagators[key]

    def _require(self, modality: str) -> None:
        if modality not in self.modalities:
            raise UnknownNameError("modality", modality, self.modalities)
