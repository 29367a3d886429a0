"""HCR's Figure 7: normalised recall on items with high and with low like/click ratio (TKDE 2024, section 4.4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from graphrec.evaluation.result_sets import RATIOS
from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.bars import Bars
from graphrec.experiments.papers.hcr_groups import METHODS, against_ct, figure
from graphrec.experiments.papers.hcr_tables import CUTOFFS
from graphrec.report.primitives.paper_table import PaperTable

UNDEFINED = ("–: in at least one training no listed item is of the group, so its share of the lists is 0.",)


def hcr_figure_7(result: BenchmarkResult, title: str, cutoffs: Sequence[int] = CUTOFFS) -> PaperTable:
    """(a) items with a high ratio, (b) the others; at each K.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.hcr_like_ratio import hcr_figure_7
        >>> figure = hcr_figure_7(BenchmarkResult.of_runs({"HCR": [run]}), "Twin", cutoffs=[10])
        >>> figure.table[["Item group", "K", "CT"]].values.tolist()
        [['high ratio', 10, 'not run'], ['low ratio', 10, 'not run']]
    """
    result_sets = {f"{name} ratio": result_set for name, result_set in zip(("high", "low"), RATIOS)}
    at = {k: against_ct(result, result_sets, f"normalised_recall@{k}", "Item group") for k in cutoffs}
    table = pd.concat(
        [groups.table.assign(K=pd.Series(int(k), groups.table.index, dtype=object)) for k, groups in at.items()]
    )
    table = table.sort_index(kind="stable", ignore_index=True)  # by group, then by K
    table.insert(1, "K", table.pop("K"))
    panels = [
        Bars(
            f"({letter}) normalised recall, {group}",
            tuple(f"K = {k}" for k in at),
            {name: [groups.series[name][number] for groups in at.values()] for name in METHODS},
        )
        for number, (letter, group) in enumerate(zip("ab", result_sets))
    ]
    measured = tuple(of_group for groups in at.values() for of_group in groups.measured)
    gains = [gain for groups in at.values() for gain in groups.gains]
    return figure(
        replace(at[cutoffs[0]], table=table, measured=measured, gains=gains),
        name="hcr-figure-7",
        title=f"HCR, Figure 7: HCR and CT by like/click ratio of the items. {title}",
        caption="Recall of a group of items over the share of the lists that is of it, in each training. High ratio: "
        "the third of the items with the most likes a click in the training split; low ratio: the others.",
        panels=panels,
        notes=UNDEFINED if any(groups.undefined for groups in at.values()) else (),
    )
