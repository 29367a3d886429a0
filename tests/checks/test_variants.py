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
    published = [
        {"name": name, "layout": "one", "counts": counts, "counted_from": "its paper"}
        for name, counts in variants.items()
    ]
    return {"drawn": Card(source="drawn", access=access, layouts=[layout], variants=published, **texts)}


def test_counts_are_of_distinct_pairs(dataset):
    assert counts(dataset) == {
        "users": 2, "items": 2, "events": 5, "pairs": 4, "clicks": 3, "likes": 1,
        "pairs.click": 2, "pairs.like": 1, "pairs.share": 1, "clicks.train": 1, "clicks.valid": 1, "clicks.test": 1,
    }  # fmt: skip


def test_a_set_is_recognised_by_all_its_counts(dataset):
    cards = card_with(other={"users": 2, "items": 9}, same={"users": 2, "items": 2, "clicks": 3})
    compared = compare_variants(dataset, cards)
    assert [(comparison.variant.name, comparison.is_same) for comparison in compared] == [
        ("same", True),
        ("other", False),
    ]
    assert matched_variant(dataset, compared) == "same: users 2, items 2, clicks 3 (its paper)"


def test_one_count_off_is_no_published_set(dataset):
    cards = card_with(far={"users": 2, "items": 900}, near={"users": 2, "items": 3, "pairs.buy": 7})
    compared = compare_variants(dataset, cards)
    assert [comparison.different for comparison in compared] == [["items", "pairs.buy"], ["items"]]
    assert matched_variant(dataset, compared) == (
        "not a published set; the nearest is near: users 2, items 3 (here 2), pairs.buy 7 (here none)"
    )


def test_a_twin_of_full_size_is_not_taken_for_the_real_set(dataset):
    twin = replace(dataset, provenance={**dataset.provenance, "simulated": {"world": "drawn"}})
    compared = compare_variants(twin, card_with(same={"users": 2, "items": 2}))
    assert compared == [] and matched_variant(twin, compared) == "a simulated twin, not any published set"


def test_a_custom_table_is_compared_with_what_it_equals_alone(dataset):
    cards = card_with("yours", other={"users": 2, "items": 9}, same={"users": 2, "items": 2})
    assert [comparison.variant.name for comparison in compare_variants(dataset, cards)] == ["same"]
    assert "nothing to compare" in matched_variant(dataset, compare_variants(dataset, {}))


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("source", "folder", "name"), [("tiktok", "tiktok_hkuds", "DiffMM"), ("alibaba", "alibaba_ecomm", "all")]
)
def test_real_files_are_recognised(source, folder, name, realdata, tmp_path):
    from graphrec.data.store import load

    dataset = load(prepare(source, realdata(folder), tmp_path / "prepared"))
    assert [comparison.variant.name for comparison in compare_variants(dataset) if comparison.is_same] == [name]
