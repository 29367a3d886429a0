"""A result table checked against the values of each user in the same folder."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from graphrec.evaluation.summary import summarise
from graphrec.report.primitives.tables import metric_names


def check(folder: Path) -> pd.DataFrame:
    """Recompute every mean and interval that has values in the folder; returns the values."""
    table = pd.read_csv(folder / "results.csv", keep_default_na=False, na_values=[""])
    table = table.assign(estimand=table["estimand"].fillna("")).set_index(["method", "estimand"])
    values = pd.read_parquet(folder / "per_user.parquet").rename(
        columns={"part": "result_set"}
    )  # as results before named it
    values = values.astype({name: str for name in ("method", "estimand", "result_set")})
    metrics = [name for name in metric_names(table) if name in values]
    assert any(metric.startswith("ndcg") for metric in metrics)
    summaries: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for (method, estimand, _), row in values.groupby(["method", "estimand", "result_set"], sort=False):
        seeds = [of_seed for _, of_seed in row.groupby("seed")]
        measured = [metric for metric in metrics if row[metric].notna().any()]
        assert all(of_seed["user"].tolist() == seeds[0]["user"].tolist() for of_seed in seeds)
        summaries.setdefault((method, estimand), {}).update(summarise(*(of_seed[measured] for of_seed in seeds)))
    assert set(summaries) == set(table.index), "every row has its values"
    for row, summary in summaries.items():
        for metric in metrics:
            recorded = table.loc[row, [metric, f"{metric}_low", f"{metric}_high"]].tolist()
            again = [summary[metric][key] for key in ("mean", "low", "high")]
            assert again == pytest.approx(recorded, rel=1e-5, abs=1e-7), (row, metric)
    return values
