"""docs/metrics.md: its worked examples are what the library computes."""

from __future__ import annotations

import re

import numpy as np
import torch
from support.paths import ROOT

from graphrec.evaluation.intervals import interval
from graphrec.evaluation.rank_agreement import rank_agreement
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.scorer import TableScorer
from graphrec.evaluation.significance import holm
from graphrec.evaluation.slices import normalised_recall
from graphrec.evaluation.summary import summarise
from graphrec.report.primitives.tables import metric_label
from graphrec.simulation.oracle import ndcg_at_k, regret_at_k

DOCUMENT = ROOT / "docs" / "metrics.md"


def rows(first: str) -> dict[str, list[str]]:
    """The table whose first header is `first`: the other cells of each row by its first cell."""
    lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
    tables = "\n".join(lines).split("\n\n")
    (table,) = (part for part in tables if re.match(rf"\| {re.escape(first)} \| (?!formula)", part))
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table.splitlines()[2:]]
    return {head: rest for head, *rest in cells}


def shown(*values: float) -> list[str]:
    return [f"{value:.4f}" for value in values]


def test_the_worked_example() -> None:
    scores = torch.tensor([[0.9, 0.4, 0.7, 0.7, 0.2, 0.1], [0.1, 0.9, 0.5, 0.4, 0.3, 0.2], [0.5] * 6])
    table = evaluate(
        TableScorer(scores),
        positives=np.array([[0, 3], [0, 4], [1, 1], [1, 2]]),
        excluded=np.array([[0, 0]]),
        cutoffs=(1, 3),
    )
    means = summarise(table)
    computed = {metric_label(name): shown(*table[name], value["mean"]) for name, value in means.items()}
    assert list(table["user"]) == [0, 1]
    assert rows("metric") == computed


def test_the_interventional_example() -> None:
    probability = np.array([[0.4, 0.3, 0.2, 0.1]])
    ranked, likes = np.array([[2, 0]]), np.array([[True, False, False, True]])
    scores, carries = np.array([[3.0, 2.0, 4.0, 1.0]]), np.array([False, False, True, False])
    agreement, leakage = rank_agreement(scores, probability, carries, np.ones((1, 4), dtype=bool))
    computed = {
        "NDCG (do)": shown(*ndcg_at_k(ranked, likes)),
        "Regret (do)": shown(*regret_at_k(ranked, probability)),
        "Rank correlation (do)": shown(*agreement),
        "Leakage (do)": shown(*leakage),
    }
    assert rows("metric at K = 2") == computed


def test_the_example_of_normalised_recall() -> None:
    scores = torch.tensor([[3.0, 0.0, 2.0, 1.0], [0.0, 2.0, 3.0, 1.0], [0.0, 1.0, 2.0, 3.0]])
    high, _ = normalised_recall(
        TableScorer(scores),
        positives=np.array([[0, 0], [0, 1], [1, 1], [2, 3]]),
        excluded=np.empty((0, 2), dtype=np.int64),
        high=np.array([True, True, False, False]),
        cutoffs=(2,),
    )
    assert rows("normalised recall at K = 2") == {"high group": shown(high["normalised_recall@2"].mean())}


def test_the_example_of_holms_correction() -> None:
    for values, (corrected,) in rows("p of four pairs").items():
        assert corrected == ", ".join(shown(*holm(np.array([float(p) for p in values.split(",")]))))


def test_the_interval_example() -> None:
    for values, numbers in rows("users' values").items():
        users = np.array([float(value) for value in values.split(",")])
        assert numbers == shown(users.mean(), *interval(users))
    assert np.isnan(interval(np.array([1.0]))).all()
