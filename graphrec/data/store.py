"""Prepared data on disk: Parquet tables, safetensors features, and a manifest with their hashes.

The folder holds:

manifest.json         schema version, name, feedback, roles, provenance, features (shape, encoder, layer, share
                      missing), sha256 of every file
users.parquet         user_id, row number = dense id
items.parquet         item_id, likewise
interactions.parquet  user, item, behaviour[, timestamp][, part]
features.safetensors  `<modality>/mask`, and `<modality>/values` or `<modality>/indptr`, `/indices`, `/data`
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy import sparse

from graphrec.arguments import path_argument, require_type
from graphrec.data.dataset import Feature, InteractionDataset, ModalityRole
from graphrec.errors import DataError
from graphrec.system.files import sha256
from graphrec.system.integrity import read_own_json
from graphrec.system.marker import MARKER
from graphrec.system.owned_folder import write_own_json
from graphrec.system.parquet_bounds import require_bounded
from graphrec.system.replaced_folder import replace_folder

SCHEMA = 1
KIND = "prepared data"
MANIFEST = "manifest.json"
FEATURES = "features.safetensors"
TABLES = ("users.parquet", "items.parquet", "interactions.parquet")


class FeatureEntry(BaseModel):
    """What the manifest holds about a modality.

    >>> entry = read_manifest(data).features["visual"]
    >>> entry.kind, entry.shape, entry.share_missing
    ('dense', (40, 128), 0.0)
    """

    model_config = ConfigDict(extra="forbid")
    kind: Literal["dense", "sparse"]
    shape: tuple[int, int]
    columns: tuple[str, ...] | None
    provenance: str
    encoder: str = ""
    layer: str = ""
    share_missing: float


class Manifest(BaseModel):
    """The content of `manifest.json`.

    >>> manifest = read_manifest(data)
    >>> manifest.name, manifest.users, manifest.items, list(manifest.files)
    ('tiktok', 60, 40, ['features.safetensors', 'interactions.parquet', 'items.parquet', 'users.parquet'])
    """

    model_config = ConfigDict(extra="forbid")
    schema_version: int
    name: str
    users: int
    items: int
    events: int
    behaviours: tuple[str, ...]
    feedback: dict[str, tuple[str, ...]]
    roles: dict[str, ModalityRole]
    provenance: dict[str, Any]
    features: dict[str, FeatureEntry]
    files: dict[str, str]


def save(dataset: InteractionDataset, folder: Path) -> None:
    """Write a dataset; `folder` is replaced in one step, and only if it is empty or was written by `save`.

    >>> dataset = gr.load(data)
    >>> gr.save(dataset, "runs/copy")
    >>> gr.load("runs/copy").num_items == dataset.num_items
    True

    Raises:
        DataError: `folder` holds something else.
    """
    require_type("dataset", dataset, InteractionDataset, "an InteractionDataset")
    with replace_folder(path_argument("folder", folder), KIND) as part:
        pq.write_table(pa.table({"user_id": pa.array(dataset.user_ids, pa.string())}), part / TABLES[0])
        pq.write_table(pa.table({"item_id": pa.array(dataset.item_ids, pa.string())}), part / TABLES[1])
        table = pa.Table.from_pandas(dataset.interactions, preserve_index=False)
        # pandas' metadata names its version, which would give equal data another hash.
        pq.write_table(table.replace_schema_metadata(None), part / TABLES[2])
        tensors: dict[str, np.ndarray] = {}
        for modality, feature in dataset.features.items():
            tensors |= _tensors(modality, feature)
        if tensors:
            save_file(tensors, part / FEATURES)
        # Last, because it has the hashes of the other files.
        manifest = Manifest(
            schema_version=SCHEMA,
            name=dataset.name,
            users=dataset.num_users,
            items=dataset.num_items,
            events=len(dataset.interactions),
            behaviours=dataset.behaviours,
            feedback={role: tuple(names) for role, names in dataset.feedback.items()},
            roles=dict(dataset.roles),
            provenance=dict(dataset.provenance),
            features={modality: _entry(feature) for modality, feature in dataset.features.items()},
            files={file.name: sha256(file) for file in sorted(part.iterdir()) if file.name != MARKER},
        )
        write_own_json(part / MANIFEST, manifest.model_dump(mode="json"))


def load(folder: Path) -> InteractionDataset:
    """Read what `save` wrote, after checking every file against the manifest.

    Raises:
        DataError: no prepared data here, another schema version, or a file that is missing or was changed.

    >>> from tempfile import TemporaryDirectory
    >>> from graphrec.data.dataset import dataset_from_events
    >>> events = pd.DataFrame({"user": [1, 2], "item": [7, 7], "behaviour": ["click", "click"]})
    >>> feedback = {"click": ("click",), "like": ("click",)}
    >>> with TemporaryDirectory() as parent:
    ...     folder = Path(parent) / "prepared"
    ...     save(dataset_from_events("small", events, feedback=feedback, provenance={}), folder)
    ...     load(folder).interactions["user"].tolist(), len(fingerprint(folder))
    ([0, 1], 64)
    """
    folder = path_argument("folder", folder)
    manifest = read_manifest(folder)
    for name, digest in manifest.files.items():
        if not (folder / name).is_file():
            raise DataError("a file of the prepared data is missing", where=folder / name, next_step="prepare it again")
        if sha256(folder / name) != digest:
            raise DataError(
                "a file of the prepared data was changed after it was written",
                expected=f"sha256 {digest}",
                got="another content",
                where=folder / name,
                next_step="prepare the data again",
            )
    try:
        # The files have their hashes, so an error here is the fault of the manifest, which has none.
        return _read(folder, manifest)
    except (KeyError, ValueError, OSError, SafetensorError) as error:
        raise DataError(
            "the prepared data is not what its manifest describes",
            got=f"{type(error).__name__}: {error}",
            where=folder,
            next_step="prepare the data again",
        ) from error


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a prepared folder, without reading the data.

    Raises:
        DataError: there is none, it is malformed, or of another schema version.

    >>> read_manifest(data).feedback
    {'click': ('click',), 'like': ('finish', 'thumbs_up')}
    >>> read_manifest(raw)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.DataError: no prepared data here
      expected: a folder with `manifest.json`
      where: .../raw
      next step: run `graphrec prepare` first, or give the folder that it wrote
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise DataError(
            "no prepared data here",
            expected=f"a folder with `{MANIFEST}`",
            where=folder,
            next_step="run `graphrec prepare` first, or give the folder that it wrote",
        )
    content = read_own_json(path, "prepare the data again")
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA:
        raise DataError(
            "prepared data of another schema version",
            expected=f"schema_version {SCHEMA}",
            got=version,
            where=path,
            next_step="prepare the data again with this version of graphrec",
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(step) for step in first["loc"])
        raise DataError(
            "malformed manifest",
            expected=first["msg"],
            got=f"key `{key}`",
            where=path,
            next_step="prepare the data again",
        ) from None


def fingerprint(folder: Path) -> str:
    """Hex digest over the hashes of the prepared files, the feedback and the roles: equal for equal datasets.

    >>> dataset = gr.load(data)
    >>> gr.save(dataset, "copy")
    >>> gr.save(dataset.with_feedback({"like": ["finish"]}), "other_likes")
    >>> fingerprint("copy") == fingerprint(data), fingerprint("other_likes") == fingerprint(data)
    (True, False)
    """
    digest = hashlib.sha256()
    manifest = read_manifest(folder)
    # The provenance is left out: it names raw files, and equal data may come from others.
    meaning = {"feedback": dict(manifest.feedback), "roles": dict(manifest.roles)}
    digest.update(json.dumps(meaning, sort_keys=True).encode())
    for name, file_digest in sorted(manifest.files.items()):
        digest.update(f"{name} {file_digest}\n".encode())
    return digest.hexdigest()


def _tensors(modality: str, feature: Feature) -> dict[str, np.ndarray]:
    tensors = {f"{modality}/mask": np.ascontiguousarray(feature.mask, dtype=np.bool_)}
    if sparse.issparse(feature.values):
        matrix = sparse.csr_array(feature.values)
        tensors[f"{modality}/indptr"] = matrix.indptr.astype(np.int64)
        tensors[f"{modality}/indices"] = matrix.indices.astype(np.int64)
        tensors[f"{modality}/data"] = np.ascontiguousarray(matrix.data, dtype=np.float32)
    else:
        tensors[f"{modality}/values"] = np.ascontiguousarray(feature.values, dtype=np.float32)
    return tensors


def _entry(feature: Feature) -> FeatureEntry:
    return FeatureEntry(
        kind="sparse" if feature.is_sparse else "dense",
        shape=(len(feature.mask), feature.width),
        columns=feature.columns,
        provenance=feature.provenance,
        encoder=feature.encoder,
        layer=feature.layer,
        share_missing=float(1 - feature.mask.mean()) if len(feature.mask) else 0.0,
    )


def _read(folder: Path, manifest: Manifest) -> InteractionDataset:
    for name in TABLES:
        require_bounded(folder / name)
    # Read as dictionaries, which become categories without a Python text for each row.
    events = pq.read_table(folder / TABLES[2], read_dictionary=["behaviour", "part"]).to_pandas()
    events["behaviour"] = _categorical(events["behaviour"], manifest.behaviours)
    if "part" in events:
        events["part"] = _categorical(events["part"], ("train", "valid", "test"))
    tensors = load_file(folder / FEATURES) if FEATURES in manifest.files else {}
    features = {}
    for modality, entry in manifest.features.items():
        values: np.ndarray | sparse.csr_array
        if entry.kind == "sparse":
            parts = tuple(tensors[f"{modality}/{key}"] for key in ("data", "indices", "indptr"))
            values = sparse.csr_array(parts, shape=entry.shape)
        else:
            values = tensors[f"{modality}/values"]
        mask = tensors[f"{modality}/mask"]
        features[modality] = Feature(values, mask, entry.columns, entry.provenance, entry.encoder, entry.layer)
    return InteractionDataset(
        name=manifest.name,
        user_ids=_ids(folder / TABLES[0], "user_id"),
        item_ids=_ids(folder / TABLES[1], "item_id"),
        interactions=events,
        feedback=manifest.feedback,
        features=features,
        roles=manifest.roles,
        provenance=manifest.provenance,
    )


def _ids(path: Path, column: str) -> np.ndarray:
    ids = np.empty(pq.read_metadata(path).num_rows, dtype=object)
    ids[:] = pq.read_table(path).column(column).to_pylist()
    return ids


def _categorical(values: pd.Series, order: tuple[str, ...]) -> pd.Series:
    # Parquet keeps only the categories of its dictionary page; the manifest keeps their order and the empty
    # ones.
    return values.astype("category").cat.set_categories(list(order))
