"""What `graphrec check` says of a dataset, as tables for the terminal and the page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from graphrec.checks.findings import Finding
from graphrec.checks.times import seconds_of
from graphrec.report.primitives.text_table import TextRows, TextTable


def number_rows(facts: dict[str, Any]) -> TextRows:
    """Name and value of the numbers that papers print, from what `statistics` gives."""
    return [
        ("users", f"{facts['users']:,}"),
        ("items", f"{facts['items']:,}"),
        ("clicks", f"{facts['clicks']:,}"),
        ("likes", f"{facts['likes']:,}"),
        ("density", f"{facts['density']:.4%}"),
        ("clicks a user", f"{facts['clicks_per_user']:.1f}"),
        ("clicks an item", f"{facts['clicks_per_item']:.1f}"),
        ("likes a click", f"{facts['likes_per_click']:.3f}"),
    ]


def span_text(facts: dict[str, Any]) -> str:
    """The first and the last time, as days where the unit is known."""
    if facts["span"] is None:
        return "not known" if facts["times"] else "no times"
    seconds = seconds_of(np.asarray(facts["span"]))
    if seconds is None:
        return "{} to {}, of an unknown unit".format(*facts["span"])
    return " to ".join(pd.Timestamp(second, unit="s").strftime("%Y-%m-%d") for second in seconds)


def modality_table(facts: dict[str, Any]) -> TextTable:
    """A row for each modality."""
    rows = [
        (
            name,
            modality["role"] or "none",
            modality["kind"],
            modality["encoder"] or "none",
            modality["layer"] or "none",
            f"{modality['width']:,}",
            f"{modality['share_missing']:.1%}",
        )
        for name, modality in facts["modalities"].items()
    ]
    return ["modality", "role", "kind", "encoder", "layer", "width", "missing"], rows


def finding_table(findings: list[Finding]) -> TextTable:
    """A row for each finding."""
    rows = [
        (
            finding.code,
            finding.severity,
            finding.message,
            finding.example or "–",
            finding.next_step or "–",
            f"{finding.count:,}",
        )
        for finding in findings
    ]
    return ["code", "severity", "finding", "example", "next step", "count"], rows
