"""The leak audit of a split: no pair in two splits, and no held-out user or item without training rows."""

from __future__ import annotations

import numpy as np

from graphrec.checks.findings import Finding
from graphrec.data.split import Split
from graphrec.data.splitters import distinct, keys

NEXT_STEP = "make the split again; do not evaluate on this one"


def audit_leaks(split: Split) -> list[Finding]:
    """What leaks: none if no pair is in two splits and every held-out user and item is in train.

    >>> from dataclasses import replace
    >>> from graphrec.checks.leaks import audit_leaks
    >>> from graphrec.testing.planted import planted_split
    >>> split = planted_split()
    >>> leaky = replace(split, valid=split.train_pairs("click")[:5])
    >>> audit_leaks(split), [(finding.code, finding.count) for finding in audit_leaks(leaky)]
    ([], [('valid_pair_in_train', 5)])
    """
    dataset = split.dataset
    train = distinct(keys(dataset, dataset.interactions))
    train_users, train_items = (distinct(dataset.interactions[kind].to_numpy()) for kind in ("user", "item"))
    # The audit counts; it hands no test pair on and is therefore no opening of the test split.
    held_out = {"valid": split.valid, "test": split._test}
    findings: list[Finding] = []

    def add(code: str, pairs: np.ndarray, wrong: np.ndarray, message: str) -> None:
        if wrong.any():
            user, item = pairs[np.argmax(wrong)]
            example = f"user number {user}, item number {item}"  # it may lie outside the ids
            findings.append(Finding(code, "error", int(wrong.sum()), message, example, NEXT_STEP))

    keyed = {}
    for name, pairs in held_out.items():
        keyed[name] = pairs[:, 0] * dataset.num_items + pairs[:, 1]
        repeated = np.ones(len(pairs), dtype=bool)
        repeated[np.unique(keyed[name], return_index=True)[1]] = False
        in_train = np.isin(keyed[name], train)
        add(f"{name}_pair_in_train", pairs, in_train, f"{name} pairs are among the training pairs")
        add(f"{name}_pair_repeated", pairs, repeated, f"{name} pairs occur more than once")
        for kind, column, train_rows in (("user", 0, train_users), ("item", 1, train_items)):
            # Such a split holds out users and items without training rows on purpose.
            if split.config.unseen == "keep":
                continue
            unknown = ~np.isin(pairs[:, column], train_rows)
            add(f"{name}_{kind}_not_in_train", pairs, unknown, f"{name} pairs are of a {kind} that is not in train")
    both = np.isin(keyed["valid"], keyed["test"])
    add("pair_in_valid_and_test", split.valid, both, "pairs are in both valid and test")
    return findings
