"""The tables of the documents that are made from the code; `make docs-tables` writes them.

A document has `<!-- table: NAME -->` and, further down, `<!-- end of table -->`. What is between them is replaced by
what `TABLES[NAME]` gives. A test compares the committed documents with what the code gives now.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from support.command_table import command_table
from support.method_tables import backbone_table, decoder_table, grid_table
from support.recipe_tables import SECTIONS, recipe_table
from support.result_tables import dose_response_table, refutation_table, results_table
from support.world_tables import oracle_table, setting_table

from graphrec.backbones import backbones
from graphrec.causal.estimands import estimands
from graphrec.decoders import decoders
from graphrec.evaluation.metrics import DEFAULT_METRICS, Metric, metrics
from graphrec.report.primitives.tables import markdown_table

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCK = re.compile(r"(<!-- table: (?P<name>[\w ,./-]+) -->\n)(?P<text>.*?)(<!-- end of table -->)", re.DOTALL)


def metric_row(metric: type[Metric[Any]]) -> tuple[str, str, str, str]:
    """What a document says of a metric: label, formula, range and which values are better."""
    qualifier = {"": "", "modality": "m", "metric": "of a metric"}.get(metric.qualifier, metric.qualifier)
    label = metric.title("K" if metric.has_cutoff else "", qualifier)
    return label, metric.formula(), _range(*metric.bounds), metric.direction


def _range(low: float, high: float) -> str:
    """`0 to 1`, `0 or more`, `1 or less`."""
    if math.isinf(low) and math.isinf(high):
        return "any"
    if math.isinf(high):
        return f"{low:g} or more"
    return f"{high:g} or less" if math.isinf(low) else f"{low:g} to {high:g}"


def metric_table(*families: str) -> str:
    """The package's own metrics of some families, the default ones first and in their order."""
    default = [name for family in families for name in DEFAULT_METRICS[family]]
    own = [name for name in metrics if metrics.get(name).__module__.startswith("graphrec.")]
    more = [name for name in own if metrics.get(name).family in families and name not in default]
    rows = [metric_row(metrics.get(name)) for name in (*default, *more)]
    return markdown_table(["metric", "formula", "range", "better"], rows)


def axes_table() -> str:
    """The names on the three axes, in one row."""
    axes = {
        "backbones": ("backbones", backbones),
        "decoders": ("decoders", decoders),
        "estimands": ("causality", estimands),
    }
    names = {axis: [name for name, kind in registry.available() if kind.__module__.startswith("graphrec.")]
             for axis, (_, registry) in axes.items()}  # fmt: skip
    headers = [f"[{len(names[axis])} {axis}](docs/{page}.md)" for axis, (page, _) in axes.items()]
    return markdown_table(headers, [[", ".join(f"`{name}`" for name in names[axis]) for axis in axes]])


TABLES: dict[str, Callable[[], str]] = {
    "axes": axes_table,
    "metrics of held-out likes": lambda: metric_table("ranking"),
    "metrics by the truth": lambda: metric_table("truth"),
    "metrics of slices": lambda: metric_table("item_groups", "time"),
    "metrics of lists": lambda: metric_table("lists"),
    "metrics off policy": lambda: metric_table("off_policy"),
    "backbones": backbone_table,
    "decoders": decoder_table,
    "commands": command_table,
    "grids": grid_table,
    "world settings": setting_table,
    "oracles of the worlds": oracle_table,
    "refutation": partial(
        refutation_table,
        [
            "textual: NDCG@50 of causal, real - placebo",
            "NDCG@50, causal - popularity",
            "rise, causal, p = 0.5",
            "rise, observational, p = 0.5",
            "rise, observational - causal, p = 0.5",
            "overlap of the top 50 between subsets (Jaccard)",
        ],
    ),
    "dose-response/hidden": partial(dose_response_table, "hidden", "g"),
    "dose-response/visual": partial(dose_response_table, "visual", "b"),
    "results/tiktok-twin": partial(
        results_table, "tiktok-twin", ["ndcg_do@50", "regret_do@50", "ndcg@50", "recall@50"]
    ),
    "results/tiktok": partial(results_table, "tiktok", ["recall@20", "recall@50", "ndcg@50"]),
    **{f"recipe/{section or 'top'}": partial(recipe_table, section) for section in (*SECTIONS, "decoder")},
}
"""By marker the function that gives the table's text, without a line end."""


def with_tables(text: str) -> str:
    """A document's text with every marked table as the code gives it now.

    Raises:
        KeyError: a marker names no table.
    """
    return BLOCK.sub(lambda match: f"{match[1]}{TABLES[match['name']]()}\n{match[4]}", text)


def main() -> None:
    """Write the tables into the documents."""
    for path in DOCUMENTS:
        before = path.read_text(encoding="utf-8")
        after = with_tables(before)
        if after != before:
            path.write_text(after, encoding="utf-8")
            print(f"wrote the tables of {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
