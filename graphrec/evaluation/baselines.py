"""Rankings that nobody trained, beside which methods stand: popularity, and the oracles of a simulated world."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from torch import Tensor

from graphrec.data.split import Split
from graphrec.evaluation.popularity import popularity
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.result_sets import TRUTH_PARTS
from graphrec.evaluation.truth import BYTES_A_SCORE, evaluate_by_truth, oracles
from graphrec.simulation.truth import ORACLES, Truth

POPULARITY, ORACLE = "popularity (clicks)", "oracle: "
"""What popularity is called, and how the name of every oracle begins."""
Score = Callable[[Tensor], Tensor]
"""`[b]` users to `[b, I]` scores."""


@dataclass(frozen=True)
class Baseline:
    """One of them, judged.

    Args:
        name: what its row is called.
        about: what it ranks by.
        per_user: by part, the metrics of each user, as `Run.per_user` gives them.
        competes: whether it is tested against the methods; an oracle, which knows the truth, is not.
    """

    name: str
    about: str
    per_user: Mapping[str, pd.DataFrame]
    competes: bool = True


def baseline_scores(
    split: Split, truth: Truth | None, target: str, called: Sequence[str] | None = None
) -> dict[str, Score]:
    """By name what each ranks by.

    Popularity comes first and, where the truth is known, the observational and the interventional oracle after it.

    Args:
        called: what the two oracles are called; by default what they rank by.
    """
    scores: dict[str, Score] = {POPULARITY: popularity(split.train_pairs("click"), split.dataset.num_items)}
    if truth is not None:
        names = called or [f"{ORACLE}{name}" for name in ORACLES[target]]
        scores |= dict(zip(names, oracles(truth, target), strict=True))
    return scores


def by_truth(score: Score, split: Split, truth: Truth, target: str) -> pd.DataFrame:
    """A baseline judged by the truth; see `evaluate_by_truth`."""
    size = BYTES_A_SCORE * split.dataset.num_items
    return evaluate_by_truth(score, truth, split.train_pairs("click"), bytes_per_user=size, target=target)


def baselines(split: Split, truth: Truth | None, target: str, cutoffs: tuple[int, ...], ledger: Path) -> list[Baseline]:
    """All of them, judged on the held-out likes and, where it is known, by the truth; opens the test part."""
    dataset, found = split.dataset, []
    positives = split.open_test("benchmark baselines", ledger)
    for name, score in baseline_scores(split, truth, target).items():
        per_user = {
            "test": evaluate(
                score,
                positives,
                split.train_pairs("click"),
                num_users=dataset.num_users,
                bytes_per_user=BYTES_A_SCORE * dataset.num_items,
                cutoffs=cutoffs,
            )
        }
        if truth is not None:
            per_user[TRUTH_PARTS[target]] = by_truth(score, split, truth, target)
        kept = {part: table.assign(user=dataset.user_ids[table["user"]]) for part, table in per_user.items()}
        popular = name == POPULARITY
        about = "clicks of the training part" if popular else "the simulated world's own; in no test"
        found.append(Baseline(name, about, kept, competes=popular))
    return found
