"""A dataset's distributions: activity, popularity, likes per click, time, missing modalities, feature norms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from graphrec.checks.times import seconds_of
from graphrec.data.dataset import InteractionDataset
from graphrec.data.split import Split
from graphrec.report.page import DatasetPage
from graphrec.report.primitives.distributions import like_share_plot, quantile_plot, rank_plot, share_plot, time_plot
from graphrec.report.section import DatasetSection


class DistributionsSection(DatasetSection):
    """A plot for each distribution that the data has; nothing where the data has errors.

    >>> from dataclasses import replace
    >>> from graphrec.checks.inspection import inspect
    >>> from graphrec.data.store import load
    >>> dataset = load(data)
    >>> bare = replace(dataset, interactions=dataset.interactions.drop(columns="timestamp"), features={})
    >>> len(DistributionsSection().context(DatasetPage(inspect(bare)))["plots"])  # of users, items and likes
    3
    """

    id = "distributions"
    title = "Distributions"
    template = "distributions.html"

    def context(self, page: DatasetPage) -> Mapping[str, Any] | None:
        if page.inspection.has_errors:
            return None
        return {"plots": [Markup(plot) for plot in _plots(page.inspection.dataset, page.inspection.split)]}


def _plots(dataset: InteractionDataset, split: Split | None) -> list[str]:
    roles = ("click",) if dataset.single_behaviour else ("click", "like")
    pairs = {f"{role}s": dataset.pairs(role) for role in roles}
    users, items = (
        {name: np.bincount(table[kind], minlength=size) for name, table in pairs.items()}
        for kind, size in (("user", dataset.num_users), ("item", dataset.num_items))
    )
    plots = [
        rank_plot(users, "user", "Items per user", "users"),
        rank_plot(items, "item", "Users per item", "items"),
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
