"""Rankings without training that methods are compared with: popularity, and the oracles of a simulated world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from graphrec.data.split import Split
from graphrec.evaluation.metrics import MetricNames
from graphrec.evaluation.popularity import PopularityScorer
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.result_sets import TRUTH_SETS
from graphrec.evaluation.scorer import Scorer
from graphrec.evaluation.truth import OracleScorer, evaluate_by_truth
from graphrec.simulation.truth import ORACLES, Truth

POPULARITY, ORACLE = "popularity (clicks)", "oracle: "
"""The name of popularity, and how the name of every oracle begins."""


@dataclass(frozen=True)
class Baseline:
    """A baseline that has been evaluated.

    Args:
        name: of its row in tables.
        about: what it ranks by.
        per_user: by result set, the metrics of each user, as the results of a run have them.
        competes: whether it is tested against the methods; an oracle, which knows the truth, is not.

    Example:
        >>> table = pd.DataFrame({"user": ["0"], "recall@10": [0.25]})
        >>> baseline = Baseline(POPULARITY, "clicks of the training split", {"test": table})
        >>> baseline.competes, baseline.per_user["test"]["recall@10"].tolist()
        (True, [0.25])
    """

    name: str
    about: str
    per_user: Mapping[str, pd.DataFrame]
    competes: bool = True


def baseline_scorers(
    split: Split, truth: Truth | None, target: str, oracle_names: Sequence[str] | None = None
) -> dict[str, Scorer]:
    """The baselines' scorers by name.

    Popularity comes first and, where the truth is known, the observational and the interventional oracle after it.

    Args:
        split: gives the training clicks.
        truth: of the simulated world, aligned with the split's ids; None where there is none.
        target: `like` or `satisfaction`.
        oracle_names: of the two oracles; by default what they rank by.

    Example:
        >>> from graphrec.simulation.truth import Truth
        >>> split = run.split()
        >>> list(baseline_scorers(split, None, "like"))
        ['popularity (clicks)']
        >>> truth = Truth.load(Path(raw)).align(split.dataset.user_ids, split.dataset.item_ids)
        >>> list(baseline_scorers(split, truth, "like"))[1:]
        ['oracle: P(like | item)', 'oracle: P(like | do(item))']
    """
    dataset = split.dataset
    popularity = PopularityScorer(split.train_pairs("click"), dataset.num_users, dataset.num_items)
    scorers: dict[str, Scorer] = {POPULARITY: popularity}
    if truth is not None:
        names = oracle_names or [f"{ORACLE}{name}" for name in ORACLES[target]]
        oracles = [OracleScorer(truth, target, causal=causal) for causal in (False, True)]
        scorers |= dict(zip(names, oracles, strict=True))
    return scorers


def baselines(
    split: Split, truth: Truth | None, target: str, cutoffs: tuple[int, ...], ledger: Path, metrics: MetricNames = None
) -> list[Baseline]:
    """All baselines, evaluated on the held-out likes and, where it is known, by the truth. Opens the test split.

    Args:
        split, truth, target: as for `baseline_scorers`.
        cutoffs, metrics: as for `evaluate`.
        ledger: the file that records the opening of the test split.

    Example:
        >>> (popularity,) = baselines(run.split(), None, "like", (10,), Path("ledger.jsonl"), ["recall"])
        >>> popularity.name, list(popularity.per_user["test"].columns)
        ('popularity (clicks)', ['user', 'positives', 'recall@10'])
        >>> Path("ledger.jsonl").is_file()
        True
    """
    dataset, evaluated = split.dataset, []
    positives = split.open_test("benchmark baselines", ledger)
    excluded = split.train_pairs("click")
    for name, scorer in baseline_scorers(split, truth, target).items():
        per_user = {"test": evaluate(scorer, positives, excluded, cutoffs, metrics)}
        if truth is not None:
            per_user[TRUTH_SETS[target]] = evaluate_by_truth(scorer, truth, excluded, target=target, metrics=metrics)
        with_ids = {
            result_set: table.assign(user=dataset.user_ids[table["user"]]) for result_set, table in per_user.items()
        }
        popular = name == POPULARITY
        about = "clicks of the training split" if popular else "the simulated world's own; in no test"
        evaluated.append(Baseline(name, about, with_ids, competes=popular))
    return evaluated
