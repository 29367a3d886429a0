"""Table 1 of both papers: the statistics of the data, all splits together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from graphrec.checks.dataset import statistics
from graphrec.data.dataset import InteractionDataset
from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.experiments.papers.causalrec_published import NAMES, PUBLISHED
from graphrec.experiments.papers.hcr_tables import UNQUOTED
from graphrec.report.primitives.distributions import rank_plot
from graphrec.report.primitives.paper_table import PaperTable


def hcr_table_1(result: BenchmarkResult, title: str) -> PaperTable:
    """Users, items, clicks, likes, and what is known of the items.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.statistics import hcr_table_1
        >>> table = hcr_table_1(BenchmarkResult.of_runs({"HCR": [run]}), "Twin").table
        >>> table[["Dataset", "#Users", "Exposure features"]].values.tolist()
        [['Twin', 60, 'textual']]
    """
    dataset, counts = result.data, result.split.counts
    facts = statistics(dataset)
    of = {
        role: ", ".join(sorted(name for name, modality_role in dataset.roles.items() if modality_role == role))
        or "none"
        for role in ("exposure", "content")
    }
    row = {
        "Dataset": title,
        **{f"#{what.capitalize()}": facts[what] for what in ("users", "items", "clicks", "likes")},
        "Exposure features": of["exposure"],
        "Content features": of["content"],
        "#Train clicks": counts["train_clicks"],
        "#Valid likes": counts["valid"],
        "#Test likes": counts["test"],
    }
    return PaperTable(
        name="hcr-table-1",
        title=f"HCR, Table 1: statistics of the data. {title}",
        caption="Distinct pairs of user and item, all splits together; behind them what is trained on and held out, "
        f"without users and items that training does not know. {UNQUOTED}",
        table=pd.DataFrame([row], dtype=object),
        picture=_activity(dataset, "hcr-table-1"),
    )


def causalrec_table_1(result: BenchmarkResult, title: str) -> PaperTable:
    """Users, items, interactions and sparsity, and below them the published ones.

    Example:
        >>> from graphrec.experiments.benchmark import BenchmarkResult
        >>> from graphrec.experiments.papers.statistics import causalrec_table_1
        >>> table = causalrec_table_1(BenchmarkResult.of_runs({"HCR": [run]}), "Twin").table
        >>> table[["Dataset", "#Users"]].values.tolist()[:2]
        [['Twin', 60], ['Baby (published)', 19822]]
    """
    dataset = result.data
    facts, category = statistics(dataset), category_of(dataset)
    rows: list[dict[str, Any]] = [_sizes(title, facts["users"], facts["items"], facts["clicks"])]
    shown = [category] if category else list(PUBLISHED)
    rows += [
        _sizes(f"{name} (published)", published.users, published.items, published.interactions)
        for name, published in PUBLISHED.items()
        if name in shown
    ]
    return PaperTable(
        name="causalrec-table-1",
        title=f"CausalRec, Table 1: statistics of the data. {title}",
        caption="Distinct pairs of user and item, all splits together, and the share of all pairs that did not occur.",
        table=pd.DataFrame(rows, dtype=object),
        notes=(about_data(dataset),),
        picture=_activity(dataset, "causalrec-table-1"),
    )


def category_of(dataset: InteractionDataset) -> str:
    """The paper's name of the Amazon category; empty where it is none of the paper's, or simulated.

    Example:
        >>> from dataclasses import replace
        >>> from graphrec.experiments.papers.statistics import category_of
        >>> category_of(replace(gr.load(data), provenance={"category": "Office_Products"}))
        'Office'
    """
    return NAMES.get(str(dataset.provenance.get("category", "")), "")


def about_data(dataset: InteractionDataset) -> str:
    """Whether the published figures are of this data.

    Example:
        >>> from graphrec.experiments.papers.statistics import about_data
        >>> about_data(gr.load(data))
        'The data is simulated, not the published one: the published figures are of other data.'
    """
    category, facts = category_of(dataset), statistics(dataset)
    if "simulated" in dataset.provenance:
        return "The data is simulated, not the published one: the published figures are of other data."
    if not category:
        return "The data is none of the paper's eight sets: the published figures are of other data."
    theirs = PUBLISHED[category]
    if (facts["users"], facts["items"], facts["clicks"]) == (theirs.users, theirs.items, theirs.interactions):
        return (
            "The data has the published numbers of users, items and interactions. The paper does not state its split."
        )
    return (
        f"The data is not the published one: {facts['users']:,} users, {facts['items']:,} items and "
        f"{facts['clicks']:,} interactions against {theirs.users:,}, {theirs.items:,} and {theirs.interactions:,}. The "
        "paper does not state its split."
    )


def _sizes(name: str, users: int, items: int, interactions: int) -> dict[str, Any]:
    return {
        "Dataset": name,
        "#Users": users,
        "#Items": items,
        "#Interactions": interactions,
        "Sparsity": f"{1 - interactions / (users * items):.2%}",
    }


def _activity(dataset: InteractionDataset, key: str) -> str:
    """Clicks and likes of each item, by rank."""
    counts = {
        f"{role}s": np.bincount(dataset.pairs(role)["item"], minlength=dataset.num_items)
        for role in (("click",) if dataset.single_behaviour else ("click", "like"))
    }
    return rank_plot(counts, "item", "users an item", key)
