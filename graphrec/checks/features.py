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
    """Findings about the modalities of a dataset whose features have a row for each item."""
    ids = dataset.item_ids
    for name, feature in dataset.features.items():
        mask = feature.mask
        row_sizes, finite, constant = _summary(feature)
        if name not in dataset.roles:
            message = f"feature `{name}` is neither exposure nor content"
            yield Finding("feature_without_role", "error", 1, message, name, "give it a role")
        absent_with_values, present_without = ~mask & (row_sizes > 0), mask & (row_sizes == 0)
        rows: tuple[tuple[str, Severity, np.ndarray, str, str], ...] = (
            (
                "feature_not_finite",
                "error",
                ~finite,
                "items have NaN or infinite values",
                "mask or repair them",
            ),
            ("masked_values", "error", absent_with_values, "masked items have values", "set them to zero"),
            ("zero_rows", "warning", present_without, "items present have only zeros", "mask them"),
            ("missing_rows", "info", ~mask, "items lack this modality", "nothing: models read the mask"),
        )
        for code, severity, wrong, message, step in rows:
            if wrong.any():
                where = f"{name} of item {ids[np.argmax(wrong)]}"
                yield Finding(code, severity, int(wrong.sum()), f"feature `{name}`: {message}", where, step)
        if not mask.any():
            message = f"feature `{name}`: no item has this modality"
            yield Finding("empty_modality", "warning", len(mask), message, name, "leave it out with data.modalities")
        same, first = _commonest_row(feature)
        if same >= max(FEW_ITEMS, SHARED * mask.sum()):
            message = f"feature `{name}`: items have one and the same vector"
            step = "mask them, if it marks missing data (a mean, a placeholder)"
            yield Finding("repeated_rows", "warning", same, message, f"{name} of item {ids[first]}", step)
        if constant.any():
            column = int(np.argmax(constant))
            named = feature.columns[column] if feature.columns else str(column)
            message = f"feature `{name}`: columns have one value for all items that have the modality"
            step = "drop them: they distinguish no items"
            yield Finding("constant_columns", "warning", int(constant.sum()), message, f"column {named}", step)
    if dataset.features:
        bare = ~np.any([feature.mask for feature in dataset.features.values()], axis=0)
        if bare.any():
            message = "items have no feature of any modality"
            step = "nothing, if they have none: models know them by their id alone"
            example = str(ids[np.argmax(bare)])
            yield Finding("items_without_features", "warning", int(bare.sum()), message, example, step)


def _commonest_row(feature: Feature) -> tuple[int, int]:
    """How many items have the commonest nonzero dense vector, and the first of them; 0 for a bag."""
    values = feature.values
    if isinstance(values, np.ndarray):
        # Rows of zeros have a finding of their own.
        rows = np.flatnonzero(feature.mask & (values != 0).any(axis=1))
        if len(rows):
            # Two different rows with one hash are next to impossible, and would only raise the count of a warning.
            hashes = pd.Series([hash(values[row].tobytes()) for row in rows])
            counts = hashes.value_counts()
            return int(counts.iloc[0]), int(rows[np.argmax(hashes == counts.index[0])])
    return 0, 0


def _summary(feature: Feature) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each row its largest absolute value and whether it is finite; for each column if it is constant."""
    mask = feature.mask
    if sparse.issparse(feature.values):
        matrix = sparse.csr_array(feature.values)
        finite = np.ones(matrix.shape[0], dtype=bool)
        row_of = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        finite[row_of[~np.isfinite(matrix.data)]] = False
        matrix = sparse.csr_array(
            (np.nan_to_num(matrix.data, posinf=1.0, neginf=-1.0), matrix.indices, matrix.indptr),
            shape=matrix.shape,
        )
        if matrix.shape[1] == 0:
            return np.zeros(matrix.shape[0]), finite, np.zeros(0, dtype=bool)
        sizes = abs(matrix).max(axis=1).toarray().ravel()
        present = matrix[np.flatnonzero(mask)]
        # Of a single item every column is constant, which says nothing.
        if present.shape[0] < 2:
            return sizes, finite, np.zeros(matrix.shape[1], dtype=bool)
        constant = present.max(axis=0).toarray().ravel() == present.min(axis=0).toarray().ravel()
        return sizes, finite, constant
    values = np.asarray(feature.values)
    finite = np.isfinite(values).all(axis=1)
    if values.shape[1] == 0:
        return np.zeros(len(values)), finite, np.zeros(0, dtype=bool)
    sizes = np.abs(np.nan_to_num(values, nan=1.0)).max(axis=1)
    present = values[mask]
    constant = np.ptp(present, axis=0) == 0 if len(present) > 1 else np.zeros(values.shape[1], dtype=bool)
    return sizes, finite, constant
