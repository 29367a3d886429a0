"""The tables of simulated worlds in the documents: their settings, and what their logs lose against the truth."""

from __future__ import annotations

from functools import cache

import numpy as np

from graphrec.report.primitives.tables import markdown_table, number
from graphrec.simulation import Truth, WorldConfig, worlds
from graphrec.simulation.oracle import oracle_gap
from graphrec.simulation.truth import TARGETS
from graphrec.simulation.world import draw_latents


def own_worlds() -> list[str]:
    """The package's own worlds by name."""
    return [name for name, kind in worlds.available() if kind.__module__.startswith("graphrec.")]


def setting_table() -> str:
    """The settings that every world has."""
    rows = [
        (f"`{name}`", f"{field.default:g}", " ".join((field.description or "").split()))
        for name, field in WorldConfig.model_fields.items()
    ]
    return markdown_table(["setting", "default", "what it is"], rows)


@cache
def oracle_table() -> str:
    """The gap between the oracles at the default settings; worlds with the same structure share their rows."""
    names: dict[WorldConfig, list[str]] = {}
    for world in own_worlds():
        fields = worlds.get(world).Config.model_fields
        config = WorldConfig(**{name: fields[name].default for name in WorldConfig.model_fields})
        names.setdefault(config, []).append(f"`{world}`")
    rows = []
    for config, alike in names.items():
        users, items = np.arange(config.users), np.arange(config.items)
        truth = Truth(config, draw_latents(config), users.astype(str), items.astype(str), users, items)
        for target in TARGETS:
            gap = oracle_gap(truth, target=target)
            ndcg = number(gap.interventional_ndcg), number(gap.observational_ndcg)
            rows.append((", ".join(alike), target, *ndcg, f"{gap.loss:.0%}", number(gap.regret_observational)))
    headers = ["world", "target", "NDCG@50 by the true effect", "as observed", "loss", "regret@50 as observed"]
    return markdown_table(headers, rows)
