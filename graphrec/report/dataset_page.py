"""One self-contained HTML page about a prepared dataset: its numbers, what was found, and its distributions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from graphrec.checks.inspection import Inspection
from graphrec.checks.times import seconds_of
from graphrec.data.dataset import InteractionDataset
from graphrec.data.split import Split
from graphrec.errors import DataError
from graphrec.report.dataset_tables import finding_table, modality_table, number_rows, span_text
from graphrec.report.primitives.distributions import like_share_plot, quantile_plot, rank_plot, share_plot, time_plot
from graphrec.report.primitives.tables import counted
from graphrec.report.primitives.template import template
from graphrec.report.primitives.text_table import TextTable
from graphrec.system.files import write_text


def write_check_page(inspection: Inspection, out: Path, oracles: TextTable = ([], [])) -> Path:
    """Write the page and return its path; it needs no server, script, or other file.

    Args:
        oracles: headers and rows of the gap between the log's own truth and the causal one, for a simulated world.

    Raises:
        DataError: `out` is a folder.
    """
    out = Path(out)
    if out.is_dir():
        raise DataError("the page is a file", got="a folder", where=out, next_step="name a file, such as check.html")
    dataset, split = inspection.dataset, inspection.split
    severities = [finding.severity for finding in inspection.findings]
    page = template("check.html").render(
        title=f"Dataset {dataset.name}",
        simulated="simulated" in dataset.provenance,
        lead=", ".join(counted(severities.count(kind), kind) for kind in ("error", "warning")) + " found.",
        provenance=dataset.provenance,
        feedback={role: ", ".join(names) for role, names in dataset.feedback.items()},
        verdict=inspection.matched_variant,
        span=span_text(inspection.statistics),
        published=_published(inspection),
        numbers=number_rows(inspection.statistics),
        behaviours=[(name, f"{n:,}") for name, n in inspection.statistics["events"].items()],
        modalities=modality_table(inspection.statistics),
        findings=finding_table(inspection.findings),
        oracles=oracles,
        split=None if split is None else _split(split),
        plots=[] if "error" in severities else [Markup(plot) for plot in _plots(dataset, split)],
    )
    write_text(out, page)
    return out


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
    return ["published set", "this one", "published", "counted here", "source"], rows


def _split(split: Split) -> dict[str, Any]:
    sizes = {key: n for key, n in split.counts.items() if not key.startswith("dropped_")}
    dropped = {key.removeprefix("dropped_"): n for key, n in split.counts.items() if key not in sizes and n}
    return {
        "name": split.config.name,
        "hash": split.hash,
        "sizes": [(key.replace("_", " "), f"{n:,}") for key, n in sizes.items()],
        "dropped": ", ".join(f"{key.replace('_', ' ')} {n:,}" for key, n in dropped.items()),
    }


def _plots(dataset: InteractionDataset, split: Split | None) -> list[str]:
    roles = ("click",) if dataset.single_behaviour else ("click", "like")
    pairs = {f"{role}s": dataset.pairs(role) for role in roles}
    users, items = (
        {name: np.bincount(table[kind], minlength=size) for name, table in pairs.items()}
        for kind, size in (("user", dataset.num_users), ("item", dataset.num_items))
    )
    plots = [
        rank_plot(users, "user", "Items a user", "users"),
        rank_plot(items, "item", "Users an item", "items"),
    ]
    if not dataset.single_behaviour:
        plots.append(like_share_plot(items["clicks"], items["likes"], "likes"))
    if dataset.has_times:
        times = {name: table["timestamp"].to_numpy() for name, table in pairs.items()}
        if split is not None and split.config.name in ("chronological", "global_time"):
            times["train"] = np.array([split.train["timestamp"].max()])
        seconds = {name: seconds_of(values) for name, values in times.items()}
        days = {name: values / 86_400 for name, values in seconds.items() if values is not None}
        # One axis serves all curves, so the unit must be known for each of them.
        dated = len(days) == len(times)
        shown = days if dated else times
        ends = {"train": float(shown.pop("train")[0])} if "train" in shown else {}
        plots.append(time_plot(shown, ends, "times", dated=dated))
    if dataset.features:
        missing = {name: 1 - float(feature.mask.mean()) for name, feature in dataset.features.items()}
        plots.append(share_plot(missing, "items that lack the modality", "missing"))
        norms = {name: values for name, feature in dataset.features.items() if len(values := feature.norms())}
        if norms:
            plots.append(quantile_plot(norms, "norm of an item's features", "norms"))
    return plots
