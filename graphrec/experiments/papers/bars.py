"""Bars side by side: what several methods reach in several groups, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from textwrap import fill

import numpy as np

from graphrec.evaluation.metrics import better
from graphrec.report.primitives.plots import INK, SERIES, Estimate, page_figure, page_svg
from graphrec.report.primitives.tables import metric_label

HATCHES = ("", "///", "xx", "..", "\\\\\\")
AT_MOST_ABOVE = 2
"""Series that a legend names above its panel; that of more is next to it."""
LETTERS, LETTERS_BESIDE_LEGEND = 560, 370
"""That fit below a panel at a size of one point, about."""


@dataclass(frozen=True)
class Bars:
    """A panel.

    Args:
        title: what is measured.
        groups: along the axis.
        series: for each name an estimate a group; NaN where there is none.
        axis: what the groups are, where their names do not say it.

    Example:
        >>> from graphrec.experiments.papers.bars import Bars
        >>> from graphrec.report.primitives.plots import Estimate
        >>> panel = Bars("Recall@50", ("active", "others"), {"HCR": [Estimate("", 0.2, 0.1, 0.3)] * 2})
        >>> len(panel.series["HCR"]) == len(panel.groups)
        True
    """

    title: str
    groups: tuple[str, ...]
    series: Mapping[str, Sequence[Estimate]]
    axis: str = ""


def bar_panels(panels: Sequence[Bars], title: str, key: str) -> str:
    """Panels below one another, each with its own axis.

    A name has one colour and one hatching in all of them; the first that is met has no hatching. A dash stands where
    there is no estimate.

    Args:
        title: of the whole.
        key: prefix of every id, unique on the page.

    Example:
        >>> from graphrec.experiments.papers.bars import Bars, bar_panels
        >>> from graphrec.report.primitives.plots import Estimate
        >>> panel = Bars("Recall@50", ("active",), {"HCR": [Estimate("", 0.2, 0.1, 0.3)]})
        >>> picture = bar_panels([panel], "Tiktok", "figure-5")
        >>> picture[:4], "Recall@50, HCR, active:" in picture
        ('<svg', True)
    """
    names = dict.fromkeys(name for panel in panels for name in panel.series)
    styles = dict(zip(names, zip(cycle(SERIES), cycle(HATCHES))))
    with page_figure(2.5 * len(panels) + 0.2) as figure:
        figure.set_layout_engine("constrained", hspace=0.1)
        for axes, panel in zip(figure.subplots(len(panels), 1, squeeze=False)[:, 0], panels):
            places, width = np.arange(len(panel.groups)), 0.8 / len(panel.series)
            for number, (name, estimates) in enumerate(panel.series.items()):
                colour, hatch = styles[name]
                means = np.array([estimate.mean for estimate in estimates])
                ends = np.array(
                    [[estimate.mean - estimate.low, estimate.high - estimate.mean] for estimate in estimates]
                ).T
                at = places + (number - (len(panel.series) - 1) / 2) * width
                axes.bar(at, means, 0.94 * width, color=colour, hatch=hatch, edgecolor="white", linewidth=0, label=name)
                # matplotlib refuses a negative length, and nothing promises that a bootstrap interval holds its mean.
                axes.errorbar(at, means, np.nan_to_num(ends).clip(0), fmt="none", ecolor=INK, elinewidth=1, capsize=2)
                for position in at[np.isnan(means)]:
                    axes.text(position, 0, "–", ha="center", va="bottom")
            middle, room = (len(places) - 1) / 2, max(len(places), 2) / 2  # one group alone has no broader bars
            axes.set_xlim(middle - room, middle + room)
            axes.axhline(0, color=INK, linewidth=0.7)
            axes.grid(axis="x", visible=False)
            legend_beside = len(panel.series) > AT_MOST_ABOVE
            size = min(8.5, 42 / len(places))  # points; smaller where there are more than four groups
            letters = int((LETTERS_BESIDE_LEGEND if legend_beside else LETTERS) / len(places) / size)
            below = [fill(group, max(letters, 1), break_long_words=False) for group in panel.groups]
            axes.set_xticks(places, below, fontsize=size)
            axes.set_xlabel(panel.axis)
            axes.set_title(panel.title, loc="left", fontsize=9.5)
            if legend_beside:
                axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
            elif len(panel.series) > 1:
                axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(panel.series), borderaxespad=0.2)
        figure.supxlabel("bars: means, lines: 95 % intervals", fontsize=8.5)
        description = "; ".join(
            f"{panel.title}, {name}, {group}: {estimate}"
            for panel in panels
            for name, estimates in panel.series.items()
            for group, estimate in zip(panel.groups, estimates)
        )
        return page_svg(figure, key, title, description)


def panel_title(metric: str) -> str:
    """The metric's label, and which values are better where that is not the higher.

    Example:
        >>> from graphrec.experiments.papers.bars import panel_title
        >>> panel_title("recall@50"), panel_title("regret_do@50")
        ('Recall@50', 'Regret@50 (do), lower is better')
    """
    return metric_label(metric) + ("" if better(metric) == "higher" else f", {better(metric)} is better")
