"""Runs side by side, and whether they differ: result rows, and the tests of every pair of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphrec.errors import RunError
from graphrec.evaluation.metrics import ABOUT_USERS, better, summarise
from graphrec.evaluation.significance import pair_tests
from graphrec.run import Run, compare, table_row


@dataclass(frozen=True)
class Comparison:
    """A result table, and tests whose `first` and `second` are its row numbers; see `evaluation.significance`."""

    table: pd.DataFrame
    tests: pd.DataFrame


def compare_runs(runs: Sequence[Run], part: str = "test", *, replicates: bool = False) -> Comparison:
    """The table of `run.compare` and the paired tests of its rows.

    Args:
        runs: evaluated on `part`, and trained on the same split.
        part: what was evaluated.
        replicates: runs whose recipes differ in the seed (and the name) alone become one row, with their number in
            `seeds`; intervals and tests are then over users and seeds.

    Raises:
        RunError: as `compare`; with `replicates`, methods have different numbers of seeds, or a run of one was not
            evaluated under all its estimands.
    """
    table = compare(runs, part)
    if not replicates:
        kept = [
            [run.per_user(entry["estimand"], part)]
            for run in runs
            for entry in run.metrics().values()
            if entry["part"] == part
        ]
        return Comparison(table, paired_tests(dict(enumerate(kept))))
    rows, kept = [], []
    for same in _by_recipe(runs):
        for entry in same[0].metrics().values():
            if entry["part"] == part:
                kept.append([run.per_user(entry["estimand"], part) for run in same])
                row = table_row(entry["method"], entry["estimand"], summarise(*kept[-1]))
                rows.append({"run": same[0].name, "seeds": len(same), **row})
    return Comparison(pd.DataFrame(rows), paired_tests(dict(enumerate(kept))))


def paired_tests(per_user: Mapping[int, Sequence[pd.DataFrame]]) -> pd.DataFrame:
    """`pair_tests` on kept per-user tables, over the users that all have.

    Where values nearer 0 are better, those of a row with a negative mean change their sign, so that a difference is one
    of distances from 0.

    Args:
        per_user: by row number, a table for each seed; a single one stands for a method without a seed.
    """
    seeds = max(map(len, per_user.values()), default=1)
    tables = {row: [one.set_index("user") for one in found] for row, found in per_user.items()}
    users: pd.Index | None = None
    for one in (one for found in tables.values() for one in found):
        users = one.index if users is None else users.intersection(one.index, sort=False)
    metrics = dict.fromkeys(
        column for found in tables.values() for column in found[0].columns if column not in ABOUT_USERS
    )
    values = {}
    for metric in metrics:
        stacked = [
            np.stack([one.reindex(users, columns=[metric])[metric].to_numpy(dtype=float) for one in found])
            for found in tables.values()
        ]
        found = np.stack([np.broadcast_to(one, (seeds, one.shape[1])) for one in stacked])
        if better(metric) == "nearer 0":
            found = found * np.where(np.nan_to_num(found).mean((1, 2), keepdims=True) < 0, -1.0, 1.0)
        values[metric] = found
    numbers = np.array(list(tables), dtype=int)
    tests = pair_tests(values)
    return tests.assign(**{key: numbers[tests[key].astype(int)] for key in ("first", "second")})


def named(names: Sequence[str], tests: pd.DataFrame) -> pd.DataFrame:
    """The tests with the rows' names in place of their numbers."""
    return tests.assign(**{key: [names[row] for row in tests[key]] for key in ("first", "second")})


def _by_recipe(runs: Sequence[Run]) -> list[list[Run]]:
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.recipe.model_copy(update={"seed": 0, "name": ""}).to_toml(), []).append(run)
    sizes = {len(same) for same in groups.values()}
    if len(sizes) > 1:
        raise RunError(
            "the methods have different numbers of seeds",
            expected="as many runs of each recipe",
            got=", ".join(f"{len(same)} of {same[0].name}" for same in groups.values()),
            next_step="train the missing seeds, or leave out --replicates",
        )
    twice = [same for same in groups.values() if len({run.recipe.seed for run in same}) < len(same)]
    if twice:
        raise RunError("two runs of one recipe have the same seed", got=", ".join(str(run.folder) for run in twice[0]))
    return list(groups.values())
