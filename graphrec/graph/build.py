"""From a split to the heterogeneous graph that models see: training edges only, features scaled."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from torch import Tensor
from torch_geometric.data import HeteroData

from graphrec.data.dataset import Feature
from graphrec.data.split import Split
from graphrec.errors import UnknownNameError
from graphrec.graph.propagator import Propagator, Scaling
from graphrec.graph.sparse import ConstantCSR, csr_tensor


def build_hetero(split: Split) -> HeteroData:
    """The training part of a split as a PyG `HeteroData`.

    Node types `user` and `item`; for each modality m `data["item"][m]` (`[I, D]` float32, or a sparse CSR tensor for a
    bag) and `data["item"][m + "_mask"]` (`[I]` bool); for each behaviour b the edge types `("user", b, "item")` and
    `("item", "rev_" + b, "user")`, each pair once.

    Dense features are centred and scaled to unit variance column by column, fitted on the training items that have the
    modality; missing rows stay zero and are told by the mask. Bags are taken as they are.
    """
    dataset = split.dataset
    data = HeteroData()
    data["user"].num_nodes = dataset.num_users
    data["item"].num_nodes = dataset.num_items
    in_train = np.zeros(dataset.num_items, dtype=bool)
    in_train[split.train["item"]] = True
    for name, feature in dataset.features.items():
        data["item"][name] = _model_space(feature, in_train)
        data["item"][f"{name}_mask"] = torch.from_numpy(feature.mask.copy())
    for behaviour in dataset.behaviours:
        rows = split.train.loc[split.train["behaviour"] == behaviour, ["user", "item"]].drop_duplicates()
        edges = torch.from_numpy(np.ascontiguousarray(rows.sort_values(["user", "item"]).to_numpy().T))
        data["user", behaviour, "item"].edge_index = edges
        data["item", f"rev_{behaviour}", "user"].edge_index = edges.flip(0)
    return data


def _model_space(feature: Feature, in_train: np.ndarray) -> Tensor:
    if feature.is_sparse:
        matrix = sparse.csr_array(feature.values)
        return csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            matrix.shape,
        )
    values, mask = feature.values, feature.mask
    fitted = values[mask & in_train].astype(np.float64)
    if not len(fitted):
        return torch.zeros(values.shape)
    spread = fitted.std(0)
    scaled = np.zeros(values.shape, dtype=np.float32)
    scaled[mask] = (values[mask] - fitted.mean(0)) / np.where(spread > 1e-8, spread, 1.0)
    return torch.from_numpy(scaled)


class InteractionGraph:
    """What a backbone gets: the heterogeneous graph, its feature maps and its propagators, each made once.

    Args:
        data: as `build_hetero` makes it.
        feedback: for each role (click, like) the behaviours that play it; a like's edges are click edges too.
    """

    def __init__(self, data: HeteroData, feedback: dict[str, tuple[str, ...]]) -> None:
        self.data = data
        self.feedback = feedback
        self.num_users = int(data["user"].num_nodes)
        self.num_items = int(data["item"].num_nodes)
        self.modalities = tuple(name.removesuffix("_mask") for name in data["item"] if name.endswith("_mask"))
        self.device = torch.device("cpu")
        self._propagators: dict[tuple[str, str, bool], Propagator] = {}
        self._bags: dict[str, ConstantCSR] = {}

    @classmethod
    def from_split(cls, split: Split) -> InteractionGraph:
        """The graph of a split's training part."""
        return cls(build_hetero(split), dict(split.dataset.feedback))

    def to(self, device: torch.device | str) -> InteractionGraph:
        """The same graph on another device; propagators are made there when first asked for."""
        moved = InteractionGraph(self.data.clone().to(device), self.feedback)
        moved.device = torch.device(device)
        return moved

    def width(self, modality: str) -> int:
        """D of a modality."""
        self._require(modality)
        return int(self.data["item"][modality].shape[1])

    def mask(self, modality: str) -> Tensor:
        """`[I]` bool: which items have the modality."""
        self._require(modality)
        return self.data["item"][f"{modality}_mask"]

    def is_bag(self, modality: str) -> bool:
        """True for a bag modality (words, categories), whose map is a table of word embeddings."""
        self._require(modality)
        return self.data["item"][modality].layout == torch.sparse_csr

    def features(self, modality: str) -> Tensor:
        """`[I, D]` dense features."""
        self._require(modality)
        return self.data["item"][modality]

    def project(self, modality: str, weight: Tensor) -> Tensor:
        """Features times a learned map, `[I, D] @ [D, d]`; for a bag of words, the mean of the words' embeddings."""
        values = self.features(modality)
        if not self.is_bag(modality):
            return values.to(weight.dtype) @ weight
        if modality not in self._bags:
            cpu = values.cpu()
            self._bags[modality] = ConstantCSR(cpu.crow_indices(), cpu.col_indices(), cpu.values(), cpu.shape[1]).to(
                self.device
            )
        return self._bags[modality] @ weight

    def pairs(self, role: str) -> Tensor:
        """`[E, 2]` unique training pairs of a role, on the CPU, sorted by user then item."""
        names = set(self.feedback[role]) | (set(self.feedback["like"]) if role == "click" else set())
        edges = torch.cat([self.data["user", name, "item"].edge_index.cpu() for name in sorted(names)], dim=1)
        return torch.unique(edges.T, dim=0)

    def propagator(self, role: str, scaling: Scaling, *, self_loops: bool = False) -> Propagator:
        """The propagator over a role's training pairs."""
        key = (role, scaling, self_loops)
        if key not in self._propagators:
            made = Propagator(self.pairs(role), self.num_users, self.num_items, scaling, self_loops=self_loops)
            self._propagators[key] = made.to(self.device)
        return self._propagators[key]

    def _require(self, modality: str) -> None:
        if modality not in self.modalities:
            raise UnknownNameError("modality", modality, self.modalities)
