"""Embeddings out of a run, with external ids, in a stated order.

For each branch and each representation a user table and an item table is written, row r of which belongs to
row r of `users.parquet` or `items.parquet`. A branch's logit is the inner product of a user row and an item
row; `embeddings.json` says how the branches make the score. Nothing here needs graphrec to be read.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save_file

from graphrec.causal import label
from graphrec.errors import UnknownNameError
from graphrec.recommender import FrozenModel
from graphrec.system.owned_folder import write_own_json
from graphrec.system.replaced_folder import replace_folder

FORMATS = ("parquet", "safetensors", "npz")
KIND = "export"
MANIFEST = "embeddings.json"
"""Not the name that prepared data uses, so that neither is ever taken for the other and replaced."""
NOTATION = {
    "NAME": "the logit of the branch NAME",
    "s(x)": "the sigmoid, 1 / (1 + exp(-x))",
    "log": "the natural logarithm",
    "NAME*": "the logit at the reference: with reference/NAME/item, and reference/NAME/user where there is one",
}
"""What the formulas of decoders are written in."""


def export_model(
    model: FrozenModel,
    user_ids: np.ndarray,
    item_ids: np.ndarray,
    out: Path,
    format: str = "parquet",
    about: dict[str, Any] | None = None,
) -> Path:
    """Write the tables of a trained model into the folder `out`.

    Files: `users.parquet` and `items.parquet` (`row`, `id`), `embeddings.json`, and the tables named
    `branch/NAME/user`, `representation/TOWER/OUTPUT/item` and so on: for `parquet` one file a table with
    columns `id` and `embedding` (a list of d float32), for `safetensors` and `npz` one file `tables` with one
    `[U, d]` or `[I, d]` array a name. What the decoder's variants are compared with is under
    `reference/BRANCH/item`, `[1, d]`, or `[I, d]` where each item has its own; where a number is used in place of
    an item, `reference/BRANCH/user`, `[U, 1]`, goes with it.

    >>> from pathlib import Path
    >>> import numpy as np
    >>> from graphrec.export.embeddings import export_model
    >>> folder = export_model(run.model, run.user_ids, run.item_ids, Path("embeddings"), "npz")
    >>> sorted(path.name for path in folder.iterdir())
    ['embeddings.json', 'graphrec.json', 'items.parquet', 'tables.npz', 'users.parquet']
    >>> tables = np.load(folder / "tables.npz")
    >>> (tables["branch/click_match/user"][0] @ tables["branch/click_match/item"][1]).shape
    ()

    Args:
        model: the trained tables.
        user_ids, item_ids: external ids, `[U]` and `[I]`, in the order of the tables' rows.
        out: a new folder, or one that an export wrote.
        format: `parquet`, `safetensors` or `npz`.
        about: further entries for the manifest, such as the run's name.

    Raises:
        UnknownNameError: another format.
        DataError: `out` holds something that no export wrote.
    """
    if format not in FORMATS:
        raise UnknownNameError("export format", format, FORMATS)
    tables = _tables(model)
    ids = {"user": user_ids, "item": item_ids}
    with replace_folder(out, KIND) as folder:
        for side, values in ids.items():
            table = pd.DataFrame({"row": np.arange(len(values)), "id": values.astype(str)})
            table.to_parquet(folder / f"{side}s.parquet", index=False)
        if format == "parquet":
            for name, values in tables.items():
                side = name.rsplit("/", 1)[1]
                # A reference that all items share has a single row, which is nobody's.
                keys = ids[side].astype(str) if len(values) == len(ids[side]) else ["reference"]
                _write_table(folder / f"{name}.parquet", keys, values)
        elif format == "safetensors":
            save_file(tables, folder / "tables.safetensors")
        else:
            np.savez(folder / "tables.npz", **tables)  # type: ignore[arg-type]
        write_own_json(folder / MANIFEST, _manifest(model, tables, format, about or {}))
    return out


def _tables(model: FrozenModel) -> dict[str, np.ndarray]:
    tables = {}
    for name, branch in model.branches.items():
        tables[f"branch/{name}/user"], tables[f"branch/{name}/item"] = branch.user, branch.item
    for tower, outputs in model.representations.items():
        for output, representation in outputs.items():
            tables[f"representation/{tower}/{output}/user"] = representation.user
            tables[f"representation/{tower}/{output}/item"] = representation.item
    for estimand in model.decoder.variants().values():
        for name, branch in (model.reference_of(estimand) or {}).items():
            tables[f"reference/{name}/item"] = branch.item
            if branch.user.shape != model.branches[name].user.shape:
                tables[f"reference/{name}/user"] = branch.user
    return {name: np.ascontiguousarray(value.cpu().numpy(), dtype=np.float32) for name, value in tables.items()}


def _write_table(path: Path, ids, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    flat = pa.array(values.ravel())
    column = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    pq.write_table(pa.table({"id": pa.array(list(ids), pa.string()), "embedding": column}), path)


def _manifest(model: FrozenModel, tables: dict[str, np.ndarray], format: str, about: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": 1,
        **about,
        "format": format,
        "estimand": label(next(iter(model.decoder.variants().values()))),
        "logit": "inner product of branch/NAME/user[row of user] and branch/NAME/item[row of item]",
        "score": model.decoder.formula,
        "notation": NOTATION,
        "rows": {"user": model.num_users, "item": model.num_items},
        "row_order": "row r of a user table is row r of users.parquet; the same for items",
        "tables": {name: list(values.shape) for name, values in tables.items()},
    }
