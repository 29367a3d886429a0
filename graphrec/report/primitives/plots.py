"""Plots as inline SVG elements that follow the page: its font, its colour scheme, its width.

Axes and text take the page's `currentColor`; the series' colours are mid-tones that stand out from white and
from near-black alike. Each plot carries a title and a description with its numbers, for those who cannot see
it.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from itertools import cycle, pairwise
from textwrap import shorten
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from graphrec.explanation import ScoreDecomposition, percent, signed
from graphrec.report.primitives.tables import better, metric_label, number

INK = "#010203"
"""Stands for the page's text colour until the SVG is written."""
SERIES = ("#2f7ac4", "#c9581b", "#1f8a6b", "#a8598f", "#8a7a1c", "#6b75c9", "#d04a5a")
"""Contrast of at least 3.8:1 with white and with the page's dark background."""
BANDS = 4
"""Curves whose intervals are drawn as bands; more would lie over each other, and get a line a point."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
WIDTH = 4.6
"""Inches; a phone shows the plot at about four fifths of this, where 9.5 points are still legible."""
SETTINGS: dict[Any, Any] = {
    # Text stays text, so that the browser draws it in the page's font.
    "svg.fonttype": "none",
    # By default matplotlib draws a new salt each time, and equal plots have other ids.
    "svg.hashsalt": "graphrec",
    "text.parse_math": False,  # a run may be called a_b or $x$
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "grid.color": INK,
    "grid.alpha": 0.14,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Estimate:
    """A mean with the ends of its 95 % interval, NaN where there is none.

    >>> print(Estimate("HCR", 0.0712, 0.0698, 0.0725))
    .0712 [.0698, .0725]
    """

    label: str
    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{number(self.mean)} [{number(self.low)}, {number(self.high)}]"


def dot_plot(estimates: Sequence[Estimate], metric: str, key: str) -> str:
    """A row an estimate: its name and numbers, and below them the mean as a dot on its interval.

    Args:
        estimates: from top to bottom.
        metric: the metric's name, such as `ndcg@50`.
        key: prefix of every id, unique on the page.

    >>> plot = dot_plot([Estimate("HCR", 0.4, 0.3, 0.5), Estimate("CT", 0.2, 0.1, 0.3)], "ndcg@50", "rank")
    >>> plot.partition('<desc id="rank-desc">')[2].partition("<")[0]
    'HCR: .4000 [.3000, .5000]; CT: .2000 [.1000, .3000]'
    """
    with page_figure(0.42 * len(estimates) + 0.75) as figure:
        axes = figure.subplots()
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        # From the greater to the smaller, which puts the first row on top.
        axes.set_ylim(len(estimates) - 0.45, -0.75)
        across = axes.get_yaxis_transform()
        for row, estimate in enumerate(estimates):
            axes.text(0, row - 0.22, clipped(estimate.label), transform=across, va="bottom")
            axes.text(1, row - 0.22, str(estimate), transform=across, va="bottom", ha="right")
            axes.plot([estimate.low, estimate.high], [row, row], color=SERIES[0], linewidth=1.6, solid_capstyle="butt")
            axes.plot([estimate.mean], [row], "o", color=SERIES[0], markersize=5.5)
        axes.margins(x=0.08)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(f"{_axis_label(metric)}; dot: mean, line: 95 % interval")
        description = "; ".join(f"{estimate.label}: {estimate}" for estimate in estimates)
        return page_svg(figure, key, f"{_axis_label(metric)}, mean and 95 % interval", description)


def effect_plot(decomposition: ScoreDecomposition, item: str, key: str) -> str:
    """How a score divides, as a waterfall: each contribution's bar starts where the last one ends; their sum is last.

    A contribution that the estimand leaves out is an outline from zero.

    Args:
        decomposition: with contributions.
        item: what is explained.
        key: prefix of every id, unique on the page.

    >>> user = run.user_ids[0]
    >>> item = run.recommend([user], k=1)["item"][0]
    >>> plot = effect_plot(run.explain(user, item).decomposition, item, "parts")
    >>> plot.partition('<title id="parts-title">')[2].partition("<")[0].partition(", ")[2]
    'log score under front_door from the user&#x27;s mean over all items'
    """
    assert decomposition.total is not None, "nothing to draw"
    used = [contribution for contribution in decomposition.contributions if contribution.used]
    unused = [contribution for contribution in decomposition.contributions if not contribution.used]
    ends = [sum(contribution.value for contribution in used[: n + 1]) for n in range(len(used))]
    bars = [(f"{shown.name}: {shown.meaning}", end - shown.value, shown) for shown, end in zip(used, ends)]
    bars += [(f"not used, {left_out.name}: {left_out.meaning}", 0.0, left_out) for left_out in unused]
    with page_figure(0.5 * (len(bars) + 1) + 0.75) as figure:
        axes = figure.subplots()
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_yticks([])
        axes.set_ylim(len(bars) + 0.55, -0.75)
        across = axes.get_yaxis_transform()
        rows = [(name, start, shown.value, shown.share, shown.used) for name, start, shown in bars]
        # The sum separates what the estimand uses from what it leaves out.
        rows.insert(len(used), (f"sum: {decomposition.quantity}", 0.0, decomposition.total, None, True))
        for row, (name, start, value, share, filled) in enumerate(rows):
            colour = SERIES[2] if row == len(used) else SERIES[0 if value >= 0 else 1]
            face = colour if filled else "none"
            axes.vlines(0, row - 0.08, row + 0.32, color=INK, linewidth=0.7)
            axes.barh(row + 0.12, value, 0.3, start, color=face, edgecolor=colour, linewidth=1.2)
            numbers = signed(value) + (f" ({percent(share)})" if share is not None else "")
            axes.text(0, row - 0.1, shorten(name, 60 - len(numbers), placeholder=" …"), transform=across, va="bottom")
            axes.text(1, row - 0.1, numbers, transform=across, va="bottom", ha="right")
        axes.margins(x=0.05)
        axes.set_xlabel(f"{decomposition.quantity}, from {decomposition.reference}")
        description = "; ".join(f"{name}: {signed(value)}" for name, _, value, _, _ in rows)
        return page_svg(
            figure,
            key,
            f"What the score of item {item} is made of, {decomposition.quantity} from {decomposition.reference}",
            description,
        )


def standalone(svg: str) -> str:
    """A plot as a file of its own, dark on white: on a page it would take the page's colours.

    >>> print(standalone('<svg width="9pt"></svg>'), end="")
    <svg style="background:#fff;color:#1c1c1c" width="9pt"></svg>
    """
    return svg.replace("<svg ", '<svg style="background:#fff;color:#1c1c1c" ', 1) + "\n"


def curve_plot(curves: Mapping[str, Sequence[tuple[float, Estimate]]], metric: str, x_label: str, key: str) -> str:
    """A metric along a setting, with the interval of each point; a line for each named curve.

    Args:
        curves: for each name the points (x, estimate), in order of x.
        metric: the metric's name.
        x_label: what x is.
        key: prefix of every id, unique on the page.

    >>> points = [(0.0, Estimate("", 0.2, 0.1, 0.3)), (1.0, Estimate("", 0.3, 0.2, 0.4))]
    >>> plot = curve_plot({"HCR": points}, "ndcg@50", "strength", "curve")
    >>> plot.partition('<desc id="curve-desc">')[2].partition("<")[0]
    'HCR: 0: .2000 [.1000, .3000], 1: .3000 [.2000, .4000]'
    """
    # Two entries of the legend fit side by side only if their names are short.
    columns = 2 if max(map(len, curves)) <= 22 else 1
    below = 0.21 * -(-len(curves) // columns) if len(curves) > 1 else 0.0
    with page_figure(2.9 + below) as figure:
        axes = figure.subplots()
        for (name, points), (colour, marker, dashes) in zip(curves.items(), _styles(len(curves))):
            xs, means = [x for x, _ in points], [estimate.mean for _, estimate in points]
            band = ([estimate.low for _, estimate in points], [estimate.high for _, estimate in points])
            if len(curves) <= BANDS:
                axes.fill_between(xs, *band, color=colour, alpha=0.16, linewidth=0)
            else:
                axes.vlines(xs, *band, color=colour, linewidth=0.9, alpha=0.55)
            axes.plot(
                xs, means, color=colour, marker=marker, markersize=4.5, linewidth=1.6, linestyle=dashes,
                label=clipped(name, 44),
            )  # fmt: skip
        _ticks_at(axes, sorted({x for points in curves.values() for x, _ in points}))
        axes.set_xlabel(x_label)
        axes.set_title(_axis_label(metric), loc="left", fontsize=9.5)
        if len(curves) > 1:
            figure.legend(*axes.get_legend_handles_labels(), loc="outside lower left", ncols=columns)
        description = "; ".join(
            f"{name}: " + ", ".join(f"{x:g}: {estimate}" for x, estimate in points) for name, points in curves.items()
        )
        return page_svg(figure, key, f"{_axis_label(metric)} along {x_label}", description)


def _ticks_at(axes: Axes, xs: Sequence[float]) -> None:
    """Ticks at the values that were tried, where there is room; a logarithmic axis for values decades apart."""
    if xs[0] > 0 and xs[-1] >= 100 * xs[0]:
        axes.set_xscale("log")
    elif len(xs) <= 9 and all(after - before >= 0.07 * (xs[-1] - xs[0]) for before, after in pairwise(xs)):
        axes.set_xticks(xs, [f"{x:g}" for x in xs])


def curve_panels(panels: Mapping[str, Mapping[str, Sequence[tuple[float, Estimate]]]], x_label: str, key: str) -> str:
    """Several metrics along one setting, two in a row, with one legend below.

    Args:
        panels: for each metric the curves, as `curve_plot` takes them; the same names in each.
        x_label, key: as in `curve_plot`.

    >>> points = [(0.0, Estimate("", 0.2, 0.1, 0.3)), (1.0, Estimate("", 0.3, 0.2, 0.4))]
    >>> panels = curve_panels({"ndcg@50": {"HCR": points}, "mrr": {"HCR": points}}, "strength", "panels")
    >>> panels.partition('<title id="panels-title">')[2].partition("<")[0]
    'NDCG@50, MRR along strength'
    """
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    styles = dict(zip(names, _styles(len(names))))
    rows, below = -(-len(panels) // 2), 0.22 * -(-len(names) // 4)
    with page_figure(2.7 * rows + below + 0.2, width=2 * WIDTH) as figure:
        places = figure.subplots(rows, 2, sharex=True, squeeze=False).ravel()
        for axes, (metric, curves) in zip(places, panels.items()):
            for name, points in curves.items():
                colour, marker, dashes = styles[name]
                xs, means = [x for x, _ in points], [estimate.mean for _, estimate in points]
                band = ([estimate.low for _, estimate in points], [estimate.high for _, estimate in points])
                axes.fill_between(xs, *band, color=colour, alpha=0.12, linewidth=0)
                axes.plot(
                    xs, means, color=colour, marker=marker, markersize=4, linewidth=1.4, linestyle=dashes, label=name
                )
            axes.set_title(_axis_label(metric), loc="left", fontsize=9.5)
        for axes in places[len(panels) :]:
            axes.set_visible(False)
        for axes in places[-2:]:
            axes.set_xlabel(x_label)
        lines, labels = places[0].get_legend_handles_labels()
        figure.legend(lines, labels, loc="outside lower center", ncols=4)
        description = "; ".join(
            f"{_axis_label(metric)} of {name}: " + ", ".join(f"{x:g}: {estimate}" for x, estimate in points)
            for metric, curves in panels.items()
            for name, points in curves.items()
        )
        return page_svg(figure, key, f"{', '.join(map(metric_label, panels))} along {x_label}", description)


def _styles(count: int) -> list[tuple[str, str, str]]:
    """Colour, marker and line of each curve; no two share all three, and the marker tells most apart without colour."""
    dashes = [*["-"] * len(SERIES), *["--"] * count]
    # Seven colours and six markers: the same pair returns after 42 curves.
    return list(zip(cycle(SERIES), cycle(MARKERS[:-1]), dashes[:count]))


def training_plot(history: Sequence[Mapping[str, Any]], monitor: str, best_epoch: int, name: str, key: str) -> str:
    """Loss above, the validation monitor below, over the epochs; the epoch whose weights were kept is marked.

    Args:
        history: a dict an epoch with `epoch`, `loss` and, where validated, `monitor`.
        monitor: the metric that early stopping watched.
        best_epoch: the epoch whose weights were kept.
        name: of the run.
        key: prefix of every id, unique on the page.

    >>> history = [{"epoch": 1, "loss": 0.7, "mrr": 0.1}, {"epoch": 2, "loss": 0.5, "mrr": 0.2}]
    >>> plot = training_plot(history, "mrr", 2, "HCR", "training")
    >>> plot.partition("; ")[2].partition("<")[0]
    'validation MRR 0.2 in epoch 2, whose weights were kept.'
    """
    rows = {int(row["epoch"]): row for row in history}
    watched = {epoch: row[monitor] for epoch, row in rows.items() if row.get(monitor) is not None}
    with page_figure(3.5) as figure:
        above, below = figure.subplots(2, 1, sharex=True)
        _line(above, {epoch: row["loss"] for epoch, row in rows.items()}, best_epoch)
        _line(below, watched, best_epoch)
        above.set_title("training loss", loc="left", fontsize=9.5)
        below.set_title(f"validation {metric_label(monitor)}", loc="left", fontsize=9.5)
        if best_epoch in watched:
            text = f"best: {number(watched[best_epoch])} at epoch {best_epoch}"
            below.set_title(text, loc="right", fontsize=9.5)
        below.set_xlabel("epoch")
        below.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        first, last = min(rows, default=0), max(rows, default=0)
        description = (
            f"Loss {_value(rows, first, 'loss')} in epoch {first} "
            f"and {_value(rows, last, 'loss')} in epoch {last}; "
            f"validation {metric_label(monitor)} {_value(rows, best_epoch, monitor)} in epoch {best_epoch}, "
            "whose weights were kept."
        )
        return page_svg(figure, key, f"Training of {name}", description)


def _line(axes: Axes, values: Mapping[int, float], best_epoch: int) -> None:
    few = "o" if len(values) <= 30 else None
    axes.plot(list(values), list(values.values()), color=SERIES[0], linewidth=1.6, marker=few, markersize=3)
    axes.axvline(best_epoch, color=INK, linewidth=0.8, linestyle=(0, (3, 3)), alpha=0.7)
    if best_epoch in values:
        axes.plot([best_epoch], [values[best_epoch]], "o", color=SERIES[1], markersize=6.5)


def _value(rows: Mapping[int, Mapping[str, Any]], epoch: int, key: str) -> str:
    value = rows.get(epoch, {}).get(key)
    return "unknown" if value is None else f"{value:.4g}"


def _axis_label(metric: str) -> str:
    return metric_label(metric) + ("" if better(metric) == "higher" else f", {better(metric)} is better")


def clipped(text: str, length: int = 38) -> str:
    """The end is kept: there two long estimand labels differ.

    >>> clipped("HCR, total_indirect_effect:strength=0.5", 20)
    '…effect:strength=0.5'
    """
    return text if len(text) <= length else "…" + text[-(length - 1) :]


@contextmanager
def page_figure(height: float, width: float = WIDTH) -> Iterator[Figure]:
    """A figure of the given inches in the page's style.

    >>> with page_figure(3.0) as figure:
    ...     axes = figure.subplots()
    >>> figure.get_size_inches().tolist(), axes.spines["top"].get_visible()
    ([4.6, 3.0], False)
    """
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # the browser's font draws the text
        # Not by pyplot, which keeps every figure in memory until it is closed.
        yield Figure(figsize=(width, height), layout="constrained")


def page_svg(figure: Figure, key: str, title: str, description: str) -> str:
    """The figure as an `<svg>` element without anything that reaches beyond itself on the page.

    >>> with page_figure(1.0) as figure:
    ...     svg = page_svg(figure, "empty", "Title", "a < b")
    >>> svg.partition("<title")[2].partition("<defs>")[0]
    ' id="empty-title">Title</title><desc id="empty-desc">a &lt; b</desc>'
    """
    stream = io.StringIO()
    # No date and no version, so that equal plots are equal bytes.
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    # matplotlib may use one id in several figures; the prefix keeps the plots of a page apart.
    text = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{key}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", text)
    text = re.sub(r"'DejaVu Sans'(?:, *[\w' -]+)*", "system-ui, sans-serif", text)
    text = text.replace(INK, "currentColor")
    opening, rest = text.split(">", 1)
    width, height = (math.ceil(72 * side) for side in figure.get_size_inches())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'aria-labelledby="{key}-title {key}-desc" viewBox="{_view_box(opening)}" '
        f'width="{width}pt" height="{height}pt" stroke-linejoin="round">'
        f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-desc">{escape(description)}</desc>'
        + rest.strip()
    )


def _view_box(opening: str) -> str:
    match = re.search(r'viewBox="([^"]+)"', opening)
    assert match is not None, "matplotlib writes a viewBox"
    return match.group(1)
