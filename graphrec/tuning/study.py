"""The study: finished trials in an SQLite file, and the next settings to try.

A finished trial enters the file in one transaction. The next settings depend on the finished trials and the recipe's
seed alone. So a process that is killed at any moment loses nothing: the next one suggests the same settings, and
resumes the run in the same folder.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from itertools import count, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.errors import (
    ANOTHER_FOLDER_OR_REMOVE,
    OUT,
    DamagedFileError,
    GraphrecError,
    MismatchError,
    Phrase,
    RunError,
)
from graphrec.runs.recipe import Recipe
from graphrec.seeding import derive_seed
from graphrec.tuning.results import Trial
from graphrec.tuning.space import Space, Values

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

STARTUP = 5
"""Settings that TPE draws at random before it models what is good; optuna's ten would use up a budget of ten."""
IDENTITY, TRIAL, DIGEST = "tuning", "trial", "sha256"


def require_optuna() -> None:
    """Refuse where optuna is missing.

    Raises:
        GraphrecError: it is not installed.

    >>> import sys
    >>> from unittest.mock import patch
    >>> from graphrec.tuning.study import require_optuna
    >>> with patch.dict(sys.modules, optuna=None):  # as if it were not installed
    ...     require_optuna()
    Traceback (most recent call last):
    graphrec.errors.GraphrecError: tuning needs optuna
    ...
    """
    try:
        import optuna
    except ImportError:
        raise GraphrecError(
            "tuning needs optuna",
            expected="the package optuna",
            got="it is not installed",
            next_step="pip install optuna",
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)


class TuningStudy:
    """Finished trials in a file, which is made where there is none.

    Args:
        path: the SQLite file.
        space: what is searched.
        sampler: `tpe`, `random` or `grid`.
        identity: all that must be the same for trials to be compared. The path of its recipe's data does not matter:
            `data` is the fingerprint.

    Raises:
        MismatchError: the study's identity is another.
        RunError: the file is no study.

    >>> from pathlib import Path
    >>> from graphrec.tuning import Space, Trial
    >>> from graphrec.tuning.study import TuningStudy
    >>> tuned = gr.Recipe.from_dict({**recipe.model_dump(), "tune": {"space": {"backbone.layers": [1, 2, 3]}}})
    >>> space = Space.from_recipe(tuned, run.untrained_decoder())
    >>> study = TuningStudy(Path("study.db"), space, "random", {"recipe": tuned.to_toml()})
    >>> study.add(Trial(0, study.suggest(), {"front_door": 0.2}))
    >>> study.suggest() == space.first  # what was tried is not tried again
    False
    >>> [trial.number for trial in TuningStudy(Path("study.db"), space, "random", {"recipe": tuned.to_toml()}).trials]
    [0]
    """

    def __init__(self, path: Path, space: Space, sampler: str, identity: Mapping[str, str]) -> None:
        import optuna

        self.path, self.space, self.sampler = path, space, sampler
        self.distributions = {key: _distribution(values) for key, values in space.dimensions.items()}
        with self._reachable():
            # By a creator, as a URL would read `?` and `%` in the path.
            storage = optuna.storages.RDBStorage("sqlite://", engine_kwargs={"creator": partial(sqlite3.connect, path)})
            self._study = optuna.create_study(
                storage=storage, study_name="graphrec", direction="maximize", load_if_exists=True
            )
            before = self._study.user_attrs.get(IDENTITY)
            if before is None:
                self._study.set_user_attr(IDENTITY, dict(identity))
            else:
                before["recipe"] = _with_data_at(space.recipe.data.path, str(before.get("recipe")))
        for key, value in identity.items():
            if before is not None and before.get(key) != value:
                expected, got = _first_difference(str(before.get(key)), value)
                raise MismatchError(
                    f"the folder holds trials of another {key}",
                    expected=expected,
                    got=got,
                    where=path.parent,
                    next_step=ANOTHER_FOLDER_OR_REMOVE,
                )
        with self._reachable():
            self.trials = [self._intact(trial.user_attrs) for trial in self._study.trials]

    def suggest(self) -> dict[str, Any] | None:
        """The next settings, none of which was tried; None where all were. The first are the recipe's."""
        import optuna
        from optuna.samplers import RandomSampler, TPESampler

        if not self.trials:
            return self.space.first
        tried = [trial.settings for trial in self.trials]
        # The recipe's own settings need not be in the space, so only those within it count.
        if sum(map(self.space.has, tried)) >= self.space.size:
            return None
        # `ask` records a running trial. In a study in memory, a killed process leaves none behind.
        scratch = optuna.create_study(direction="maximize")
        # From our own records, which have a digest, not from what else the database says of them.
        scratch.add_trials([self._frozen(trial) for trial in self.trials])
        for attempt in count():
            seed = derive_seed(self.space.recipe.seed, "tune", len(self.trials), attempt) % 2**32
            # TPE may suggest what was tried: further attempts draw at random. A grid is drawn so from the start, as
            # its lists run out.
            model = self.sampler == "tpe" and attempt == 0
            scratch.sampler = TPESampler(seed=seed, n_startup_trials=STARTUP) if model else RandomSampler(seed=seed)
            params = scratch.ask(self.distributions).params
            settings = {key: _decoded(self.space.dimensions[key], params[key]) for key in self.distributions}
            if settings not in tried:
                return settings
        raise AssertionError("count() does not end")

    def add(self, trial: Trial) -> None:
        """Record a finished trial."""
        with self._reachable():
            self._study.add_trial(self._frozen(trial))
        self.trials.append(trial)

    def _frozen(self, trial: Trial) -> FrozenTrial:
        """A finished trial as optuna has it, with our record of it and the record's digest."""
        import optuna

        inside = self.space.has(trial.settings)  # optuna takes no values outside its distributions
        params = {key: _encoded(self.space.dimensions[key], value) for key, value in trial.settings.items()}
        # A failed trial has no value, and TPE learns nothing from it.
        state = optuna.trial.TrialState.FAIL if trial.failure else optuna.trial.TrialState.COMPLETE
        record = asdict(trial)
        return optuna.trial.create_trial(
            state=state,
            value=None if trial.failure else trial.value,
            params=params if inside else {},
            distributions=self.distributions if inside else {},
            user_attrs={TRIAL: record, DIGEST: _digest(record)},
        )

    def _intact(self, attributes: Mapping[str, Any]) -> Trial:
        """The record of a trial; SQLite itself does not notice a changed bit.

        Raises:
            DamagedFileError: it is not what was written. Studies of earlier versions have no digest to compare.
        """
        record = attributes.get(TRIAL)
        if not isinstance(record, dict) or attributes.get(DIGEST, _digest(record)) != _digest(record):
            raise DamagedFileError(
                "a trial in the study was changed after graphrec wrote it",
                expected="the record of a finished trial, with its digest",
                got="another content",
                where=self.path,
                next_step=Phrase("restore the file from a copy, or tune into another {}", OUT),
            )
        return Trial(**record)

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        from optuna.exceptions import OptunaError
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (OptunaError, SQLAlchemyError, sqlite3.Error, RuntimeError) as error:
            raise RunError(
                "the study cannot be read or written",
                expected="an SQLite file that `graphrec tune` wrote, and room to write",
                got=str(error).split("\n")[0],
                where=self.path,
                next_step=Phrase("check that file and its disk, or choose another {}", OUT),
            ) from error


def _digest(record: Any) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _with_data_at(path: str, recipe: str) -> str:
    try:
        return Recipe.from_dict(tomllib.loads(recipe)).with_data_at(path).to_toml()
    except (tomllib.TOMLDecodeError, GraphrecError):  # of another version
        return recipe


def _first_difference(before: str, now: str) -> tuple[str, str]:
    lines = zip_longest(before.split("\n"), now.split("\n"), fillvalue="nothing")
    return next(pair for pair in lines if pair[0] != pair[1])


def _distribution(values: Values) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(values, tuple):
        # As JSON: optuna stores no lists among the choices.
        return CategoricalDistribution([json.dumps(value) for value in values])
    if values.whole:
        return IntDistribution(int(values.low), int(values.high), log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _encoded(values: Values, value: Any) -> Any:
    return json.dumps(value) if isinstance(values, tuple) else value


def _decoded(values: Values, value: Any) -> Any:
    return json.loads(value) if isinstance(values, tuple) else value
