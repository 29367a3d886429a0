"""Every decoder finds what was planted, and nothing where there is nothing."""

from __future__ import annotations

from typing import Any

import pytest

from graphrec.data.split import Split
from graphrec.testing.planted import NUM_ITEMS, NUM_USERS, WITHHELD_EACH, planted_split, popular_recall, trained_recall

LIKES = {"behaviour": "like", "negatives": "unliked"}
DECODERS: list[tuple[str, dict[str, Any], float]] = [
    ("ct", {}, 0.95),
    ("esmm", {}, 0.9),
    ("causalrec", LIKES, 0.9),
    ("hcr", {}, 0.85),
    ("hcr", {"loss": "bce"}, 0.9),
    ("hcr_additive", {}, 0.85),
    ("multi_ipw", {}, 0.9),
    ("multi_dr", {}, 0.6),
    ("dcf", {}, 0.9),
    ("macr", LIKES, 0.9),
    ("bpr", LIKES, 0.9),
    ("vbpr", LIKES, 0.9),
    ("amr", LIKES, 0.85),
]
"""Name, settings, and the Recall@4 that must be reached; the settings make it learn likes."""


@pytest.fixture(scope="module")
def split() -> Split:
    return planted_split()


@pytest.mark.parametrize(("name", "settings", "least"), DECODERS)
def test_withheld_pairs_rank_first_and_far_above_popularity(
    split: Split, name: str, settings: dict[str, Any], least: float
) -> None:
    popular = popular_recall(split)
    assert popular < 0.2
    recall = trained_recall(split, name, settings)
    assert recall >= least
    assert recall > popular + 0.4


@pytest.mark.parametrize(("name", "settings", "least"), DECODERS[:4])
def test_shuffled_labels_are_not_learned(name: str, settings: dict[str, Any], least: float) -> None:
    shuffled = planted_split(shuffled=True)
    candidates = NUM_ITEMS - len(shuffled.train_pairs("click")) / NUM_USERS
    chance = WITHHELD_EACH / candidates
    deviation = (chance * (1 - chance) / len(shuffled.open_test("a test"))) ** 0.5
    assert abs(trained_recall(shuffled, name, settings, epochs=6) - chance) < 5 * deviation


def test_one_behaviour_alone_is_learned_too() -> None:
    single = planted_split(single_behaviour=True)
    assert single.dataset.single_behaviour
    assert trained_recall(single, "hcr", {}) > 0.9
