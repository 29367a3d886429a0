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
    """Findings about a split of a dataset: users and items that train does not know, few held-out users, lost pairs."""
    for kind, ids, in_train in (
        ("user", dataset.user_ids, split.dataset.user_ids[np.unique(split.train["user"])]),
        ("item", dataset.item_ids, split.dataset.item_ids[np.unique(split.train["item"])]),
    ):
        unknown = ~np.isin(ids.astype(str), in_train.astype(str))
        if unknown.any():
            message = f"{kind}s have no row in the training split of `{split.config.name}`"
            step = "nothing: they are left out and counted; split.unseen = `keep` ranks them with the rest"
            example = str(ids[np.argmax(unknown)])
            yield Finding(f"{kind}s_without_training_rows", "info", int(unknown.sum()), message, example, step)
    held = len(np.unique(split.valid[:, 0]))
    if held < FEW_USERS:
        message = f"users have validation likes under the split `{split.config.name}`: intervals will be wide"
        example = f"{split.counts['valid']} valid and {split.counts['test']} test pairs"
        step = "show the intervals; another split, or behaviours that are less rare as the like, give more"
        yield Finding("few_held_out_users", "warning", held, message, example, step)
    for name in ("valid", "test"):
        lost = split.counts.get(f"dropped_{name}_pairs_in_another_part", 0)
        if lost:
            message = f"{name} pairs are in another of the source's splits as well"
            step = "nothing: they stay in train, or else in test; published numbers may count them twice"
            yield Finding("given_parts_overlap", "warning", lost, message, f"{lost} of {name}", step)
