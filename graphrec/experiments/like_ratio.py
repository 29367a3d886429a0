"""HCR's Figure 7: normalised recall on items with high and with low like/click ratio (TKDE 2024, section 4.4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from graphrec.benchmark import BenchmarkResult
from graphrec.experiments.bars import Bars
from graphrec.experiments.groups import METHODS, against_ct, figure
from graphrec.experiments.hcr_tables import CUTOFFS
from graphrec.report.exhibits import Exhibit
from graphrec.run import RATIOS


def hcr_figure_7(result: BenchmarkResult, title: str, cutoffs: Sequence[int] = CUTOFFS) -> Exhibit:
    """(a) items with a high ratio, (b) the others; at each K."""
    both = [
        {k: against_ct(result, {f"{name} ratio": part}, f"normalised_recall@{k}", "Item group") for k in cutoffs}
        for name, part in zip(("high", "low"), RATIOS)
    ]
    tables = []
    for of_group in both:
        for k, found in of_group.items():
            table = found.table.copy()
            table.insert(1, "K", pd.Series([int(k)], dtype=object))
            tables.append(table)
    panels = [
        Bars(
            f"({letter}) normalised recall, {of_group[cutoffs[0]].groups[0]}",
            tuple(f"K = {k}" for k in of_group),
            {name: [found.series[name][0] for found in of_group.values()] for name in METHODS},
        )
        for letter, of_group in zip("ab", both)
    ]
    first = both[0][cutoffs[0]]
    every = tuple(one for of_group in both for found in of_group.values() for one in found.measured)
    return figure(
        replace(first, table=pd.concat(tables, ignore_index=True), measured=every),
        name="hcr-figure-7",
        title=f"HCR, Figure 7: HCR and CT by like/click ratio of the items. {title}",
        caption="Recall of a group of items over the share of the lists that is of it. High ratio: the third of the "
        "items with the most likes a click in training; low ratio: the others.",
        panels=panels,
    )
