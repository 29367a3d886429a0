"""Checks: every planted fault is found, and a sound dataset is left in peace."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from support.paths import ROOT

from graphrec.checks.dataset import check, statistics
from graphrec.checks.inspection import inspect
from graphrec.data.dataset import Feature


@pytest.fixture
def sound(dataset_of):
    """Three users, four items, every like clicked first, two modalities without a gap."""
    events = [(user, item, "click", time) for time, (user, item) in enumerate((u, i) for u in "abc" for i in "pqrs")]
    events += [("a", "p", "like", 20), ("b", "q", "like", 21)]
    values = np.arange(8, dtype=np.float32).reshape(4, 2) + 1
    features = {
        "visual": Feature(values, np.ones(4, dtype=bool)),
        "words": Feature(sparse.csr_array(np.eye(4, 3, dtype=np.float32)), np.array([True, True, True, False])),
    }
    return replace(dataset_of(events), features=features, roles={"visual": "content", "words": "exposure"})


def codes(dataset):
    return {finding.code: finding for finding in check(dataset)}


def with_values(dataset, values, mask=None):
    mask = np.ones(values.shape[0], dtype=bool) if mask is None else np.asarray(mask)
    return replace(dataset, features={"visual": Feature(values, mask)}, roles={"visual": "content"})


def test_a_sound_dataset_has_nothing_but_the_planted_gap(sound):
    assert set(codes(sound)) == {"missing_rows"}
    finding = codes(sound)["missing_rows"]
    assert (finding.severity, finding.count, finding.example) == ("info", 1, "words of item s")


@pytest.mark.parametrize(("column", "value"), [("user", 3), ("user", -1), ("item", 4), ("item", -1)])
def test_dense_ids_out_of_range(sound, column, value):
    events = sound.interactions.copy()
    events.loc[5, column] = value
    finding = codes(replace(sound, interactions=events))[f"{column}_out_of_range"]
    assert (finding.severity, finding.count) == ("error", 1)
    assert "row 5" in finding.example


def test_repeated_external_ids(sound):
    ids = sound.item_ids.copy()
    ids[3] = ids[0]
    assert codes(replace(sound, item_ids=ids))["duplicate_item_ids"].example == "p"


def test_an_empty_dataset(sound):
    empty = replace(sound, interactions=sound.interactions.iloc[:0])
    assert codes(empty)["empty"].severity == "error"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("layout", [np.asarray, sparse.csr_array])
def test_values_that_are_not_finite(sound, bad, layout):
    values = layout(np.array([[1, 2], [3, bad], [2, 5], [4, 4]], dtype=np.float32))
    finding = codes(with_values(sound, values))["feature_not_finite"]
    assert (finding.severity, finding.count, finding.example) == ("error", 1, "visual of item q")


def test_constant_columns_are_judged_where_the_modality_is_present(sound):
    values = np.array([[7, 1], [7, 2], [7, 3], [0, 0]], dtype=np.float32)
    finding = codes(with_values(sound, values, [True, True, True, False]))["constant_columns"]
    assert (finding.count, finding.example) == (1, "column 0")
    bag = Feature(sparse.csr_array(values[:, ::-1]), np.array([True] * 3 + [False]), ("varies", "constant"))
    finding = codes(replace(sound, features={"words": bag}))["constant_columns"]
    assert (finding.count, finding.example) == (1, "column constant")


def test_zeros_that_count_as_present_and_values_that_count_as_missing(sound):
    values = np.array([[1, 2], [0, 0], [3, 1], [4, 4]], dtype=np.float32)
    findings = codes(with_values(sound, values, [True, True, True, False]))
    assert findings["zero_rows"].example == "visual of item q"
    assert findings["masked_values"].example == "visual of item s"
    assert findings["items_without_features"].example == "s"


def test_a_nan_is_a_missing_value_in_dense_and_in_sparse_features_alike(sound):
    nan = np.nan
    values = np.array([[nan, nan, 5, nan], [1, nan, nan, 7], [2, nan, 5, nan], [nan, 0, nan, nan]], dtype=np.float32)
    reports = [
        [(finding.code, finding.count, finding.example) for finding in codes(with_values(sound, layout, mask)).values()]
        for mask in ([True] * 4, [True, True, True, False])
        for layout in (values, sparse.csr_array(values))
    ]
    assert reports[0] == reports[1] and reports[2] == reports[3]
    # The last item has no value: a zero and NaN are none. In the third column all values that are not NaN are 5; the
    # last has a single one, which says nothing.
    assert ("zero_rows", 1, "visual of item s") in reports[0]
    assert ("constant_columns", 1, "column 2") in reports[0]
    assert "masked_values" not in [code for code, _, _ in reports[2]]
    assert [report for report in reports[2] if report[0] == "feature_not_finite"] == [
        ("feature_not_finite", 4, "visual of item p")
    ]


def test_rows_of_nothing_but_nan_are_no_repeated_vector(sound):
    values = np.full((4, 2), np.nan, dtype=np.float32)
    findings = codes(with_values(sound, values))
    assert findings["zero_rows"].count == 4 and "repeated_rows" not in findings


def test_features_that_do_not_fit_the_items(sound):
    assert codes(with_values(sound, np.ones((3, 2), dtype=np.float32)))["feature_rows"].severity == "error"
    assert "feature_without_role" in codes(replace(sound, roles={}))


def test_odd_behaviours(sound, dataset_of):
    events = [("a", "p", "click", 1), ("a", "p", "click", 1), ("a", "q", "like", 2)]
    findings = codes(dataset_of(events))
    assert findings["likes_without_click"].example == "user a, item q"
    assert findings["duplicate_events"].count == 1
    assert findings["users_with_few_clicks"].count == 1
    assert "single_behaviour" in codes(dataset_of(events, like=("click",)))
    assert codes(replace(sound, feedback={"click": ("click",), "like": ("hug",)}))["unknown_feedback"].example == "hug"


def test_items_never_clicked(sound):
    interactions = sound.interactions[sound.interactions["item"] != 2].reset_index(drop=True)
    assert codes(replace(sound, interactions=interactions))["items_never_clicked"].example == "r"


def test_odd_times(sound):
    def at(times):
        return codes(replace(sound, interactions=sound.interactions.assign(timestamp=times)))

    count = len(sound.interactions)
    assert at([-5] + [1] * (count - 1))["negative_times"].count == 1
    assert at([1] * count)["constant_times"].count == count
    assert at([np.nan] + [1.0] * (count - 1))["missing_times"].severity == "error"
    timeless = replace(sound, interactions=sound.interactions.drop(columns="timestamp"))
    assert "random" in codes(timeless)["no_times"].next_step


def test_a_vector_that_many_items_share_stands_for_a_missing_one(sound):
    values = np.array([[1, 2], [5, 5], [5, 5], [5, 5]], dtype=np.float32)
    finding = codes(with_values(sound, values))["repeated_rows"]
    assert (finding.severity, finding.count, finding.example) == ("warning", 3, "visual of item q")
    assert "repeated_rows" not in codes(with_values(sound, values, [True, True, True, False]))


def test_a_modality_that_no_item_has(sound):
    findings = codes(with_values(sound, np.zeros((4, 2), dtype=np.float32), [False] * 4))
    assert findings["empty_modality"].example == "visual"


def test_a_bag_without_words_is_a_modality_that_no_item_has(sound):
    wordless = Feature(sparse.csr_array((4, 0), dtype=np.float32), np.zeros(4, dtype=bool))
    findings = codes(replace(sound, features={"price": wordless}, roles={"price": "exposure"}))
    assert findings["empty_modality"].example == "price"
    assert findings["missing_rows"].count == 4
    assert "zero_rows" not in findings


def test_every_finding_has_an_example_a_next_step_and_a_place_in_the_document(sound, dataset_of, random_dataset):
    spoilt = np.array([[7, 1], [7, np.nan], [0, 0], [7, 0]], dtype=np.float32)
    events = [("a", "p", "click", 1), ("a", "p", "click", 1), ("a", "q", "like", 2), ("b", "q", "click", 3)]
    timeless = replace(sound, interactions=sound.interactions.drop(columns="timestamp"))
    examples = [
        sound,
        timeless,
        with_values(sound, spoilt, [True, True, True, False]),
        replace(sound, roles={}),
        replace(sound, interactions=sound.interactions.iloc[:0]),
        replace(sound, interactions=sound.interactions.assign(timestamp=-1)),
        replace(sound, feedback={"click": ("click",), "like": ("hug",)}),
        dataset_of(events),
        dataset_of(events, like=("click",)),
    ]
    findings = [finding for dataset in examples for finding in check(dataset)]
    findings += inspect(random_dataset(0)).findings
    assert len({finding.code for finding in findings}) > 15
    assert [finding.code for finding in findings if not (finding.example and finding.next_step)] == []
    document = (ROOT / "docs" / "data.md").read_text()
    assert [finding.code for finding in findings if f"`{finding.code}`" not in document] == []


def test_statistics_count_pairs_not_events(dataset_of):
    events = [("a", "p", "click", 1), ("a", "p", "click", 2), ("a", "q", "like", 3), ("b", "p", "click", 3)]
    facts = statistics(dataset_of(events))
    assert facts == {
        "users": 2,
        "items": 2,
        "clicks": 3,
        "likes": 1,
        "density": 0.75,
        "clicks_per_user": 1.5,
        "clicks_per_item": 1.5,
        "likes_per_click": 1 / 3,
        "events": {"click": 3, "like": 1},
        "times": True,
        "span": [1, 3],
        "modalities": {},
    }


def test_statistics_describe_modalities(sound):
    words = statistics(sound)["modalities"]["words"]
    assert words == {
        "width": 3, "kind": "sparse", "encoder": "", "layer": "", "role": "exposure", "share_missing": 0.25
    }  # fmt: skip


def test_findings_put_errors_first(sound):
    values = np.array([[7, 1], [7, np.nan], [7, 3], [7, 0]], dtype=np.float32)
    severities = [finding.severity for finding in check(with_values(sound, values))]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    assert severities[0] == "error"
    assert pd.Series(severities).nunique() > 1
