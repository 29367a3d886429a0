"""The ranking rule: higher first, ties by item number, seen items never; and blocks that change nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from graphrec.causal import FrontDoor
from graphrec.errors import DataError
from graphrec.evaluation.popularity import PopularityScorer
from graphrec.evaluation.ranking import (
    COUNTED_EACH,
    MEMORY_BUDGET,
    PairIndex,
    blocks,
    evaluate,
    rank_all,
    ranks_of,
)
from graphrec.evaluation.scorer import Scorer, TableScorer
from graphrec.testing.small_model import small_model
from graphrec.top_k import top_k

NOTHING = np.empty((0, 2), dtype=np.int64)


class InBlocks:
    """Another scorer, in blocks of another size."""

    def __init__(self, scorer: Scorer, bytes_per_user: int) -> None:
        self.scorer, self.num_users, self.num_items = scorer, scorer.num_users, scorer.num_items
        self.bytes_per_user = bytes_per_user

    def __call__(self, users: torch.Tensor) -> torch.Tensor:
        return self.scorer(users)


def slow_top_k(scores: torch.Tensor, k: int) -> list[list[int]]:
    return [sorted(range(len(row)), key=lambda item: (-row[item], item))[:k] for row in scores.tolist()]


@pytest.mark.parametrize("k", [1, 3, 7, 40, 60])
def test_ties_go_to_the_lower_item_number_also_at_the_last_place(k: int) -> None:
    generator = torch.Generator().manual_seed(k)
    for levels in (2, 4, 1000):
        scores = torch.randint(-levels, levels, (30, 40), generator=generator).float()
        scores[0] = 0.0
        scores[1, 5:] = -torch.inf
        assert top_k(scores, k).tolist() == slow_top_k(scores, k)


@pytest.mark.parametrize("k", [1, 7, 60])
@pytest.mark.parametrize("levels", [1, 3, 1000])
def test_ranks_are_positions_in_the_ranking_as_far_as_they_count(k: int, levels: int) -> None:
    random = np.random.default_rng(k)
    scores = random.integers(-levels, levels, (30, 60)).astype(np.float32)
    scores[3, 20:] = -np.inf
    positives = random.random((30, 60)) < random.random((30, 1))  # one pair to nearly all of a row
    positives[:, 17] = True
    rows, items = np.nonzero(positives)
    counts = np.bincount(rows)
    assert (counts > COUNTED_EACH).any() and (counts <= COUNTED_EACH).any(), "both ways of counting"
    positions = np.argsort(np.array(slow_top_k(torch.from_numpy(scores), 60)), axis=1)[rows, items] + 1
    ranks = ranks_of(scores, rows, items, k)
    first = positions == np.minimum.reduceat(positions, np.flatnonzero(np.diff(rows, prepend=-1)))[rows]
    needed = (positions <= k) | first
    assert (ranks[needed] == positions[needed]).all()
    assert (ranks[~needed] > k).all()


def test_the_last_place_alone_may_be_tied() -> None:
    scores = torch.tensor([[1.0, 0.5, 0.5, 2.0, 0.5], [0.5, 3.0, 0.5, 0.5, 0.5]])
    assert top_k(scores, 3).tolist() == [[3, 0, 1], [1, 0, 2]]


def test_zero_and_minus_zero_are_the_same_score() -> None:
    assert top_k(torch.tensor([[-0.0, 0.0, -0.0]]), 2).tolist() == [[0, 1]]


@pytest.mark.parametrize("low", [0.0, -1e30])
def test_training_items_are_never_ranked_above_the_worst_candidate(low: float) -> None:
    scores = torch.full((2, 6), low)
    scores[:, 2:] -= torch.arange(4.0) * max(abs(low), 1.0)
    seen = np.array([[0, 0], [0, 1], [1, 1], [1, 5]])
    (block,) = rank_all(TableScorer(scores), np.arange(2), 4, PairIndex(seen, 2))
    users, ranked, best = block
    assert users.tolist() == [0, 1]
    assert best.tolist() == [[2, 3, 4, 5], [0, 2, 3, 4]]
    assert ranked[0, :2].eq(-torch.inf).all()


def test_pair_index_gives_each_user_of_a_block_its_items() -> None:
    pairs = np.array([[3, 1], [0, 2], [3, 0], [0, 0], [2, 4]])
    rows, items = PairIndex(pairs, 5).of(np.array([3, 1, 0]))
    assert list(zip(rows.tolist(), items.tolist())) == [(0, 0), (0, 1), (2, 0), (2, 2)]
    rows, items = PairIndex(NOTHING, 5).of(np.array([3, 1]))
    assert len(rows) == len(items) == 0


def test_blocks_hold_every_user_once_and_keep_to_the_budget() -> None:
    users = np.arange(2500)[::-1]
    for bytes_per_user, budget in ((4, 40), (10**12, 10**6), (1, MEMORY_BUDGET), (0, 10)):
        parts = list(blocks(users, bytes_per_user, budget))
        assert np.concatenate(parts).tolist() == users.tolist()
        assert all(len(part) == 1 or len(part) * bytes_per_user <= budget for part in parts)
    sizes = {width: len(next(blocks(users, width))) for width in (1, 10**5, 10**6, 10**7)}
    assert sizes == {1: 1024, 10**5: 335, 10**6: 64, 10**7: 26}, "near the processor, or 64, or what memory allows"


def test_the_size_of_a_block_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    scores = torch.from_numpy(rng.integers(0, 9, (60, 25)).astype(np.float32))
    train, positives = (np.argwhere(rng.random((60, 25)) < share) for share in (0.2, 0.1))
    positives = np.array([pair for pair in positives.tolist() if pair not in train.tolist()])
    tables: list[pd.DataFrame] = [
        evaluate(TableScorer(scores, bytes_per_user=MEMORY_BUDGET // size), positives, train, (3, 10))
        for size in (1, 7, 1024)
    ]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])


def test_a_model_is_evaluated_the_same_whatever_the_block() -> None:
    model, graph = small_model("hcr")
    scorer = model.freeze(graph).scorer(FrontDoor())
    widths = [MEMORY_BUDGET // size for size in (1, 2, 7)]
    positives, train = graph.pairs("like").numpy(), NOTHING
    tables = [evaluate(InBlocks(scorer, width), positives, train, (3,)) for width in widths]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])


def test_scores_that_are_no_numbers_are_a_data_error() -> None:
    scores = torch.zeros(3, 4)
    scores[1, 2] = torch.nan
    with pytest.raises(DataError, match="1 NaN scores in a block of 3 users"):
        list(rank_all(TableScorer(scores), np.arange(3), 2, PairIndex(NOTHING, 3)))


def test_popularity_counts_training_pairs_and_knows_no_user() -> None:
    train = np.array([[0, 1], [1, 1], [2, 1], [0, 3], [1, 3], [2, 0]])
    score = PopularityScorer(train, 3, 5)
    assert score(torch.tensor([0, 2])).tolist() == [[1, 3, 0, 2, 0]] * 2
    table = evaluate(score, np.array([[0, 0], [2, 3]]), train, (1,))
    assert table["recall@1"].tolist() == [1.0, 1.0]
    assert score(torch.tensor([0])).tolist() == [[1, 3, 0, 2, 0]], "ranking does not change the counts"


def test_without_a_positive_there_is_no_row() -> None:
    assert evaluate(TableScorer(torch.zeros(3, 4)), NOTHING, NOTHING, (2,)).empty
