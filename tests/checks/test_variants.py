"""Which published set a dataset is: by all its counts, or none, and then the nearest is named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from graphrec.checks.variants import compare_variants, counts, matched_variant
from graphrec.data.cards import Card
from graphrec.data.prepare import prepare


@pytest.fixture
def dataset(dataset_of):
    events = [("a", "p", "click", "train"), ("a", "p", "click", "train"), ("a", "q", "like", "valid")]
    events += [("b", "p", "click", "test"), ("b", "q", "share", "train")]
    return replace(dataset_of(events, last="part"), provenance={"source": "drawn"})


def card_with(access="public", **variants):
    layout = {"name": "one", "about": "", "files": [{"name": "log", "content": ""}], "click": "", "like": ""}
    texts = dict.fromkeys(("about", "origin", "licence", "who", "obtain"), "said")
    found = [
        {"name": name, "layout": "one", "counts": known, "counted_from": "its paper"}
        for name, known in variants.items()
    ]
    return {"drawn": Card(source="drawn", access=access, layouts=[layout], variants=found, **texts)}


def test_counts_are_of_distinct_pairs(dataset):
    assert counts(dataset) == {
        "users": 2, "items": 2, "events": 5, "pairs": 4, "clicks": 3, "likes": 1,
        "pairs.click": 2, "pairs.like": 1, "pairs.share": 1, "clicks.train": 1, "clicks.valid": 1, "clicks.test": 1,
    }  # fmt: skip


def test_a_set_is_recognised_by_all_its_counts(dataset):
    known = card_with(other={"users": 2, "items": 9}, same={"users": 2, "items": 2, "clicks": 3})
    compared = compare_variants(dataset, known)
    assert [(one.variant.name, one.is_same) for one in compared] == [("same", True), ("other", False)]
    assert matched_variant(dataset, compared) == "same: users 2, items 2, clicks 3 (its paper)"


def test_one_count_off_is_no_published_set(dataset):
    known = card_with(far={"users": 2, "items": 900}, near={"users": 2, "items": 3, "pairs.buy": 7})
    compared = compare_variants(dataset, known)
    assert [one.different for one in compared] == [["items", "pairs.buy"], ["items"]]
    assert matched_variant(dataset, compared) == (
        "not a published set; the nearest is near: users 2, items 3 (here 2), pairs.buy 7 (here none)"
    )


def test_a_twin_of_full_size_is_not_taken_for_the_real_set(dataset):
    twin = replace(dataset, provenance={**dataset.provenance, "simulated": {"world": "drawn"}})
    compared = compare_variants(twin, card_with(same={"users": 2, "items": 2}))
    assert compared == [] and matched_variant(twin, compared) == "a simulated twin, not any published set"


def test_a_table_of_ones_own_is_compared_with_what_it_equals_alone(dataset):
    known = card_with("yours", other={"users": 2, "items": 9}, same={"users": 2, "items": 2})
    assert [one.variant.name for one in compare_variants(dataset, known)] == ["same"]
    assert "nothing to compare" in matched_variant(dataset, compare_variants(dataset, {}))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("source", "folder", "name"), [("tiktok", "tiktok_hkuds", "DiffMM"), ("alibaba", "alibaba_ecomm", "all")]
)
def test_real_files_are_recognised(source, folder, name, realdata, tmp_path):
    from graphrec.data.store import load

    dataset = load(prepare(source, realdata(folder), tmp_path / "prepared"))
    assert [one.variant.name for one in compare_variants(dataset) if one.is_same] == [name]
