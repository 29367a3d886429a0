"""The files of a run's folder.

    recipe.toml             resolved recipe
    run.json                the manifest: status, versions, hashes, sizes, cost
    history.jsonl           a line an epoch
    training.safetensors    only while training: weights, optimiser, state; an interrupted run resumes from here
    .graphrec.lock          only while training: locked by the process that trains here
    weights.safetensors     trained parameters
    tables.safetensors      representations of all users and items, their categories, training pairs: all that scoring
                            needs
    users.parquet, items.parquet      row number -> external id
    ledger.jsonl            a line for each opening of the test split
    metrics.json, per_user/RESULT_SET-ESTIMAND.parquet      after `evaluate`
    .results.lock           only while results are written: locked by the process that writes them
    refutation/results.json, refutation/refutation.md       after `refute`
    graphrec.json           the files above with their hashes; see `graphrec.system.marker`

`run.json` gets the status `complete` last: only a complete run is ever opened.
"""

from __future__ import annotations

RECIPE = "recipe.toml"
MANIFEST = "run.json"
HISTORY = "history.jsonl"
CHECKPOINT = "training.safetensors"
WEIGHTS = "weights.safetensors"
TABLES = "tables.safetensors"
LEDGER = "ledger.jsonl"
METRICS = "metrics.json"
RESULTS_LOCK = ".results.lock"
PER_USER = "per_user"
REFUTATION = "refutation"
REFUTATION_FILES = ("results.json", "refutation.md")
TRAINING_FILES = (RECIPE, MANIFEST, HISTORY, CHECKPOINT, WEIGHTS, TABLES, "users.parquet", "items.parquet")
"""What a training writes, under the folder's lock."""
