"""What `graphrec check` says beyond the data's own findings: the split, its graph, the published set."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd

from graphrec.checks.inspection import default_split, inspect
from graphrec.data.dataset import dataset_from_events
from graphrec.data.split import SplitConfig
from graphrec.data.store import load


def dataset(events, columns=("user", "item", "behaviour", "timestamp")):
    feedback = {"click": ("click",), "like": ("click",)}
    return dataset_from_events("drawn", pd.DataFrame(events, columns=columns), feedback=feedback, provenance={})


def codes(inspection):
    return {finding.code: finding for finding in inspection.findings}


def test_a_sound_dataset_is_split_and_free_of_leaks(tiny_prepared):
    inspection = inspect(load(tiny_prepared))
    assert inspection.split is not None and inspection.split.config.name == "chronological"
    assert "no_leaks" in codes(inspection) and not inspection.has_errors
    document = json.loads(json.dumps(inspection.to_dict()))
    assert document["split"]["hash"] == inspection.split.hash
    assert "simulated" in document["published"]["matched_variant"]


def test_the_default_split_is_what_the_data_allows():
    times = dataset([("a", "p", "click", 1)])
    assert default_split(times).name == "chronological"
    timeless = replace(times, interactions=times.interactions.drop(columns="timestamp"))
    assert default_split(timeless).name == "random"
    divided = dataset([("a", "p", "click", "train")], ("user", "item", "behaviour", "part"))
    assert default_split(divided).name == "given"


def test_users_and_items_without_training_rows_are_named():
    events = [("a", item, "click", n) for n, item in enumerate("pqrstuv")] + [("b", "p", "click", 2)]
    events += [("b", item, "click", 8) for item in "qrst"] + [("late", "new", "click", 9)]
    findings = codes(inspect(dataset(events), SplitConfig(train=0.6)))
    assert findings["users_without_training_rows"].example == "late"
    assert (
        findings["items_without_training_rows"].count == 1 and findings["items_without_training_rows"].example == "new"
    )
    assert findings["few_validation_users"].count == 1


def test_a_split_that_cannot_be_made_is_a_finding():
    inspection = inspect(dataset([("a", "p", "click", 1), ("b", "q", "click", 1)]))
    assert inspection.split is None
    assert codes(inspection)["no_split"].next_step


def test_data_with_errors_is_not_split(tiny_prepared):
    sound = load(tiny_prepared)
    spoilt = replace(sound, interactions=sound.interactions.assign(item=np.int64(-1)))
    inspection = inspect(spoilt)
    assert inspection.has_errors and inspection.split is None and inspection.to_dict()["split"] is None


def test_splits_that_overlap_in_the_source_are_counted():
    columns = ("user", "item", "behaviour", "part")
    events = [(user, item, "click", "train") for user in "ab" for item in "pqr"]
    events += [("a", "p", "click", "test"), ("a", "s", "click", "test"), ("b", "s", "click", "valid")]
    events += [("c", "s", "click", "train"), ("c", "p", "click", "valid")]
    assert codes(inspect(dataset(events, columns)))["given_splits_overlap"].count == 1
