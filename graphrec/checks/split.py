"""What a split leaves out or makes hard to measure; what leaks, `leaks` finds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graphrec.checks.findings import Finding
from graphrec.data.dataset import InteractionDataset
from graphrec.data.split import Split

FEW_USERS = 200
"""Held-out users below which 95 % intervals of Recall and NDCG are often wider than the effects that papers report."""


def check_split(dataset: InteractionDataset, split: Split) -> Iterator[Finding]:
    """Findings about a split: users and items that are not in train, few validation users, lost pairs.

    >>> from graphrec.checks.split import check_split
    >>> from graphrec.testing.planted import planted_split, planted_world
    >>> [(finding.code, finding.count) for finding in check_split(planted_world(), planted_split())]
    [('few_validation_users', 40)]
    """
    for kind, ids, in_train in (
        ("user", dataset.user_ids, split.dataset.user_ids[np.unique(split.train["user"])]),
        ("item", dataset.item_ids, split.dataset.item_ids[np.unique(split.train["item"])]),
    ):
        unknown = ~np.isin(ids.astype(str), in_train.astype(str))
        if unknown.any():
            message = f"{kind}s have no training event in the split `{split.config.name}`"
            step = "nothing: the split leaves them out and counts them; split.unseen = `keep` keeps them"
            example = str(ids[np.argmax(unknown)])
            yield Finding(f"{kind}s_without_training_rows", "info", int(unknown.sum()), message, example, step)
    users = len(np.unique(split.valid[:, 0]))
    if users < FEW_USERS:
        message = f"few users have validation likes in the split `{split.config.name}`: metrics will be uncertain"
        example = f"{split.counts['valid']} validation likes and {split.counts['test']} test likes"
        step = "show confidence intervals; another split, or a more common behaviour as the like, gives more users"
        yield Finding("few_validation_users", "warning", users, message, example, step)
    for name in ("valid", "test"):
        lost = split.counts.get(f"dropped_{name}_pairs_in_another_part", 0)
        if lost:
            message = f"pairs that the source gives as {name} are in another of its splits as well"
            step = "nothing: they stay in train, or else in test; published numbers may count them twice"
            yield Finding("given_splits_overlap", "warning", lost, message, f"{lost} {name} pairs", step)
