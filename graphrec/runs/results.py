"""The results of a run: what evaluations gave, in the run's folder.

metrics.json                              by RESULT_SET/ESTIMAND: means and intervals
per_user/RESULT_SET-ESTIMAND.parquet      the values of each user behind them
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from graphrec.arguments import require_type, wrong_type
from graphrec.causal import Estimand, label
from graphrec.errors import Call, RunError, damaged
from graphrec.evaluation.metrics.columns import present_name
from graphrec.evaluation.summary import summarise, table_row
from graphrec.runs.artifacts import load_ids
from graphrec.runs.data_location import portable_manifest
from graphrec.runs.files import METRICS, PER_USER, RESULTS_LOCK
from graphrec.runs.manifest import read_manifest
from graphrec.runs.old_names import RESULT_KEYS, with_new_keys
from graphrec.runs.own_folder import mark_run
from graphrec.system.files import file_lock
from graphrec.system.integrity import read_own_json, require_intact
from graphrec.system.owned_folder import own_file, remove_own_file, remove_own_folder, write_own_json
from graphrec.system.parquet_bounds import require_bounded

Summary = Mapping[str, Mapping[str, float]]
"""By metric: `mean`, `low` and `high` of its 95 % interval, and the number of `users` behind them."""

EVALUATE_AGAIN = "remove the file, then evaluate the run again"

KEY = "a result set and an estimand, such as run.results['test', 'front_door']"


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation gave for one estimand on one result set.

    Args:
        folder: of the run.
        result_set: such as `test`; see `graphrec.evaluation.result_sets`.
        estimand: its label, such as `total_indirect_effect:strength=0.5`.
        method: the name in tables.
        metrics: means and intervals.

    >>> _ = run.evaluate(["observational"], split="valid")
    >>> result = run.results["valid", "observational"]
    >>> result.key, result.method
    (('valid', 'observational'), 'HCR-T')
    >>> bool(result.row()["recall@10"] == result.per_user["recall@10"].mean())
    True
    """

    folder: Path
    result_set: str
    estimand: str
    method: str
    metrics: Summary

    @property
    def key(self) -> tuple[str, str]:
        return self.result_set, self.estimand

    @property
    def per_user(self) -> pd.DataFrame:
        """A row a user: `user` (external id), `positives`, and each metric that single users have.

        Raises:
            RunError: the file is missing or damaged.
        """
        path = _values_file(self.folder, *self.key)
        require_intact(path, EVALUATE_AGAIN)
        try:
            require_bounded(path)
            return pd.read_parquet(path).rename(columns=present_name)
        except (OSError, ValueError) as error:
            raise damaged(path, str(error)[:300], EVALUATE_AGAIN) from None

    def row(self) -> dict[str, Any]:
        """Its row in a result table: method, estimand, users, each metric and the ends of its interval."""
        return table_row(self.method, self.estimand, {name: dict(value) for name, value in self.metrics.items()})


class RunResults:
    """The results in a run's folder, by result set and estimand.

    >>> table = run.evaluate(["observational"], split="valid")
    >>> ("valid", "observational") in run.results
    True
    >>> result = run.results["valid", "observational"]
    >>> sorted(result.metrics["ndcg@10"])
    ['high', 'low', 'mean', 'users']
    >>> list(result.per_user.columns[:2])
    ['user', 'positives']

    Each call reads the folder again, as another process may evaluate the run, too.

    Args:
        folder: of the run.
        manifest: of the training whose results these are.
    """

    def __init__(self, folder: Path, manifest: Mapping[str, Any]) -> None:
        self.folder = folder
        self.manifest = manifest

    def __getitem__(self, key: tuple[str, str | Estimand]) -> EvaluationResult:
        """The result on a result set under an estimand, or its label.

        Raises:
            RunError: the run was not evaluated so.
        """
        result_set, estimand = _labelled(key)
        entry = self._entries().get(f"{result_set}/{estimand}")
        if entry is None or not _values_file(self.folder, result_set, estimand).is_file():
            raise RunError(
                "not evaluated yet",
                got=f"`{estimand}` on {result_set}",
                where=self.folder,
                next_step=Call("run.evaluate([estimand])", "evaluate", self.folder, estimands=estimand),
            )
        return self._result(entry)

    def __contains__(self, key: tuple[str, str | Estimand]) -> bool:
        return "/".join(_labelled(key)) in self._entries()

    def __iter__(self) -> Iterator[EvaluationResult]:
        """In the order in which they were first evaluated."""
        return iter([self._result(entry) for entry in self._entries().values()])

    def __len__(self) -> int:
        return len(self._entries())

    def by_estimand(self, result_set: str) -> dict[str, EvaluationResult]:
        """The results on one result set, by the estimand's label."""
        require_type("result_set", result_set, str, "the name of a result set, such as 'test'")
        return {result.estimand: result for result in self if result.result_set == result_set}

    def add(
        self,
        result_set: str,
        method: str,
        estimand: Estimand,
        per_user: pd.DataFrame,
        of_lists: Mapping[str, float] | None = None,
    ) -> EvaluationResult:
        """Summarise what an evaluation gave, and write it into the folder in place of an earlier one.

        Args:
            result_set: what was evaluated on, a key of `EVALUATE_ARGUMENTS`.
            method: the name in tables.
            estimand: what the items were scored under.
            per_user: `user` (row numbers) and the metrics.
            of_lists: metrics of all lists together, such as coverage. No single user has them: they get no interval.

        Raises:
            RunError: the run was trained again since it was opened, so that these are not results of what is there now.
        """
        self._require_same_training()
        users = load_ids(self.folder, "users")[per_user["user"]]
        nan = float("nan")
        without_interval = {
            metric: {"mean": value, "low": nan, "high": nan, "users": len(per_user)}
            for metric, value in (of_lists or {}).items()
        }
        text, metrics = label(estimand), summarise(per_user) | without_interval
        entry = {"method": method, "estimand": text, "result_set": result_set, "metrics": metrics}
        mark_run(self.folder)
        with file_lock(self.folder / RESULTS_LOCK, wait=True):  # another process may evaluate the run, too
            # The values of the users come first: an entry without its file would name what is not there.
            with own_file(_values_file(self.folder, result_set, text)) as path:
                per_user.assign(user=users).to_parquet(path, index=False)
            # The entries are read again under the lock, so that none of another process is lost.
            write_own_json(self.folder / METRICS, self._entries() | {f"{result_set}/{text}": entry})
        return self._result(entry)

    def _result(self, entry: Mapping[str, Any]) -> EvaluationResult:
        return EvaluationResult(folder=self.folder, **entry)

    def _entries(self) -> dict[str, dict[str, Any]]:
        path = self.folder / METRICS
        entries = read_own_json(path, EVALUATE_AGAIN) if path.is_file() else {}
        return {key: _with_present_names(entry) for key, entry in entries.items()}

    def _require_same_training(self) -> None:
        # The relative path of the data may change without a training, after the folder has moved.
        if portable_manifest(read_manifest(self.folder)) != portable_manifest(self.manifest):
            raise RunError(
                "the run was trained again while it was evaluated",
                expected=f"the training of {self.manifest['created']}",
                got="another one",
                where=self.folder,
                next_step="evaluate it again, once it is complete",
            )


def remove_results(folder: Path) -> None:
    """Remove all results from a run's folder.

    >>> write_own_json(Path("metrics.json"), {})
    >>> remove_results(Path())
    >>> list(Path().iterdir())
    []
    """
    remove_own_file(folder / METRICS)
    remove_own_folder(folder / PER_USER)


def _with_present_names(entry: Mapping[str, Any]) -> dict[str, Any]:
    present = with_new_keys(entry, RESULT_KEYS)
    return present | {"metrics": {present_name(column): value for column, value in present["metrics"].items()}}


def _labelled(key: tuple[str, str | Estimand]) -> tuple[str, str]:
    if not (isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], str)):
        raise wrong_type("key", key, KEY)
    result_set, estimand = key
    require_type("key", estimand, (str, Estimand), KEY)
    return result_set, estimand if isinstance(estimand, str) else label(estimand)


def _values_file(folder: Path, result_set: str, estimand: str) -> Path:
    # A label has colons, which Windows allows in no file name; a slash would make a folder.
    return folder / PER_USER / f"{result_set}-{estimand}.parquet".replace(":", "_").replace("/", "_")
