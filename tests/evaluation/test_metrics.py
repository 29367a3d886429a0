"""Metrics against an independent computation and against PyG's."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from torch_geometric.metrics import (
    LinkPredHitRatio,
    LinkPredMAP,
    LinkPredMRR,
    LinkPredNDCG,
    LinkPredPrecision,
    LinkPredRecall,
)

from graphrec.evaluation.metrics import DEFAULT_METRICS, RankedHits, better, metrics
from graphrec.evaluation.ranking import evaluate, evaluate_sets
from graphrec.evaluation.scorer import TableScorer


def by_hand(ranking: list[int], positives: set[int], k: int) -> dict[str, float]:
    """One user's metrics, from the definitions."""
    hits = [rank for rank, item in enumerate(ranking, start=1) if item in positives]
    gain = sum(1 / math.log2(rank + 1) for rank in hits if rank <= k)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(positives)) + 1))
    return {
        f"recall@{k}": len([rank for rank in hits if rank <= k]) / len(positives),
        f"ndcg@{k}": gain / best,
        f"hr@{k}": float(any(rank <= k for rank in hits)),
        f"precision@{k}": len([rank for rank in hits if rank <= k]) / k,
        f"map@{k}": sum(count / rank for count, rank in enumerate(hits, start=1) if rank <= k) / min(k, len(positives)),
        "mrr": 1 / hits[0],
    }


def random_problem(seed: int, users: int = 25, items: int = 18) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    """Scores with many ties, positives (not for all users), and training pairs apart from them."""
    rng = np.random.default_rng(seed)
    scores = torch.from_numpy(rng.integers(-3, 4, (users, items)).astype(np.float32))
    kind = rng.choice(["train", "positive", "other"], p=[0.3, 0.2, 0.5], size=(users, items))
    kind[:3][kind[:3] == "positive"] = "other"
    return scores, np.argwhere(kind == "positive"), np.argwhere(kind == "train")


@pytest.mark.parametrize("seed", range(5))
def test_metrics_agree_with_a_slow_independent_computation(seed: int) -> None:
    scores, positives, train = random_problem(seed)
    cutoffs = (1, 4, 10, 18)
    table = evaluate(TableScorer(scores), positives, train, cutoffs)
    assert table["user"].tolist() == sorted(set(positives[:, 0].tolist()))
    for row in table.to_dict("records"):
        user = row["user"]
        relevant = set(positives[positives[:, 0] == user, 1].tolist())
        seen = set(train[train[:, 0] == user, 1].tolist())
        ranking = sorted(set(range(18)) - seen, key=lambda item: (-scores[user, item].item(), item))
        assert row["positives"] == len(relevant)
        for k in cutoffs:
            for name, value in by_hand(ranking, relevant, k).items():
                assert row[name] == pytest.approx(value, rel=1e-12), (user, name)


@pytest.mark.parametrize("k", [1, 5, 12])
def test_metrics_agree_with_pyg(k: int) -> None:
    """Recall, NDCG, hit ratio, precision and MAP mean the same there.

    PyG evaluates the order that our rule makes of scores with many ties. PyG's MRR reads the first k ranks
    only, ours at all of them: they agree with k = I. PyG counts a user without positives as 0, we leave such users out:
    here every user has one.
    """
    rng = np.random.default_rng(k)
    scores = torch.from_numpy(rng.integers(0, 6, (40, 30)).astype(float))
    mask = rng.random((40, 30)) < 0.15
    mask[:, 0] = True
    positives = np.argwhere(mask)
    table = evaluate(TableScorer(scores), positives, np.empty((0, 2), dtype=np.int64), (k,))
    order = scores.sort(dim=1, descending=True, stable=True).indices
    labels = torch.from_numpy(positives.T)
    theirs = {
        f"recall@{k}": LinkPredRecall(k),
        f"ndcg@{k}": LinkPredNDCG(k),
        f"hr@{k}": LinkPredHitRatio(k),
        f"precision@{k}": LinkPredPrecision(k),
        f"map@{k}": LinkPredMAP(k),
    }
    for name, metric in theirs.items():
        metric.update(order[:, :k], labels)
        assert table[name].mean() == pytest.approx(metric.compute().item(), rel=1e-5), name
    full, cut = LinkPredMRR(30), LinkPredMRR(k)
    full.update(order, labels)
    cut.update(order[:, :k], labels)
    assert table["mrr"].mean() == pytest.approx(full.compute().item(), rel=1e-5)
    assert cut.compute().item() < table["mrr"].mean()


def test_the_worked_example() -> None:
    a, b, c, d = 0, 1, 2, 3
    scores = torch.zeros(1, 4)
    scores[0, [c, a, d, b]] = torch.tensor([4.0, 3.0, 2.0, 1.0])
    table = evaluate(TableScorer(scores), np.array([[0, a], [0, b]]), np.empty((0, 2), dtype=np.int64), (3,))
    row = table.iloc[0]
    assert row["recall@3"] == 0.5
    assert row["hr@3"] == 1
    assert row["ndcg@3"] == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))
    assert round(row["ndcg@3"], 3) == 0.387
    assert row["precision@3"] == pytest.approx(1 / 3)
    assert row["map@3"] == 0.25
    assert row["mrr"] == 0.5


def test_perfect_and_hopeless_rankings() -> None:
    ranked = RankedHits.from_ranks([[1, 2], [5, 6]], length=4)
    for name in DEFAULT_METRICS["ranking"]:
        for k in (2, 4):
            best, worst = metrics.get(name)().values(ranked, k)
            half = name == "precision" and k == 4  # two positives fill half of four ranks
            assert best == (0.5 if half else 1.0), name
            assert worst == (0.2 if name == "mrr" else 0.0), name


@pytest.mark.parametrize("seed", range(3))
def test_every_metric_lies_between_0_and_1_and_names_of_items_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = torch.from_numpy(rng.permuted(np.tile(np.arange(18.0), (25, 1)), axis=1))  # ties go by the name
    mask = rng.random((25, 18))
    named, renamed = np.arange(18), rng.permutation(18)
    tables = []
    for names in (named, renamed):
        positives, train = (
            np.stack([users, names[items]], axis=1) for users, items in (np.nonzero(mask < 0.2), np.nonzero(mask > 0.7))
        )
        moved = torch.empty_like(scores)
        moved[:, names] = scores
        tables.append(evaluate(TableScorer(moved), positives, train, (1, 5, 18)))
    pd.testing.assert_frame_equal(*tables)
    values = tables[0].drop(columns=["user", "positives"])
    assert values.min(axis=None) >= 0 and values.max(axis=None) <= 1 + 1e-12


def test_several_sets_are_evaluated_on_one_ranking_as_each_alone() -> None:
    scores, positives, train = random_problem(3)
    sets = [positives[::2], positives[1::2], positives[:2]]
    scorer = TableScorer(scores, bytes_per_user=10**8)  # blocks of two users: some have none of a set
    for table, pairs in zip(evaluate_sets(scorer, sets, train, (4, 10)), sets):
        pd.testing.assert_frame_equal(table, evaluate(scorer, pairs, train, (4, 10)))


def test_a_cutoff_beyond_all_items_takes_them_all() -> None:
    ranked = RankedHits.from_ranks([[2]], length=2)
    assert metrics.get("recall")().values(ranked, 50).tolist() == [1.0]
    assert metrics.get("ndcg")().values(ranked, 50)[0] == pytest.approx(1 / math.log2(3))


def test_what_only_describes_lists_has_no_better_end() -> None:
    assert [better(name) for name in ("ndcg@5", "regret_do@50", "leakage_do", "drop_map@5", "coverage@5")] == [
        "higher", "lower", "nearer 0", "lower", "neither"
    ]  # fmt: skip
