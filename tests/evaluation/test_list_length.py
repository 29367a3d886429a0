"""Lists so long that any ranking has a high Recall@K: there is a warning, once for each evaluation."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.trained_runs import MakeRecipe

from graphrec.evaluation.list_length import candidates, random_recall, warn_of_long_lists
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.scorer import TableScorer
from graphrec.runs.analyses import by_like_ratio
from graphrec.runs.run import Run
from graphrec.runs.train import train


def test_recall_of_a_random_ranking_is_what_its_name_says() -> None:
    random = np.random.default_rng(0)
    users, items = 400, 20
    train_pairs = np.array([[user, item] for user in range(users) for item in range(user % 10)])
    positives = np.array([[user, random.integers(user % 10, items)] for user in range(users)])
    table = evaluate(TableScorer(random.random((users, items))), positives, train_pairs, (7,), ["recall"])
    expected = random_recall(candidates(train_pairs, items, positives[:, 0]), 7)
    assert table["recall@7"].mean() == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize(("k", "warned"), [((10,), False), ((11,), True), ((20,), True), ((500,), True)])
def test_half_of_the_candidates_are_the_most_without_a_warning(
    k: tuple[int, ...], warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    warn_of_long_lists(k, np.full(3, 20))
    assert bool(caplog.records) == warned


def test_each_call_that_evaluates_warns_once_and_its_numbers_stay(
    tiny_recipe: MakeRecipe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recipe = tiny_recipe("hcr", "evaluation.k=[10, 500]", "training.epochs=1", "training.monitor=ndcg@10")
    run = train(recipe, tmp_path / "run")
    assert not caplog.records, "training does not evaluate for a reader"
    for evaluation in (
        lambda: run.evaluate(split="valid"),
        lambda: run.evaluate(),
        lambda: by_like_ratio(run),
    ):
        caplog.clear()
        evaluation()
        messages = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert len(messages) == 1 and "Recall@500 1.00" in messages[0] and "Recall@10 " not in messages[0]
    assert (run.evaluate(split="valid")["recall@500"] == 1).all()


def test_short_lists_give_no_warning(own: Callable[[str], Run], caplog: pytest.LogCaptureFixture) -> None:
    own("ct").evaluate(split="valid")
    assert not caplog.records
