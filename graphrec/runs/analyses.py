"""Analyses of a run besides its ranking metrics, each with a result set of its own in the run's results.

    by_activity    `active`, `less_active`            the test metrics of each group of users
    by_time        `time_1` to `time_4`, `time_drop`  metrics on each quarter of the held-out likes, and their drop
    by_like_ratio  `high_ratio`, `low_ratio`          normalised recall in each group of items
    of_lists       `lists`                            what all users' lists are made of; opens no held-out split
    off_policy     `off_policy`                       the lists' value by likes of what was shown at random

Each returns what `Run.evaluate` returns, with `result_set` in front; `compare` takes the result set's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from graphrec.causal import CausalGraph, Estimand
from graphrec.data.exposures import Exposures, randomised_exposures
from graphrec.errors import DataError
from graphrec.evaluation.beyond_accuracy import describe_lists
from graphrec.evaluation.list_length import candidates, warn_of_long_lists
from graphrec.evaluation.off_policy import off_policy_values
from graphrec.evaluation.ranking import evaluate_sets
from graphrec.evaluation.result_sets import ACTIVITY, DROP, LISTS, OFF_POLICY, RATIOS, SLICES, SUBSETS
from graphrec.evaluation.scorer import Scorer
from graphrec.evaluation.slices import active_users, drop, high_ratio_items, like_times, normalised_recall, time_subsets
from graphrec.runs.build import load_data
from graphrec.runs.files import LEDGER
from graphrec.runs.run import Run

Estimands = Sequence[str | Estimand]


def by_activity(run: Run, estimands: Estimands = ()) -> pd.DataFrame:
    """The test metrics averaged over active users and over the others; see `evaluation.slices`.

    Raises:
        RunError: an estimand was not evaluated on the test split yet.

    >>> _ = run.evaluate(["observational"])
    >>> by_activity(run, ["observational"])["result_set"].tolist()
    ['active', 'less_active']
    """
    # By training clicks alone: nothing that is held out decides who is active.
    active = active_users(run.train_interactions, len(run.user_ids), run.recipe.evaluation.active_share)
    rows = []
    for name, estimand in run.choose(estimands).items():
        per_user = run.results["test", estimand].per_user
        # The stored table has external ids, and `results.add` takes row numbers.
        numbers = pd.Index(run.user_ids).get_indexer(per_user["user"])
        for result_set, chosen in zip(ACTIVITY, (active[numbers], ~active[numbers])):
            table = per_user.assign(user=numbers)[chosen].reset_index(drop=True)
            rows.append({"result_set": result_set, **run.results.add(result_set, name, estimand, table).row()})
    return _by_part(rows)


def by_time(run: Run, estimands: Estimands = (), *, causal_graph: CausalGraph | None = None) -> pd.DataFrame:
    """Metrics on the four subsets of the held-out likes in order of time, and their drop; opens the test split.

    The drop of a metric is 1 - the mean of its means on subsets 2, 3 and 4 / its mean on subset 1.

    Raises:
        DataError: the data has no times, or no user has four held-out likes.

    The data of this run is too small for it:

    >>> by_time(run, ["observational"])
    Traceback (most recent call last):
    graphrec.errors.DataError: no user's held-out likes can be divided by time
      expected: a user with 4 held-out likes or more
      got: at most 2
      next step: use a split that holds out more likes
    """
    # Scorers come first: an estimand that is not identified is refused while the test split is closed.
    scorers = _scorers(run, estimands, causal_graph)
    # The split's own dataset has the training events alone. The times of the held-out likes are in the whole one.
    split, dataset = run.split(), load_data(run.recipe)
    like_times(dataset, split, split.valid)  # a dataset without times is refused before the test split is opened
    held = np.concatenate([split.valid, split.open_test("evaluate by time", run.folder / LEDGER)])
    subsets = time_subsets(held, like_times(dataset, split, held))
    evaluation, rows = run.recipe.evaluation, []
    _warn_of_long_lists(run, held)
    for name, (estimand, scorer) in scorers.items():
        tables = evaluate_sets(scorer, subsets, split.train_pairs("click"), evaluation.k, evaluation.metrics)
        for result_set, table in zip((*SUBSETS, DROP), (*tables, drop(tables))):
            rows.append({"result_set": result_set, **run.results.add(result_set, name, estimand, table).row()})
    return _by_part(rows)


def by_like_ratio(run: Run, estimands: Estimands = (), *, causal_graph: CausalGraph | None = None) -> pd.DataFrame:
    """Normalised recall on items with a high like/click ratio and on the others; opens the test split.

    Raises:
        DataError: every click of the data is a like.

    >>> table = by_like_ratio(run, ["observational"])
    >>> table[["result_set", "method"]].values.tolist()
    [['high_ratio', 'HCR-T'], ['low_ratio', 'HCR-T']]
    """
    scorers = _scorers(run, estimands, causal_graph)
    split = run.split()
    if split.dataset.single_behaviour:
        raise DataError(
            "items have no like/click ratio",
            expected="likes that are not all of the clicks",
            got=f"dataset `{split.dataset.name}`, in which every click is a like",
        )
    clicks = split.train_pairs("click")
    high = high_ratio_items(clicks, split.train_pairs("like"), split.dataset.num_items)
    test = split.open_test("evaluate by like/click ratio", run.folder / LEDGER)
    evaluation, rows = run.recipe.evaluation, []
    _warn_of_long_lists(run, test)
    for name, (estimand, scorer) in scorers.items():
        tables = normalised_recall(scorer, test, clicks, high, evaluation.k, evaluation.metrics)
        for result_set, table in zip(RATIOS, tables):
            rows.append({"result_set": result_set, **run.results.add(result_set, name, estimand, table).row()})
    return _by_part(rows)


def of_lists(run: Run, estimands: Estimands = (), *, causal_graph: CausalGraph | None = None) -> pd.DataFrame:
    """Coverage, popularity and intra-list similarity of all users' lists; see `evaluation.beyond_accuracy`.

    >>> table = of_lists(run, ["observational"])
    >>> table["result_set"].tolist(), ("lists", "observational") in run.results
    (['lists'], True)
    """
    scorers = _scorers(run, estimands, causal_graph)
    dataset = run.split().dataset
    evaluation, rows = run.recipe.evaluation, []
    for name, (estimand, scorer) in scorers.items():
        table, whole = describe_lists(
            scorer, run.train_interactions, dataset.features, evaluation.k, evaluation.metrics
        )
        rows.append({"result_set": LISTS, **run.results.add(LISTS, name, estimand, table, whole).row()})
    return pd.DataFrame(rows)


def off_policy(run: Run, estimands: Estimands = (), *, causal_graph: CausalGraph | None = None) -> pd.DataFrame:
    """IPS, SNIPS and DR estimates of the lists' value; see `evaluation.off_policy`. Opens the test split.

    Raises:
        DataError: the data marks no events as exposed at random, or the run's split does not hold them out.

    >>> off_policy(run)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.DataError: no split of the dataset is marked as exposed at random...
    """
    scorers = _scorers(run, estimands, causal_graph)
    # Data without such events is refused here, while the test split is closed.
    exposures = shown_at_random(run)
    # The likes behind `exposures` were read from the whole dataset. This call writes the opening into the ledger.
    run.split().open_test("evaluate off-policy", run.folder / LEDGER)
    evaluation, rows = run.recipe.evaluation, []
    for name, (estimand, scorer) in scorers.items():
        table = off_policy_values(scorer, exposures, evaluation.k, evaluation.metrics)
        rows.append({"result_set": OFF_POLICY, **run.results.add(OFF_POLICY, name, estimand, table).row()})
    return pd.DataFrame(rows)


def shown_at_random(run: Run) -> Exposures:
    """The exposures behind `off_policy`; a way to ask for them before the test split is opened.

    Raises:
        DataError: as `off_policy`.

    >>> shown_at_random(run)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    graphrec.errors.DataError: no split of the dataset is marked as exposed at random...
    """
    return randomised_exposures(load_data(run.recipe), run.split())


def _scorers(run: Run, estimands: Estimands, causal_graph: CausalGraph | None) -> dict[str, tuple[Estimand, Scorer]]:
    return {
        name: (estimand, run.model.scorer(estimand, causal_graph)) for name, estimand in run.choose(estimands).items()
    }


def _warn_of_long_lists(run: Run, positives: np.ndarray) -> None:
    """Warn for the users who have one of the `[n, 2]` positives."""
    counts = candidates(run.train_interactions, len(run.item_ids), positives[:, 0])
    warn_of_long_lists(run.recipe.evaluation.k, counts)


def _by_part(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows sorted by result set, within each the estimands in their order."""
    return pd.DataFrame(sorted(rows, key=lambda row: SLICES.index(row["result_set"])))
