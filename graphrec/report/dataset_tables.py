"""What `graphrec check` says of a dataset, as tables for the terminal and the page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from graphrec.checks.findings import Finding
from graphrec.checks.times import seconds_of
from graphrec.report.primitives.text_table import TextRows, TextTable


def number_rows(facts: dict[str, Any]) -> TextRows:
    """Name and value of the numbers that papers print, from what `statistics` gives.

    >>> from graphrec.checks.dataset import statistics
    >>> from graphrec.data.store import load
    >>> number_rows(statistics(load(data)))[:5]
    [('users', '60'), ('items', '40'), ('clicks', '413'), ('likes', '84'), ('density', '17.2083%')]
    """
    return [
        ("users", f"{facts['users']:,}"),
        ("items", f"{facts['items']:,}"),
        ("clicks", f"{facts['clicks']:,}"),
        ("likes", f"{facts['likes']:,}"),
        ("density", f"{facts['density']:.4%}"),
        ("clicks per user", f"{facts['clicks_per_user']:.1f}"),
        ("clicks per item", f"{facts['clicks_per_item']:.1f}"),
        ("likes per click", f"{facts['likes_per_click']:.3f}"),
    ]


def span_text(facts: dict[str, Any]) -> str:
    """The first and the last time, as days where the unit is known.

    >>> span_text({"times": True, "span": [1_546_300_826, 1_548_892_773]})  # seconds
    '2019-01-01 to 2019-01-30'
    >>> span_text({"times": True, "span": [3, 7]})
    '3 to 7, of an unknown unit'
    """
    if facts["span"] is None:
        return "not known" if facts["times"] else "no times"
    seconds = seconds_of(np.asarray(facts["span"]))
    if seconds is None:
        return "{} to {}, of an unknown unit".format(*facts["span"])
    return " to ".join(pd.Timestamp(second, unit="s").strftime("%Y-%m-%d") for second in seconds)


def modality_table(facts: dict[str, Any]) -> TextTable:
    """A row for each modality.

    >>> visual = {"role": "content", "kind": "dense", "encoder": "ResNet", "layer": None}
    >>> visual |= {"width": 2048, "share_missing": 0.1}
    >>> headers, rows = modality_table({"modalities": {"visual": visual}})
    >>> rows
    [('visual', 'content', 'dense', 'ResNet', 'none', '2,048', '10.0%')]
    """
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
    """A row for each finding.

    >>> finding = Finding("no_times", "warning", 1200, "events have no time", "", "split at random")
    >>> finding_table([finding])[1]
    [('no_times', 'warning', '1,200', 'events have no time', '–', 'split at random')]
    """
    rows = [
        (
            finding.code,
            finding.severity,
            f"{finding.count:,}",
            finding.message,
            finding.example or "–",
            finding.next_step or "–",
        )
        for finding in findings
    ]
    return ["code", "severity", "count", "finding", "example", "next step"], rows
