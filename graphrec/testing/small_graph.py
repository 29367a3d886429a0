"""A graph small enough for finite differences, with a user and an item without neighbours, and missing modalities."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import HeteroData

from graphrec.graph.build import InteractionGraph
from graphrec.graph.sparse import csr_tensor

NUM_USERS, NUM_ITEMS = 7, 11
LONE_USER, LONE_ITEM = 6, 10
"""The user and the item without any edge."""
ROLES = {"visual": "exposure", "title": "exposure", "acoustic": "content"}
MODALITIES = tuple(ROLES)
MISSING = {"visual": 0, "title": 2, "acoustic": 1}
"""The item that lacks each modality."""
KIND, NUM_KINDS, WITHOUT_KIND = "kind", 3, 4
"""An additional modality, a category: its name, the number of categories, and the item that has none."""


def small_graph(
    modalities: tuple[str, ...] = MODALITIES,
    *,
    users: np.ndarray | None = None,
    items: np.ndarray | None = None,
    like_is_click: bool = False,
    stored_in_missing: float = 0.0,
    extra_clicks: tuple[tuple[int, int], ...] = (),
) -> InteractionGraph:
    """Clicks, of which some are likes, and three modalities: two dense, one (`title`) a bag of six words.

    Args:
        modalities: those of `MODALITIES`, and `kind` if it is named.
        users, items: permutations; row n of the result is row `users[n]`, `items[n]` of the graph without them.
        like_is_click: whether one behaviour is both the click and the like.
        stored_in_missing: what is stored, by mistake, in the rows of missing modalities.
        extra_clicks: further (user, item) pairs.

    >>> graph = small_graph()
    >>> graph.num_users, graph.num_items, graph.modalities
    (7, 11, ('visual', 'title', 'acoustic'))
    >>> graph.mask("title")[MISSING["title"]]
    tensor(False)
    """
    rng = np.random.default_rng(5)
    clicked = rng.random((NUM_USERS, NUM_ITEMS)) < 0.5
    liked = clicked & (rng.random((NUM_USERS, NUM_ITEMS)) < 0.6)
    for matrix in (clicked, liked):
        matrix[LONE_USER], matrix[:, LONE_ITEM] = False, False
    for user, item in extra_clicks:
        clicked[user, item] = True
    words = rng.integers(0, 3, (NUM_ITEMS, 6)).astype(np.float64)
    words[:, 0] += 1
    values = {
        "visual": rng.normal(size=(NUM_ITEMS, 5)),
        "acoustic": rng.normal(size=(NUM_ITEMS, 4)),
        "title": words / words.sum(1, keepdims=True),
        KIND: np.eye(NUM_KINDS)[np.arange(NUM_ITEMS) % NUM_KINDS],
    }
    users = np.arange(NUM_USERS) if users is None else users
    items = np.arange(NUM_ITEMS) if items is None else items

    data = HeteroData()
    data["user"].num_nodes, data["item"].num_nodes = NUM_USERS, NUM_ITEMS
    for name in modalities:
        present = np.arange(NUM_ITEMS) != (MISSING | {KIND: WITHOUT_KIND})[name]
        table = torch.from_numpy(np.where(present[:, None], values[name], stored_in_missing)[items]).float()
        data["item"][name] = as_bag(table) if name in ("title", KIND) else table
        data["item"][f"{name}_mask"] = torch.from_numpy(present[items])
    behaviours = {"click": clicked} if like_is_click else {"click": clicked, "like": liked}
    for name, matrix in behaviours.items():
        edges = torch.from_numpy(np.stack(np.nonzero(matrix[np.ix_(users, items)])))
        data["user", name, "item"].edge_index = edges
        data["item", f"rev_{name}", "user"].edge_index = edges.flip(0)
    return InteractionGraph(data, {"click": ("click",), "like": ("click" if like_is_click else "like",)})


def as_bag(values: Tensor) -> Tensor:
    """`[I, D]` as the sparse CSR matrix that a graph stores for words and categories.

    >>> bag = as_bag(torch.tensor([[0.0, 0.5], [0.0, 0.0]]))
    >>> bag.layout, bag.values(), bag.to_dense().tolist()
    (torch.sparse_csr, tensor([0.5000]), [[0.0, 0.5], [0.0, 0.0]])
    """
    rows, columns = values.nonzero(as_tuple=True)
    crow = torch.zeros(len(values) + 1, dtype=torch.int64)
    crow[1:] = torch.bincount(rows, minlength=len(values)).cumsum(0)
    return csr_tensor(crow, columns, values[rows, columns], (values.shape[0], values.shape[1]))
