"""A second opinion: ir-measures, which asks trec_eval, on random rankings with ties.

trec_eval puts the greater document name first among equal scores, so items are named downwards and its rule is ours.
Its AP@K divides by the number of positives, ours by the most that K places hold; that factor is set apart here.
"""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.scorer import TableScorer

if importlib.util.find_spec("ir_measures") is None:
    pytest.skip("ir-measures is not here: see requirements-oracle.lock", allow_module_level=True)

import ir_measures
from ir_measures import AP, RR, P, R, Success, nDCG

USERS, ITEMS = 30, 40


def name(item: int) -> str:
    return f"{ITEMS - item:03d}"


@pytest.mark.parametrize("k", [1, 7, 40])
def test_every_metric_agrees_for_every_user(k: int) -> None:
    rng = np.random.default_rng(k)
    scores = rng.integers(0, 5, (USERS, ITEMS)).astype(float)
    kind = rng.random((USERS, ITEMS))
    positives, train = np.argwhere(kind < 0.15), np.argwhere(kind > 0.8)
    table = evaluate(TableScorer(scores), positives, train, (k,)).set_index("user")
    relevant = [ir_measures.Qrel(str(user), name(item), 1) for user, item in positives]
    run = [
        ir_measures.ScoredDoc(str(user), name(item), scores[user, item])
        for user, item in np.ndindex(USERS, ITEMS)
        if kind[user, item] <= 0.8
    ]
    ours = {R @ k: "recall", P @ k: "precision", Success @ k: "hr", nDCG @ k: "ndcg", AP @ k: "map"}
    checked = 0
    for result in ir_measures.iter_calc([*ours, RR], relevant, run):
        row = table.loc[int(result.query_id)]
        mine = row["mrr"] if result.measure == RR else row[f"{ours[result.measure]}@{k}"]
        if result.measure == AP @ k:
            mine *= min(k, row["positives"]) / row["positives"]
        assert mine == pytest.approx(result.value, abs=1e-6), (result, row["positives"])
        checked += 1
    assert checked == len(table) * (len(ours) + 1)
