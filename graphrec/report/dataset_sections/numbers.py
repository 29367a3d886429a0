"""The numbers of a dataset: sizes, behaviours, modalities, and how it compares with published sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphrec.checks.inspection import Inspection
from graphrec.report.dataset_tables import modality_table, number_rows, span_text
from graphrec.report.page import DatasetPage
from graphrec.report.primitives.text_table import TextTable
from graphrec.report.section import DatasetSection


class NumbersSection(DatasetSection):
    """What the dataset holds, and which published set it is.

    >>> from graphrec.checks.inspection import inspect
    >>> from graphrec.data.store import load
    >>> context = NumbersSection().context(DatasetPage(inspect(load(data))))
    >>> context["numbers"][:2], context["feedback"]
    ([('users', '60'), ('items', '40')], {'click': 'click', 'like': 'finish, thumbs_up'})
    """

    id = "numbers"
    title = "Numbers"
    template = "numbers.html"

    def context(self, page: DatasetPage) -> Mapping[str, Any]:
        statistics = page.inspection.statistics
        return {
            "feedback": {role: ", ".join(names) for role, names in page.inspection.dataset.feedback.items()},
            "span": span_text(statistics),
            "verdict": page.inspection.matched_variant,
            "numbers": number_rows(statistics),
            "behaviours": [(name, f"{count:,}") for name, count in statistics["events"].items()],
            "modalities": modality_table(statistics),
            "published": _published(page.inspection),
            "oracles": page.oracles,
        }


def _published(inspection: Inspection) -> TextTable:
    rows = [
        (
            comparison.variant.name,
            "yes" if comparison.is_same else "no",
            ", ".join(f"{key} {count:,}" for key, count in comparison.variant.counts.items()),
            ", ".join(
                f"{key} {'none' if count is None else format(count, ',')}"
                for key, count in comparison.dataset_counts.items()
            ),
            comparison.variant.counted_from,
        )
        for comparison in inspection.compared
    ]
    return ["published set", "matches", "published", "counted here", "source"], rows
