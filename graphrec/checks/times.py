"""What can be wrong with the times of events."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pandas as pd

from graphrec.checks.findings import Finding, Severity, checks
from graphrec.data.dataset import InteractionDataset, example_pair
from graphrec.data.splitters import keys

SECONDS = ((1e8, 1e10, 1.0), (1e11, 1e13, 1e-3), (1e14, 1e16, 1e-6), (1e17, 1e19, 1e-9))
"""Least and greatest median of times counted from 1970 in s, ms, us and ns, and that unit in seconds."""
DATES = (19_000_101, 21_001_231)
"""Days written as yyyymmdd."""
FIRST_LOG = pd.Timestamp("1990-01-01").timestamp()
"""No log of what people clicked is older."""


@checks.register("times")
def check_times(dataset: InteractionDataset) -> Iterator[Finding]:
    """Findings about the column `timestamp`, or that there is none.

    >>> from graphrec.checks.times import check_times
    >>> from graphrec.testing.planted import planted_world
    >>> [(finding.code, finding.next_step) for finding in check_times(planted_world())]
    [('no_times', 'use the split `random`, or `given` where the source gives the split')]
    """
    events = dataset.interactions
    if not dataset.has_times:
        step = "use the split `random`, or `given` where the source gives the split"
        yield Finding("no_times", "info", 0, "the events have no times", dataset.name, step)
        return
    column = events["timestamp"]
    missing = column.isna().to_numpy()
    raw_files = "check the time column of the raw files"
    rows: list[tuple[str, Severity, np.ndarray, str, str]] = [
        ("missing_times", "error", missing, "events have no time", raw_files),
        ("negative_times", "warning", (column < 0).to_numpy(), "times are negative", raw_files),
    ]
    times = column.to_numpy()
    if not missing.any():
        seconds = seconds_of(times)
        if seconds is not None:
            future, ancient = seconds > time.time(), seconds < FIRST_LOG
            step = "drop these events, or check the time column of the raw files: a split by time puts them at its end"
            rows.append(("future_times", "warning", future, "times are in the future", step))
            step = step.replace("end", "beginning")
            rows.append(("ancient_times", "warning", ancient, "times are before 1990", step))
        unsorted = np.concatenate([[False], times[1:] < times[:-1]])
        message = "events are earlier than the event in the row before"
        rows.append(("unsorted_times", "info", unsorted, message, "nothing: all that needs the order sorts by time"))
    for code, severity, wrong, message, step in rows:
        if wrong.any():
            example = f"{example_pair(dataset, events, wrong)}, time {column.iloc[int(np.argmax(wrong))]}"
            yield Finding(code, severity, int(wrong.sum()), message, example, step)
    if column.nunique() == 1:
        message = "all events have the same time, so no split by time is possible"
        yield Finding("constant_times", "warning", len(column), message, str(column.iloc[0]), "use the split `random`")
    yield from _order_of_feedback(dataset)


def _order_of_feedback(dataset: InteractionDataset) -> Iterator[Finding]:
    if dataset.single_behaviour:
        return
    events = dataset.interactions
    clicked = events[events["behaviour"].isin(dataset.feedback["click"])].assign(
        pair=lambda table: keys(dataset, table)
    )
    first_click = clicked.groupby("pair")["timestamp"].min()
    likes = dataset.pairs("like")
    # A like without a click compares with nan, which is False; `behaviours` reports it.
    early = likes["timestamp"].to_numpy() < first_click.reindex(keys(dataset, likes)).to_numpy()
    if early.any():
        message = "likes are earlier than the first click of their pair"
        step = "nothing: a pair counts as clicked from its first event on; many of them suggest swapped behaviours"
        example = example_pair(dataset, likes, early)
        yield Finding("likes_before_click", "warning", int(early.sum()), message, example, step)


def seconds_of(times: np.ndarray) -> np.ndarray | None:
    """The times in seconds since 1970; None where the unit is unknown, as many logs count from an undisclosed day.

    >>> seconds_of(np.array([1_546_300_800_000])), seconds_of(np.array([17]))
    (array([1.5463008e+09]), None)
    """
    # The median, as a few broken times must not hide the unit.
    middle = float(np.median(times)) if len(times) else 0.0
    for least, greatest, unit in SECONDS:
        if least <= middle < greatest:
            return times * unit
    if DATES[0] <= middle <= DATES[1]:
        # Each day is parsed once, not once an event.
        days, index = np.unique(times, return_inverse=True)
        moments = pd.to_datetime(pd.Series(days.astype(str)), format="%Y%m%d", errors="coerce")
        if moments.notna().all():
            return ((moments - pd.Timestamp(0)) / pd.Timedelta(seconds=1)).to_numpy()[index]
    return None
