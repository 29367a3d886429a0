"""Results in a run's folder: by result set and estimand, with the values of each user."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from graphrec.causal import EffectOnMediator, Observational
from graphrec.errors import RunError
from graphrec.runs.run import Run


def values(run: Run) -> pd.DataFrame:
    users = np.arange(len(run.user_ids))[::-1]
    return pd.DataFrame({"user": users, "ndcg@5": np.linspace(0, 1, len(users))})


def test_a_result_is_indexed_by_estimand_or_label(own: Callable[[str], Run]) -> None:
    run = own("ct")
    assert not run.results and ("test", "observational") not in run.results
    added = run.results.add("test", "CT", Observational(), values(run))
    assert len(run.results) == 1 and ("test", Observational()) in run.results
    assert run.results["test", "observational"] == run.results["test", Observational()] == added
    assert run.results[added.key] == added and list(run.results) == [added]
    assert added.row()["method"] == "CT" and added.row()["ndcg@5"] == added.metrics["ndcg@5"]["mean"]


def test_values_of_users_are_by_external_id(own: Callable[[str], Run]) -> None:
    run = own("ct")
    run.results.add("test", "CT", Observational(), values(run))
    table = run.results["test", "observational"].per_user
    assert list(table["user"]) == list(run.user_ids[::-1])
    assert table["ndcg@5"].tolist() == values(run)["ndcg@5"].tolist()


def test_results_on_a_set_are_in_their_order_and_the_last_of_each_counts(own: Callable[[str], Run]) -> None:
    run = own("hcr")
    run.results.add("test", "first", EffectOnMediator(), values(run))
    run.results.add("valid", "another", Observational(), values(run))
    run.results.add("test", "second", Observational(), values(run))
    run.results.add("test", "replaced", EffectOnMediator(), values(run))
    assert [result.method for result in run.results.by_estimand("test").values()] == ["replaced", "second"]
    assert list(run.results.by_estimand("test")) == [
        "effect_on_mediator",
        "observational",
    ] and not run.results.by_estimand("truth")


def test_a_metric_of_all_lists_has_no_interval(own: Callable[[str], Run]) -> None:
    run = own("ct")
    result = run.results.add("lists", "CT", Observational(), values(run), {"coverage@5": 0.25})
    coverage = run.results["lists", "observational"].metrics["coverage@5"]
    assert coverage["mean"] == 0.25 and np.isnan([coverage["low"], coverage["high"]]).all()
    assert "coverage@5" not in result.per_user


def test_what_was_not_evaluated_says_how_to(own: Callable[[str], Run]) -> None:
    run = own("ct")
    with pytest.raises(RunError, match="not evaluated yet") as caught:
        run.results["test", "observational"]
    assert "evaluate" in str(caught.value.next_step)


def test_files_name_the_result_set(own: Callable[[str], Run]) -> None:
    run = own("ct")
    run.results.add("active", "CT", Observational(), values(run))
    (entry,) = json.loads((run.folder / "metrics.json").read_text()).values()
    assert entry["result_set"] == "active" and "part" not in entry
    assert (run.folder / "per_user" / "active-observational.parquet").is_file()
