"""Odd times are reported in whatever unit they are recorded, and not where the unit is unknown."""

from dataclasses import replace

import numpy as np
import pytest

from graphrec.checks.dataset import check
from graphrec.checks.times import seconds_of

DAY = 86_400


def found(dataset, times=None):
    if times is not None:
        dataset = replace(dataset, interactions=dataset.interactions.assign(timestamp=times))
    return {finding.code: finding for finding in check(dataset)}


@pytest.mark.parametrize(
    ("times", "seconds"),
    [
        ([1_500_000_000, 1_500_000_060], [1_500_000_000, 1_500_000_060]),
        ([1_500_000_000_000, 1_500_000_060_000], [1_500_000_000, 1_500_000_060]),
        ([19_700_102, 19_700_103], [DAY, 2 * DAY]),
        ([1, 2, 3], None),
        ([53_086_952_049, 53_086_952_050], None),
        ([20_001_399, 20_001_398], None),
    ],
)
def test_the_unit_is_told_or_left_open(times, seconds):
    told = seconds_of(np.array(times))
    assert (None if told is None else told.tolist()) == seconds


@pytest.mark.parametrize("unit", [1, 1000])
def test_times_in_the_future_and_before_all_logs(dataset_of, unit):
    events = [("a", item, "click", (1_500_000_000 + n) * unit) for n, item in enumerate("pqrst")]
    odd = [("a", "u", "click", 9_000_000_000 * unit), ("a", "v", "click", 100 * unit)]
    codes = found(dataset_of(events + odd, like=("click",)))
    assert (codes["future_times"].severity, codes["future_times"].count) == ("warning", 1)
    assert "item u" in codes["future_times"].example and str(9_000_000_000 * unit) in codes["future_times"].example
    assert "item v" in codes["ancient_times"].example
    sound = found(dataset_of(events, like=("click",)))
    assert not {"future_times", "ancient_times", "unsorted_times"} & set(sound)


def test_rows_out_of_order_are_counted(dataset_of):
    dataset = dataset_of([("a", item, "click", n) for n, item in enumerate("pqrs")], like=("click",))
    assert found(dataset, [5, 3, 4, 1])["unsorted_times"].count == 2


def test_a_like_before_the_first_click_of_its_pair(dataset_of):
    events = [("a", "p", "click", 5), ("a", "p", "click", 1), ("a", "p", "like", 2), ("b", "q", "like", 3)]
    events += [("b", "q", "click", 4), ("c", "r", "like", 1)]
    finding = found(dataset_of(events))["likes_before_click"]
    assert (finding.count, finding.example) == (1, "user b, item q")
