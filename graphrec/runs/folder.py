"""The folder that a recipe is trained into: what is in it now, and whether it may be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphrec.data.store import fingerprint
from graphrec.errors import ANOTHER_FOLDER_OR_REMOVE, TRAIN_OR_RESTORE, GraphrecError, MismatchError
from graphrec.runs.data_location import location_of_data
from graphrec.runs.files import CHECKPOINT, MANIFEST, RECIPE, REFUTATION, TRAINING_FILES
from graphrec.runs.manifest import TRAINING, data_and_code, read_manifest, require_unchanged
from graphrec.runs.own_folder import KIND, files_of_an_earlier_version
from graphrec.runs.recipe import Recipe
from graphrec.runs.results import remove_results
from graphrec.runs.run import Run
from graphrec.system.files import LOCK, file_lock
from graphrec.system.integrity import require_intact
from graphrec.system.owned_folder import (
    claim,
    remove_own_file,
    remove_own_folder,
    require_claimable,
    write_own_json,
    write_own_text,
)


@dataclass(frozen=True)
class Absent:
    """No run of the recipe: nothing, or a training that failed before its first checkpoint.

    >>> RunFolder("runs/new").state(recipe)
    Absent()
    """


@dataclass(frozen=True)
class Interrupted:
    """A training of the recipe that has a checkpoint and is not complete.

    Args:
        folder: of the run.

    >>> folder = RunFolder("hcr")
    >>> with folder.lock():
    ...     folder.write_recipe(recipe)
    ...     folder.checkpoint.touch()
    >>> isinstance(folder.state(recipe), Interrupted)
    True
    """

    folder: Path

    def manifest(self) -> dict[str, Any]:
        """What the training began with.

        Raises:
            DataError: the file is missing or damaged.
        """
        return read_manifest(self.folder)


@dataclass(frozen=True)
class Complete:
    """A complete run of the recipe.

    Args:
        run: the run, as it was trained; its data or custom code may have changed since.

    >>> state = RunFolder(run.folder).state(recipe)
    >>> isinstance(state, Complete), state.run.name
    (True, 'hcr')
    """

    run: Run


State = Absent | Interrupted | Complete


class RunFolder:
    """A folder for the run of one recipe.

    >>> folder = RunFolder("runs/new")
    >>> folder.state(recipe)
    Absent()

    Args:
        path: it need not exist yet.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.checkpoint = self.path / CHECKPOINT

    def state(self, recipe: Recipe) -> State:
        """What of the recipe's run is here.

        Recipes that differ in the path of their data alone are one recipe, if both paths have the same data.

        Raises:
            ForeignFileError: the path is no folder, or it holds what is no run, or a file of the run was changed.
            MismatchError: it holds another recipe's run, complete or interrupted.
        """
        require_claimable(self.path, KIND, adopt=files_of_an_earlier_version)
        # A complete run counts even next to a checkpoint: a kill between the end of a training and the removal of its
        # checkpoint leaves both.
        run = complete_run(self.path)
        if run is None and not self.checkpoint.is_file():
            return Absent()
        self._require_recipe(recipe)
        return Interrupted(self.path) if run is None else Complete(run)

    def existing_run(self, recipe: Recipe, resume: bool = True) -> Run | None:
        """The complete run of the recipe, if there is one; its recipe then names the data's present path.

        Args:
            resume: False ignores the run, as it will be trained from scratch; another recipe's is refused all the same.

        Raises:
            RunError, MismatchError: as `state`.
            MismatchError: the data or the user's own code is not what the run was trained with.
        """
        state = self.state(recipe)
        if not (resume and isinstance(state, Complete)):
            return None
        run = state.run
        require_unchanged(run.manifest, data_and_code(recipe), self.path)
        # `state` has refused every other recipe, so only the path of the data can differ here.
        if run.recipe == recipe:
            return run
        self.write_recipe(recipe)
        self.write_manifest(run.manifest | location_of_data(self.path, recipe))
        return Run(self.path)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out while this one trains here; makes the folder.

        Raises:
            RunError: another process trains here.
        """
        claim(self.path, KIND, adopt=files_of_an_earlier_version)
        with file_lock(self.path / LOCK):
            yield

    def require_trainable(self) -> None:
        """Refuse a folder in which a file that a training writes is somebody else's, before the data is read.

        Raises:
            ForeignFileError: it names the file.
        """
        require_claimable(self.path, KIND, writes=TRAINING_FILES, adopt=files_of_an_earlier_version)

    def was_begun(self) -> bool:
        """Whether a training began here and is not complete."""
        try:
            return read_manifest(self.path).get("status") == TRAINING
        except GraphrecError:  # there is none, or it is damaged
            return False

    def write_recipe(self, recipe: Recipe) -> None:
        """Write the resolved recipe."""
        write_own_text(self.path / RECIPE, recipe.to_toml())

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Write the manifest; with the status `complete` it makes the folder a run."""
        write_own_json(self.path / MANIFEST, manifest)

    def clear(self) -> None:
        """Remove what an earlier training left. The ledger stays: the test split was opened all the same."""
        remove_own_file(self.checkpoint)
        remove_results(self.path)
        remove_own_folder(self.path / REFUTATION)

    def _require_recipe(self, recipe: Recipe) -> None:
        require_intact(self.path / RECIPE, TRAIN_OR_RESTORE)
        try:
            here = Recipe.from_toml(self.path / RECIPE)
        except GraphrecError:  # a recipe of another version, or one that names a custom class which is gone
            here = None
        if here == recipe:
            return
        moved = here is not None and here.with_data_at(recipe.data.path) == recipe
        if moved and read_manifest(self.path)["dataset_fingerprint"] == fingerprint(Path(recipe.data.path)):
            return
        raise MismatchError(
            "the folder holds a run of another recipe",
            expected=f"a new folder, or a run of recipe `{recipe.name}` as it is now",
            got="a run of this recipe on other data" if moved else "a run whose recipe.toml differs",
            where=self.path,
            next_step=ANOTHER_FOLDER_OR_REMOVE,
        )


def complete_run(folder: Path) -> Run | None:
    """The run in a folder; None where there is none, or its training has not finished.

    >>> complete_run(run.folder).name, complete_run(Path("nowhere"))
    ('hcr', None)
    """
    try:
        return Run(folder)
    except GraphrecError:
        return None
