"""Whether two datasets are the same, to the bit and to the type."""

from __future__ import annotations

import numpy as np
import pandas as pd

from graphrec.data.dataset import Feature, InteractionDataset


def assert_same_dataset(first: InteractionDataset, second: InteractionDataset) -> None:
    """Fails at the first field in which two datasets differ.

    >>> from graphrec.testing.planted import planted_world
    >>> assert_same_dataset(planted_world(), planted_world())
    >>> assert_same_dataset(planted_world(), planted_world(seed=1))
    Traceback (most recent call last):
    ...
    AssertionError: ...
    """
    assert first.name == second.name
    for dataset in (first, second):
        assert dataset.user_ids.dtype == dataset.item_ids.dtype == object, "ids are strings"
    assert first.user_ids.tolist() == second.user_ids.tolist()
    assert first.item_ids.tolist() == second.item_ids.tolist()
    pd.testing.assert_frame_equal(first.interactions, second.interactions)
    assert dict(first.feedback) == dict(second.feedback)
    assert dict(first.roles) == dict(second.roles)
    assert dict(first.provenance) == dict(second.provenance)
    assert list(first.features) == list(second.features)
    for modality, feature in first.features.items():
        _assert_same_feature(feature, second.features[modality])


def _assert_same_feature(first: Feature, second: Feature) -> None:
    assert first.is_sparse == second.is_sparse
    assert first.values.dtype == second.values.dtype == np.float32
    np.testing.assert_array_equal(_dense(first), _dense(second))
    np.testing.assert_array_equal(first.mask, second.mask)
    assert (first.columns, first.provenance) == (second.columns, second.provenance)
    assert (first.encoder, first.layer) == (second.encoder, second.layer)


def _dense(feature: Feature) -> np.ndarray:
    """`[I, D]`"""
    return feature.values.toarray() if feature.is_sparse else feature.values  # type: ignore[union-attr, return-value]
