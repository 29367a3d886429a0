"""A dataset's distributions, drawn: activity, popularity, likes per click, time, missing modalities, feature norms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
from matplotlib.axis import Axis
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, PercentFormatter

from graphrec.report.primitives.plots import MARKERS, SERIES, clipped, page_figure, page_svg

POINTS = 120
"""Points of a curve at most: the page stays small, however many users there are."""
BINS = 48
QUANTILES = (1, 25, 50, 75, 99)


def rank_plot(counts: Mapping[str, np.ndarray], who: str, what: str, key: str) -> str:
    """How many of `what` each user or item has, from the most to the least active, on logarithmic axes.

    Args:
        counts: for each curve's name a number for each user or item; zeros are left out, as they have no logarithm.
        who: `user` or `item`.
        what: what is counted, such as `Items per user`.
        key: prefix of every id, unique on the page.

    >>> plot = rank_plot({"clicks": np.array([5, 1, 0, 300])}, "user", "Items per user", "users")
    >>> plot.partition('<desc id="users-desc">')[2].partition("<")[0]
    'clicks: most 300, median 5, least 1'
    """
    numbers = []
    with page_figure(3.0) as figure:
        axes = figure.subplots()
        for (name, values), colour, marker in zip(counts.items(), SERIES, MARKERS):
            ordered = np.sort(values[values > 0])[::-1]
            if not len(ordered):
                continue
            # Evenly spaced on the logarithmic axis, where the lowest ranks coincide once rounded.
            ranks = np.unique(np.geomspace(1, len(ordered), POINTS).round().astype(int))
            axes.plot(ranks, ordered[ranks - 1], color=colour, marker=marker, markersize=2.5, linewidth=1.2, label=name)
            numbers.append(f"{name}: most {ordered[0]:,}, median {np.median(ordered):g}, least {ordered[-1]:,}")
        axes.set_xscale("log")
        axes.set_yscale("log")
        _plain_log(axes.xaxis)
        _plain_log(axes.yaxis)
        axes.set_xlabel(f"rank of the {who}")
        axes.set_title(what, loc="left", fontsize=9.5)
        if len(counts) > 1:
            axes.legend(loc="best")
        return page_svg(figure, key, f"{what}, by rank", "; ".join(numbers))


def like_share_plot(clicks: np.ndarray, likes: np.ndarray, key: str) -> str:
    """Likes per click over the popularity of items, pooled in bins that double.

    Args:
        clicks, likes: `[I]` numbers of users who clicked and who liked the item.
        key: prefix of every id, unique on the page.

    >>> plot = like_share_plot(np.array([1, 2, 3, 0]), np.array([1, 1, 0, 0]), "likes")
    >>> plot.partition('<desc id="likes-desc">')[2].partition("<")[0]
    '1 to 1 clicks 100.0%, 2 to 3 clicks 20.0%'
    """
    shown = clicks > 0
    bins = np.floor(np.log2(clicks[shown])).astype(int)
    totals, pleased = (np.bincount(bins, weights=counts[shown]) for counts in (clicks, likes))
    filled = np.flatnonzero(totals)
    # A bin has 2^k to 2^(k+1) - 1 clicks; its point is in the middle.
    centres, shares = 2.0**filled * 1.5, pleased[filled] / totals[filled]
    with page_figure(3.0) as figure:
        axes = figure.subplots()
        axes.plot(centres, shares, color=SERIES[0], marker="o", markersize=4.5, linewidth=1.4)
        axes.set_xscale("log")
        _plain_log(axes.xaxis)
        axes.set_ylim(0, 1.1 * max(shares.max(), 0.01))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel("users who clicked the item")
        axes.set_title("likes per click", loc="left", fontsize=9.5)
        description = ", ".join(
            f"{2**k:g} to {2 ** (k + 1) - 1:g} clicks {share:.1%}" for k, share in zip(filled, shares)
        )
        return page_svg(figure, key, "Likes per click over the popularity of items", description)


def time_plot(times: Mapping[str, np.ndarray], ends: Mapping[str, float], key: str, *, dated: bool) -> str:
    """Events over time in equal spans, a curve for each role, with the moments at which splits end.

    Args:
        times: for each curve's name the times of its pairs.
        ends: the last moment of a split, by the split's name.
        key: prefix of every id, unique on the page.
        dated: the times are days since 1970, else numbers of an unknown unit.

    >>> plot = time_plot({"clicks": np.array([17_000.0, 17_010.0])}, {"train": 17_005.0}, "times", dated=True)
    >>> plot.partition('<desc id="times-desc">')[2].partition("<")[0]
    'clicks: 2, at most 1 in a span; train ends at 2016-07-23'
    """
    all_times = np.concatenate(list(times.values()))
    # No more spans than distinct times: coarse times, such as days, would leave empty ones between them.
    edges = np.linspace(all_times.min(), all_times.max(), min(BINS, max(1, len(np.unique(all_times)))) + 1)
    numbers = []
    with page_figure(3.0) as figure:
        axes = figure.subplots()
        for (name, values), colour in zip(times.items(), SERIES):
            heights, _ = np.histogram(values, edges)
            axes.stairs(heights, edges, baseline=None, color=colour, linewidth=1.4, label=name)
            numbers.append(f"{name}: {len(values):,}, at most {heights.max():,} in a span")
        for split, end in ends.items():
            axes.axvline(end, color="#7f7f7f", linewidth=1.0, linestyle=(0, (3, 3)), label=f"end of {split}")
            numbers.append(f"{split} ends at {np.datetime64(int(end), 'D') if dated else end}")
        if dated:
            axes.xaxis.set_major_locator(AutoDateLocator(maxticks=6))
            axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
        else:
            axes.ticklabel_format(axis="x", style="plain", useOffset=False)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("date" if dated else "time, in the dataset's unit")
        axes.set_title(f"pairs in each of {len(edges) - 1} spans", loc="left", fontsize=9.5)
        axes.legend(loc="best")
        return page_svg(figure, key, "Activity over time", "; ".join(numbers))


def share_plot(shares: Mapping[str, float], what: str, key: str) -> str:
    """A bar for each name, as a share of one.

    Args:
        what: what the share is.
        key: prefix of every id, unique on the page.

    >>> plot = share_plot({"visual": 0.25, "textual": 0.0}, "items that lack the modality", "missing")
    >>> plot.partition('<desc id="missing-desc">')[2].partition("<")[0]
    'visual 25.0%, textual 0.0%'
    """
    with page_figure(0.4 * len(shares) + 0.9) as figure:
        axes = figure.subplots()
        axes.grid(axis="y", visible=False)
        rows = range(len(shares))
        axes.barh(rows, list(shares.values()), 0.55, color=SERIES[0])
        axes.set_yticks(rows, [clipped(name, 20) for name in shares])
        for row, share in zip(rows, shares.values()):
            # The number of a bar that is almost whole is drawn on it, as it would leave the panel.
            axes.text(min(share, 0.85) + 0.01, row, f"{share:.1%}", va="center")
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel(what)
        description = ", ".join(f"{name} {share:.1%}" for name, share in shares.items())
        return page_svg(figure, key, what, description)


def quantile_plot(values: Mapping[str, Sequence[float] | np.ndarray], what: str, key: str) -> str:
    """For each name the 1, 25, 50, 75 and 99 % quantiles of its positive values: thin line, thick line, dot.

    Args:
        what: what the values are.
        key: prefix of every id, unique on the page.

    >>> plot = quantile_plot({"visual": np.arange(1.0, 102.0)}, "norm", "norms")
    >>> plot.partition('<desc id="norms-desc">')[2].partition("<")[0]
    'visual: 1 % 2, 25 % 26, 50 % 51, 75 % 76, 99 % 100'
    """
    numbers = []
    with page_figure(0.4 * len(values) + 0.9) as figure:
        axes = figure.subplots()
        axes.grid(axis="y", visible=False)
        for row, (sample, colour) in enumerate(zip(values.values(), cycle(SERIES))):
            low, q1, middle, q3, high = np.percentile(sample, QUANTILES)
            axes.plot([low, high], [row, row], color=colour, linewidth=1.2, solid_capstyle="butt")
            axes.plot([q1, q3], [row, row], color=colour, linewidth=4.5, solid_capstyle="butt")
            axes.plot([middle], [row], "o", color=colour, markersize=6)
        axes.set_yticks(range(len(values)), [clipped(name, 20) for name in values])
        axes.set_ylim(len(values) - 0.5, -0.5)
        axes.set_xscale("log")
        _plain_log(axes.xaxis)
        axes.set_xlabel(what)
        for name, sample in values.items():
            marks = ", ".join(f"{q} % {value:.3g}" for q, value in zip(QUANTILES, np.percentile(sample, QUANTILES)))
            numbers.append(f"{name}: {marks}")
        return page_svg(figure, key, what, "; ".join(numbers))


def _plain_log(axis: Axis) -> None:
    """Ticks at 1, 10, 100, or between them too where the axis spans less than two decades; without exponents."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())
