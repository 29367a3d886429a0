"""The manifest of a run: what it was trained on and with, and how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from graphrec.backbones import backbones
from graphrec.data.split import Split
from graphrec.data.store import fingerprint
from graphrec.decoders import decoders
from graphrec.errors import OUT, TRAIN_AGAIN, TRAIN_OR_RESTORE, Argument, Call, MismatchError, Phrase, RunError, damaged
from graphrec.evaluation.metrics import describe
from graphrec.recommender import Recommender
from graphrec.runs.files import MANIFEST
from graphrec.runs.old_names import MANIFEST_KEYS, READABLE, SCHEMA, with_new_keys
from graphrec.runs.recipe import Recipe
from graphrec.system.environment import Environment, code_of
from graphrec.system.files import sha256
from graphrec.system.integrity import read_own_json
from graphrec.training.callbacks import callbacks

COMPLETE, TRAINING = "complete", "training"
BEGUN_WITH = "begun_with"
"""In a manifest: the environment in which a training began that was finished with other code."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest in a run's folder, under today's names.

    Raises:
        DataError: there is none, or it is not JSON.
        RunError: it is not a JSON object.

    >>> manifest = read_manifest(run.folder)
    >>> manifest["status"], manifest["dataset"], manifest["epochs"]
    ('complete', 'tiktok', 2)
    """
    manifest = read_own_json(folder / MANIFEST, TRAIN_OR_RESTORE)
    if not isinstance(manifest, dict):
        raise damaged(folder / MANIFEST, "not a JSON object")
    return with_new_keys(manifest, MANIFEST_KEYS)


def complete_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a complete run.

    Raises:
        RunError: not a run folder, its training has not finished, or another version of graphrec wrote it.

    >>> complete_manifest(run.folder)["status"]
    'complete'
    >>> complete_manifest(Path("nowhere"))
    Traceback (most recent call last):
    graphrec.errors.RunError: not a run folder
      expected: a folder with run.json
      where: nowhere
      next step: `train(recipe, out)`
    """
    if not (folder / MANIFEST).is_file():
        raise RunError(
            "not a run folder",
            expected=f"a folder with {MANIFEST}",
            where=folder,
            next_step=Call("train(recipe, out)", "train", "RECIPE.toml", out="RUN"),
        )
    manifest = read_manifest(folder)
    if manifest.get("status") != COMPLETE:
        raise RunError(
            "the run's training has not finished",
            got=f"status {manifest.get('status')}",
            where=folder,
            next_step=Phrase("train again with the same recipe and {}: training resumes", OUT),
        )
    if manifest.get("schema") not in READABLE:
        raise RunError(
            "the run was written by another version of graphrec",
            expected=f"a run folder of schema {SCHEMA}",
            got=f"schema {manifest.get('schema')}",
            where=folder,
            next_step="train the recipe in its recipe.toml again",
        )
    return manifest


def new_manifest(recipe: Recipe, split: Split, model: Recommender) -> dict[str, Any]:
    """What is known of a run before its first epoch; `status` and what training costs are added later.

    >>> from graphrec.runs.build import build
    >>> split = run.split()
    >>> manifest = new_manifest(recipe, split, build(recipe, split)[0])
    >>> manifest["split_hash"] == run.manifest["split_hash"], "status" in manifest
    (True, False)
    """
    return {
        "schema": SCHEMA,
        "name": recipe.name,
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "environment": asdict(Environment()),
        "threads": torch.get_num_threads(),
        "dataset": split.dataset.name,
        "simulated": "simulated" in split.dataset.provenance,
        **data_and_code(recipe),
        "split_hash": split.hash,
        "counts": split.counts,
        "filter": split.dataset.provenance.get("recipe_filter"),
        # From this a run makes its decoder again without reading the data.
        "context": asdict(model.decoder.context),
        "single_behaviour": split.dataset.single_behaviour,
        "parameters": sum(p.numel() for p in model.parameters()),
    }


def data_and_code(recipe: Recipe) -> dict[str, Any]:
    """What a training depends on besides its recipe and graphrec: hashes of the data and of the user's own modules.

    Returns:
        `dataset_fingerprint`, and `custom_code`, by module the SHA-256 of its file.

    >>> before = data_and_code(recipe)
    >>> before["dataset_fingerprint"] == run.manifest["dataset_fingerprint"], before["custom_code"]
    (True, {})
    """
    return {"dataset_fingerprint": fingerprint(Path(recipe.data.path)), "custom_code": custom_code(recipe)}


def custom_code(recipe: Recipe) -> dict[str, str]:
    """The SHA-256 of the file of each of the user's own modules, by module, that a training uses.

    >>> custom_code(recipe)
    {}
    """
    # A metric belongs to it where early stopping watches it: with other code other weights would be the best.
    watched = describe(recipe.training.monitor).metric
    components: list[type] = [
        backbones.get(recipe.backbone["name"]),
        decoders.get(recipe.decoder["name"]),
        *(callbacks.get(name) for name in recipe.training.callbacks),
        watched,
    ]
    custom = {kind.__module__ for kind in components if kind.__module__.partition(".")[0] != "graphrec"}
    # A class from an interactive session has no file that could be hashed.
    files = {module: getattr(sys.modules[module], "__file__", None) for module in sorted(custom)}
    return {module: sha256(Path(file)) for module, file in files.items() if file}


def require_unchanged(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Refuse other data or other custom code than a manifest names.

    To resume with them would mix two trainings, and a complete run would pass for one of the new data.

    Args:
        before: the manifest in `folder`.
        now: what `data_and_code` or `new_manifest` gives.

    Raises:
        MismatchError: they differ.

    >>> before, now = ({"dataset_fingerprint": letter * 64, "custom_code": {}} for letter in "ab")
    >>> require_unchanged(before, now, Path("runs"))
    Traceback (most recent call last):
    graphrec.errors.MismatchError: the data changed since the run in this folder was trained
      expected: dataset_fingerprint aaaaaaaaaaaa
      got: dataset_fingerprint bbbbbbbbbbbb
      where: runs
      next step: prepare the same raw data again, or train from scratch with `resume=False`
    """
    # `data_and_code` has no hash of the split: to make the split takes reading all data.
    for key in now.keys() & {"dataset_fingerprint", "split_hash"}:
        if before.get(key) != now[key]:
            raise MismatchError(
                "the data changed since the run in this folder was trained",
                expected=f"{key} {str(before.get(key))[:12]}",
                got=f"{key} {now[key][:12]}",
                where=folder,
                next_step=Phrase(
                    "prepare the same raw data again, or train from scratch with {}", Argument("resume", False)
                ),
            )
    for module, code in now["custom_code"].items():
        trained = str(before.get("custom_code", {}).get(module))
        if trained != code:
            raise MismatchError(
                f"the file of `{module}` changed since the run in this folder was trained",
                expected=f"sha256 {trained[:12]}",
                got=f"sha256 {code[:12]}",
                where=folder,
                next_step=TRAIN_AGAIN,
            )


def begun_with(before: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest of a resumed training adds: the environment in which it began, if its code was another.

    Args:
        before: the manifest of the interrupted training.

    >>> here = asdict(Environment())
    >>> begun_with({"environment": here})
    {}
    >>> begun_with({"environment": here | {"torch": "2.0"}})["begun_with"]["torch"]
    '2.0'
    """
    # Of a training that was resumed several times, the first environment counts.
    environment = before.get(BEGUN_WITH, before["environment"])
    return {} if code_of(environment) == code_of(asdict(Environment())) else {BEGUN_WITH: environment}
