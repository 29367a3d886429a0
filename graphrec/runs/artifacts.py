"""The files of a trained model in a run's folder, written and read here alone.

weights.safetensors     every trained parameter
tables.safetensors      TOWER/OUTPUT/SIDE: representations of all users and items; categories/MODALITY: the category of
                        each item; train_pairs: `[E, 2]`
users.parquet, items.parquet      row number -> external id
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from graphrec.backbones import Representation
from graphrec.data.split import Split
from graphrec.decoders import Decoder
from graphrec.errors import TRAIN_OR_RESTORE, damaged
from graphrec.recommender import FrozenModel, Recommender
from graphrec.runs.files import TABLES, WEIGHTS
from graphrec.runs.old_names import SCHEMA, TOWERS
from graphrec.system.integrity import require_intact
from graphrec.system.owned_folder import own_file
from graphrec.system.parquet_bounds import require_bounded
from graphrec.system.plain_names import require_plain_name
from graphrec.training.checkpoint import load_weights, save_weights

CATEGORIES, TRAIN_PAIRS = "categories/", "train_pairs"


@dataclass(frozen=True)
class Tables:
    """What scoring needs of a trained model besides its decoder's parameters.

    Args:
        representations: by tower and output, tables `[U, d]` and `[I, d]`.
        categories: by modality, the category `[I]` of each item.
        train_pairs: `[E, 2]` (user, item) of the training split.

    >>> tables = load_tables(run.folder)
    >>> tables.representations["click"]["visual"].item.shape, tables.train_pairs.shape[1]
    (torch.Size([40, 8]), 2)
    """

    representations: dict[str, dict[str, Representation]]
    categories: dict[str, torch.Tensor]
    train_pairs: np.ndarray


def save_model(folder: Path, model: Recommender, frozen: FrozenModel, split: Split) -> None:
    """Write a trained model, what it made of all users and items, and what it was trained on.

    >>> from graphrec.runs.build import build
    >>> split = run.split()
    >>> model, graph = build(recipe, split)
    >>> save_model(Path(), model, model.freeze(graph), split)
    >>> sorted(path.name for path in Path().iterdir())
    ['items.parquet', 'tables.safetensors', 'users.parquet', 'weights.safetensors']
    """
    save_weights(folder / WEIGHTS, model.state_dict())
    tables = {
        f"{tower}/{output}/{side}": getattr(representation, side)
        for tower, outputs in frozen.representations.items()
        for output, representation in outputs.items()
        for side in ("user", "item")
    }
    # 32 bits are enough for row numbers and halve the file; `load_tables` widens them again.
    categories = {f"{CATEGORIES}{name}": numbers.int() for name, numbers in frozen.categories.items()}
    pairs = torch.from_numpy(split.train_pairs("click").astype(np.int32))
    save_weights(folder / TABLES, {**tables, **categories, TRAIN_PAIRS: pairs})
    for side, ids in (("users", split.dataset.user_ids), ("items", split.dataset.item_ids)):
        with own_file(_ids_file(folder, side)) as path:
            pd.DataFrame({"id": ids.astype(str)}).to_parquet(path, index=False)


def load_tables(folder: Path, schema: int = SCHEMA) -> Tables:
    """What `save_model` wrote of the representations.

    Args:
        schema: of the run folder: towers that had another name in it come under today's.

    Raises:
        RunError: the file is missing or damaged.

    >>> tables = load_tables(run.folder)
    >>> {tower: sorted(outputs) for tower, outputs in tables.representations.items()}
    {'click': ['acoustic', 'textual', 'visual'], 'like': ['acoustic', 'textual', 'visual']}
    """
    tensors, _ = load_weights(folder / TABLES)
    representations: dict[str, dict[str, Representation]] = {}
    categories = {
        key.removeprefix(CATEGORIES): table.long() for key, table in tensors.items() if key.startswith(CATEGORIES)
    }
    try:
        # A modality may be called `user`: `categories/user` is not a tower's table.
        for key in (key for key in tensors if key.endswith("/user") and not key.startswith(CATEGORIES)):
            tower, output = (require_plain_name(part, folder / TABLES) for part in _parts(key, folder))
            name = TOWERS.get(schema, {}).get(tower, tower)
            representations.setdefault(name, {})[output] = Representation(
                tensors[key], tensors[f"{tower}/{output}/item"]
            )
        return Tables(representations, categories, tensors[TRAIN_PAIRS].numpy().astype(np.int64))
    except KeyError as error:
        raise damaged(folder / TABLES, f"no tensor {error}") from None


def _parts(key: str, folder: Path) -> tuple[str, str]:
    """Tower and output in the name of a tensor; an export has folders of these names."""
    parts = key.split("/")
    if len(parts) != 3:
        raise damaged(folder / TABLES, f"a tensor called `{key}`")
    return parts[0], parts[1]


def load_model(folder: Path, decoder: Decoder, tables: Tables, num_items: int) -> FrozenModel:
    """The trained model, ready to score.

    Args:
        decoder: without its weights, which are read here.

    Raises:
        RunError: the weights are missing, damaged or another decoder's.

    >>> model = load_model(run.folder, run.untrained_decoder(), load_tables(run.folder), len(run.item_ids))
    >>> list(model.branches)
    ['click_match', 'click_exposure', 'like_match', 'like_exposure', 'like_content']
    """
    weights, _ = load_weights(folder / WEIGHTS)
    # The tables have what the backbone gave, so scoring needs neither its weights nor the graph.
    of_decoder = {
        name.removeprefix("decoder."): weight for name, weight in weights.items() if name.startswith("decoder.")
    }
    try:
        decoder.load_state_dict(of_decoder)
    except RuntimeError as error:
        raise damaged(folder / WEIGHTS, str(error)[:300]) from None
    in_train = torch.zeros(num_items, dtype=torch.bool)
    in_train[torch.from_numpy(tables.train_pairs[:, 1])] = True
    with torch.no_grad():
        branches = decoder.eval().branches(tables.representations)
    return FrozenModel(tables.representations, branches, decoder, in_train, tables.categories)


def load_ids(folder: Path, side: str) -> np.ndarray:
    """External ids `[n]` of all `users` or `items`, by row number.

    Raises:
        RunError: the file is missing or damaged.

    >>> load_ids(run.folder, "users")[:3].tolist()
    ['0', '1', '2']
    """
    path = _ids_file(folder, side)
    require_intact(path, TRAIN_OR_RESTORE)
    try:
        require_bounded(path)
        return pd.read_parquet(path)["id"].to_numpy(dtype=object)
    except (OSError, ValueError, KeyError) as error:
        raise damaged(path, str(error)[:300]) from None


def _ids_file(folder: Path, side: str) -> Path:
    return folder / f"{side}.parquet"
