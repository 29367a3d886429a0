"""Names that run folders of earlier versions use, and today's: old folders are read, never written.

`schema` in a run's manifest says which names its tables have. Keys of manifests and results are read under both names,
as a folder of an earlier version may get new entries.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEMA = 3
"""Of the run folder; raised where a name in its files changes."""
READABLE = (2, SCHEMA)

MANIFEST_KEYS = {"own_code": "custom_code", "data_from_here": "relative_data_path"}  # old name: new name
RESULT_KEYS = {"part": "result_set"}
TOWERS = {2: {"own": "extra"}}
"""By schema: names of towers in `tables.safetensors`."""


def with_new_keys(entry: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """The entry with each old key under its new name.

    >>> with_new_keys({"own_code": {}, "name": "HCR"}, MANIFEST_KEYS)  # an old name
    {'custom_code': {}, 'name': 'HCR'}
    """
    return {renamed.get(key, key): value for key, value in entry.items()}
