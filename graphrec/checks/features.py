"""What can be wrong with item features: values, masks, roles, and columns without information."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse

from graphrec.checks.findings import Finding, Severity, checks
from graphrec.data.dataset import Feature, InteractionDataset

FEW_ITEMS = 3
SHARED = 0.01
"""Share of the items with a modality that one vector must have to be reported."""


@checks.register("features")
def check_features(dataset: InteractionDataset) -> Iterator[Finding]:
    """Findings about the modalities of a dataset whose features have a row for each item.

    >>> import numpy as np
    >>> from graphrec.checks.features import check_features
    >>> from graphrec.testing.planted import planted_world
    >>> dataset = planted_world()
    >>> dataset.features["visual"].values[:3] = np.nan
    >>> [(finding.code, finding.count) for finding in check_features(dataset) if "visual" in finding.message]
    [('feature_not_finite', 3), ('zero_rows', 3), ('missing_rows', 4)]
    """
    ids = dataset.item_ids
    for name, feature in dataset.features.items():
        mask = feature.mask
        row_sizes, finite, constant = _summary(feature)
        if name not in dataset.roles:
            message = f"feature `{name}` has no role, neither exposure nor content"
            step = "make its role `exposure` if users see it before the click, `content` if after it"
            yield Finding("feature_without_role", "error", 1, message, name, step)
        absent_with_values, present_without = ~mask & (row_sizes > 0), mask & (row_sizes == 0)
        rows: tuple[tuple[str, Severity, np.ndarray, str, str], ...] = (
            (
                "feature_not_finite",
                "error",
                ~finite,
                "items have NaN or infinite values",
                "correct these values, or set them to zero and mark the items as missing it",
            ),
            (
                "masked_values",
                "error",
                absent_with_values,
                "items have values although the mask marks them as missing it",
                "set these rows to zero, or correct the mask",
            ),
            (
                "zero_rows",
                "warning",
                present_without,
                "items have no value but zero or NaN although the mask does not mark them as missing it",
                "correct the mask if zeros stand for missing data",
            ),
            ("missing_rows", "info", ~mask, "items lack this modality", "nothing: models read the mask"),
        )
        for code, severity, wrong, message, step in rows:
            if wrong.any():
                where = f"{name} of item {ids[np.argmax(wrong)]}"
                yield Finding(code, severity, int(wrong.sum()), f"feature `{name}`: {message}", where, step)
        if not mask.any():
            message = f"feature `{name}`: no item has this modality"
            yield Finding("empty_modality", "warning", len(mask), message, name, "leave it out with data.modalities")
        same, first = _commonest_row(feature, row_sizes)
        if same >= max(FEW_ITEMS, SHARED * mask.sum()):
            message = f"feature `{name}`: items share one vector"
            step = "mark them as missing it if the vector stands for missing data (a mean, a placeholder)"
            yield Finding("repeated_rows", "warning", same, message, f"{name} of item {ids[first]}", step)
        if constant.any():
            column = int(np.argmax(constant))
            named = feature.columns[column] if feature.columns else str(column)
            message = f"feature `{name}`: columns have one value for all items that have the modality"
            step = "nothing, or drop the columns: they cannot distinguish items"
            yield Finding("constant_columns", "warning", int(constant.sum()), message, f"column {named}", step)
    if dataset.features:
        bare = ~np.any([feature.mask for feature in dataset.features.values()], axis=0)
        if bare.any():
            message = "items have no feature of any modality"
            step = "nothing, if they have none: models know them by their id alone"
            example = str(ids[np.argmax(bare)])
            yield Finding("items_without_features", "warning", int(bare.sum()), message, example, step)


def _commonest_row(feature: Feature, row_sizes: np.ndarray) -> tuple[int, int]:
    """How many items have the commonest nonzero dense vector, and the first of them; 0 for a bag."""
    values = feature.values
    if isinstance(values, np.ndarray):
        # Rows without a value have a finding of their own.
        rows = np.flatnonzero(feature.mask & (row_sizes > 0))
        if len(rows):
            # Two different rows with one hash are next to impossible, and would only raise the count of a warning.
            hashes = pd.Series([hash(values[row].tobytes()) for row in rows])
            counts = hashes.value_counts()
            return int(counts.iloc[0]), int(rows[np.argmax(hashes == counts.index[0])])
    return 0, 0


def _summary(feature: Feature) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each row its largest absolute value and whether it is finite; for each column if it is constant.

    A NaN is a missing value, in dense and in sparse features alike: the row is not finite, but the NaN counts neither
    as a value of its row (the largest of none is 0) nor as one of its column.
    """
    values = sparse.csr_array(feature.values) if sparse.issparse(feature.values) else np.asarray(feature.values)
    if feature.width == 0:
        return np.zeros(len(feature.mask)), np.ones(len(feature.mask), dtype=bool), np.zeros(0, dtype=bool)
    sizes, finite = _row_summary(values)
    present = values[np.flatnonzero(feature.mask)]
    if present.shape[0] == 0:
        return sizes, finite, np.zeros(feature.width, dtype=bool)
    low, high, count = _column_summary(present)
    # Of a single value every column is constant, which says nothing.
    return sizes, finite, (low == high) & (count > 1)


def _row_summary(values: np.ndarray | sparse.csr_array) -> tuple[np.ndarray, np.ndarray]:
    """Of each row the largest absolute value, and whether all of it is finite."""
    if isinstance(values, np.ndarray):
        # `fmax` passes over NaN, and gives it only where there is nothing else.
        sizes = np.fmax.reduce(np.abs(values), axis=1)
        return np.where(np.isnan(sizes), 0, sizes), np.asarray(np.isfinite(values).all(axis=1))
    finite = np.ones(values.shape[0], dtype=bool)
    row_of = np.repeat(np.arange(values.shape[0]), np.diff(values.indptr))
    finite[row_of[~np.isfinite(values.data)]] = False
    return abs(_without_nan(values, 0.0)).max(axis=1).toarray().ravel(), finite


def _column_summary(values: np.ndarray | sparse.csr_array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each column the least value, the greatest, and the number of values, zeros included."""
    if isinstance(values, np.ndarray):
        count = len(values) - np.isnan(values).sum(axis=0)
        return np.fmin.reduce(values, axis=0), np.fmax.reduce(values, axis=0), count
    missing = np.bincount(values.indices[np.isnan(values.data)], minlength=values.shape[1])
    low = _without_nan(values, np.inf).min(axis=0).toarray().ravel()
    high = _without_nan(values, -np.inf).max(axis=0).toarray().ravel()
    return low, high, values.shape[0] - missing


def _without_nan(values: sparse.csr_array, substitute: float) -> sparse.csr_array:
    data = np.where(np.isnan(values.data), substitute, values.data)
    return sparse.csr_array((data, values.indices, values.indptr), shape=values.shape)
