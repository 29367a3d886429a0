"""Several runs in one table, and the tests of every pair of its rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from graphrec.arguments import choice_argument, items_argument, require_type
from graphrec.errors import Argument, RunError
from graphrec.evaluation.metrics import ABOUT_USERS, better
from graphrec.evaluation.result_sets import ACTIVITY, EVALUATE_ARGUMENTS, evaluation_of
from graphrec.evaluation.significance import pair_tests
from graphrec.evaluation.summary import summarise, table_row
from graphrec.runs.results import Summary
from graphrec.runs.run import Run

RUNS = "runs, such as [Run('runs/hcr')]"


@dataclass(frozen=True)
class RunComparison:
    """A result table, and tests whose `first` and `second` are its row numbers; see `evaluation.significance`.

    >>> _ = run.evaluate(split="valid")
    >>> comparison = compare_runs([run], "valid")
    >>> len(comparison.table), sorted(comparison.tests["metric"].unique())[:2]
    (4, ['hr@10', 'map@10'])
    """

    table: pd.DataFrame
    tests: pd.DataFrame


def compare(runs: Sequence[Run], result_set: str = "test") -> pd.DataFrame:
    """One table over runs that were evaluated on the same held-out pairs.

    >>> _ = run.evaluate(split="valid")
    >>> sorted(gr.compare([run], "valid")["method"])
    ['HCR', 'HCR-S1', 'HCR-S2', 'HCR-T']

    Args:
        runs: trained on the same split, each named once.
        result_set: `test`, `valid`, or another that all runs were evaluated on, such as `truth` or `lists`; see
            `graphrec.evaluation.result_sets`.

    Returns:
        The rows of each run's `evaluate`, with `run` in front.

    Raises:
        RunError: a run was not evaluated, or the runs do not share their split.
    """
    choice_argument("result set", result_set, EVALUATE_ARGUMENTS, Argument("result_set"))
    runs = items_argument("runs", runs, RUNS)
    if not runs:
        raise RunError("nothing to compare", expected="at least one run", got="none", where=Argument("runs"))
    for run in runs:
        require_type("runs", run, Run, RUNS)
    require_one_split(runs)
    # Resolved, because one folder may be spelled in two ways.
    twice = [run.folder for run in runs if sum(run.folder.resolve() == other.folder.resolve() for other in runs) > 1]
    if twice:
        raise RunError("a run is named twice", expected="each run once", got=twice[0], next_step="drop one of them")
    rows = []
    for name, run in zip(run_labels(runs), runs):
        results = run.results.by_estimand(result_set).values()
        if not results:
            raise RunError(
                f"not evaluated on {result_set} yet",
                where=run.folder,
                next_step=evaluation_of(result_set, run.folder),
            )
        if result_set in ACTIVITY and run.recipe.evaluation.active_share != runs[0].recipe.evaluation.active_share:
            raise RunError(
                "the runs' active users are not the same",
                expected=f"evaluation.active_share {runs[0].recipe.evaluation.active_share} in all",
                got=run.recipe.evaluation.active_share,
                where=run.folder,
                next_step="train and evaluate them with the same active_share",
            )
        rows += [{"run": name, **result.row()} for result in results]
    return pd.DataFrame(rows)


def require_one_split(runs: Sequence[Run]) -> None:
    """Refuse runs that were not trained and held out alike.

    Raises:
        RunError: they do not share their split.

    >>> from types import SimpleNamespace
    >>> hcr, ct = (SimpleNamespace(folder=f"runs/{seed}", manifest={"split_hash": str(seed) * 64}) for seed in (0, 1))
    >>> require_one_split([hcr, hcr])
    >>> require_one_split([hcr, ct])
    Traceback (most recent call last):
    graphrec.errors.RunError: the runs cannot be compared: they were trained on different splits or data
      expected: the same split for all
      got: runs/0: split 000000000000, runs/1: split 111111111111
      next step: train them on the same prepared data with the same [data] and [split]
    """
    if len({run.manifest["split_hash"] for run in runs}) > 1:
        raise RunError(
            "the runs cannot be compared: they were trained on different splits or data",
            expected="the same split for all",
            got=", ".join(f"{run.folder}: split {run.manifest['split_hash'][:12]}" for run in runs),
            next_step="train them on the same prepared data with the same [data] and [split]",
        )


def run_labels(runs: Sequence[Run]) -> list[str]:
    """The name of each run in tables: its own, or its folder where two have the same.

    >>> from types import SimpleNamespace
    >>> first, second = (SimpleNamespace(name="HCR", folder=f"runs/seed-{seed}") for seed in (0, 1))
    >>> run_labels([first]), run_labels([first, second])
    (['HCR'], ['runs/seed-0', 'runs/seed-1'])
    """
    names = [run.name for run in runs]
    return [run.name if names.count(run.name) == 1 else str(run.folder) for run in runs]


def compare_runs(runs: Sequence[Run], result_set: str = "test", *, replicates: bool = False) -> RunComparison:
    """The table of `compare` and the paired tests of its rows.

    Args:
        runs: evaluated on `result_set`, and trained on the same split.
        result_set: what was evaluated.
        replicates: runs whose recipes differ in the seed (and the name) alone become one row, with their number in
            `seeds`; intervals and tests are then over users and seeds.

    Raises:
        RunError: as `compare`; with `replicates`, methods have different numbers of seeds, or a run of a method
            was not evaluated under all its estimands.

    >>> _ = run.evaluate(["observational", "front_door"], split="valid")
    >>> tests = compare_runs([run], "valid").tests
    >>> list(tests.columns[:7])
    ['metric', 'first', 'second', 'difference', 'low', 'high', 'users']
    """
    table = compare(runs, result_set)
    if not replicates:
        tables = [[result.per_user] for run in runs for result in run.results.by_estimand(result_set).values()]
        return RunComparison(table, paired_tests(dict(enumerate(tables))))
    rows, tables, trainings = [], [], []
    for same in by_recipe(runs):
        for result in same[0].results.by_estimand(result_set).values():
            of_seeds = [run.results[result.key] for run in same]
            tables.append([seed.per_user for seed in of_seeds])
            # The folder of any seed would do: it only marks the rows that share a training.
            trainings.append(same[0].folder)
            summary = summarise_seeds([seed.metrics for seed in of_seeds], tables[-1])
            row = table_row(result.method, result.estimand, summary)
            rows.append({"run": same[0].name, "seeds": len(same), **row})
    return RunComparison(pd.DataFrame(rows), paired_tests(dict(enumerate(tables)), dict(enumerate(trainings))))


def summarise_seeds(summaries: Sequence[Summary], tables: Sequence[pd.DataFrame]) -> dict[str, dict[str, float]]:
    """The metrics of one estimand over seeds.

    Args:
        summaries: the `metrics` of the result of each seed. A metric that no single user has, such as coverage, becomes
            a mean without an interval.
        tables: the per-user tables of the seeds.

    >>> tables = [pd.DataFrame({"user": ["a", "b"], "recall@5": values}) for values in ([0.0, 1.0], [0.5, 1.0])]
    >>> summaries = [summarise(table) | {"coverage@5": {"mean": share}} for table, share in zip(tables, (0.2, 0.4))]
    >>> summary = summarise_seeds(summaries, tables)
    >>> summary["recall@5"]["mean"], round(summary["coverage@5"]["mean"], 3)
    (0.625, 0.3)
    """
    first = {metric: dict(value) for metric, value in summaries[0].items()}
    if len(summaries) == 1:
        return first
    over_users = summarise(*tables)
    of_lists = {
        metric: value | {"mean": sum(summary[metric]["mean"] for summary in summaries) / len(summaries)}
        for metric, value in first.items()
        if metric not in over_users
    }
    return over_users | of_lists


def paired_tests(
    per_user: Mapping[int, Sequence[pd.DataFrame]], trainings: Mapping[int, Hashable] | None = None
) -> pd.DataFrame:
    """`pair_tests` on per-user tables, over the users that all tables have.

    Where values nearer 0 are better, those of a row with a negative mean change their sign: a difference is then one of
    distances from 0.

    Args:
        per_user: by row number, a table for each seed; a single table where the method has no seed, as popularity.
        trainings: by row number, what was trained. Rows with an equal value are estimands of the same training, and are
            paired by seed. A row without a value shares its training with no other.

    >>> first = pd.DataFrame({"user": list("abcdefgh"), "recall@5": [0.5] * 8})
    >>> second = pd.DataFrame({"user": list("hgfedcba"), "recall@5": [0.25] * 8})
    >>> tests = paired_tests({0: [first], 3: [second]})
    >>> tests[["metric", "first", "second", "difference", "users"]].values.tolist()
    [['recall@5', 0, 3, 0.25, 8]]
    """
    seeds = max(map(len, per_user.values()), default=1)
    by_user = {row: [table.set_index("user") for table in tables] for row, tables in per_user.items()}
    users: pd.Index | None = None
    for table in (table for tables in by_user.values() for table in tables):
        users = table.index if users is None else users.intersection(table.index, sort=False)
    metrics = dict.fromkeys(
        column for tables in by_user.values() for column in tables[0].columns if column not in ABOUT_USERS
    )
    values = {}
    for metric in metrics:
        stacked = [
            # A table without the metric gives NaN for all of its users.
            np.stack([table.reindex(users, columns=[metric])[metric].to_numpy(dtype=float) for table in tables])
            for tables in by_user.values()
        ]
        # A method without a seed has the same values in each training of the others.
        rows = np.stack([np.broadcast_to(row, (seeds, row.shape[1])) for row in stacked])
        if better(metric) == "nearer 0":
            # A 0 in place of a missing value changes the size of the mean, but not its sign.
            rows = rows * np.where(np.nan_to_num(rows).mean((1, 2), keepdims=True) < 0, -1.0, 1.0)
        values[metric] = rows
    numbers = np.array(list(by_user), dtype=int)
    trained = trainings or {}
    # The tags keep a row number from being equal to a value of `trainings`.
    tests = pair_tests(values, [("of", trained[row]) if row in trained else ("row", row) for row in by_user])
    return tests.assign(**{key: numbers[tests[key].astype(int)] for key in ("first", "second")})


def named(names: Sequence[str], tests: pd.DataFrame) -> pd.DataFrame:
    """The tests with the rows' names in place of their numbers.

    >>> named(["HCR", "CT"], pd.DataFrame({"first": [0], "second": [1], "p": [0.03]})).values.tolist()
    [['HCR', 'CT', 0.03]]
    """
    return tests.assign(**{key: [names[row] for row in tests[key]] for key in ("first", "second")})


def by_recipe(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs of each method: those whose recipes differ in the seed (and the name) alone.

    The path of their data does not matter, only whether it is the same data.

    Raises:
        RunError: methods have different numbers of seeds, or two runs of a method have the same seed.

    >>> [[same.name for same in method] for method in by_recipe([run])]
    [['hcr']]
    """
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        recipe = run.recipe.with_data_at("").model_copy(update={"seed": 0, "name": ""})
        # A recipe holds dicts, so it cannot be a key itself.
        groups.setdefault((recipe.to_toml(), run.manifest["dataset_fingerprint"]), []).append(run)
    methods = list(groups.values())
    require_as_many_seeds(methods)
    twice = [same for same in methods if len({run.recipe.seed for run in same}) < len(same)]
    if twice:
        raise RunError("two runs of a recipe have the same seed", got=", ".join(str(run.folder) for run in twice[0]))
    return methods


def require_as_many_seeds(methods: Sequence[Sequence[Run]]) -> None:
    """Refuse methods that could not be compared over seeds.

    Raises:
        RunError: they have different numbers of seeds.

    >>> from types import SimpleNamespace
    >>> hcr, ct = (SimpleNamespace(name=name) for name in ("HCR", "CT"))
    >>> require_as_many_seeds([[hcr, hcr], [ct]])
    Traceback (most recent call last):
    graphrec.errors.RunError: the methods have different numbers of seeds
      expected: as many runs of each recipe
      got: 2 of HCR, 1 of CT
      next step: train the missing seeds, or compare the runs without replicates
    """
    if len({len(same) for same in methods}) > 1:
        raise RunError(
            "the methods have different numbers of seeds",
            expected="as many runs of each recipe",
            got=", ".join(f"{len(same)} of {same[0].name}" for same in methods),
            next_step="train the missing seeds, or compare the runs without replicates",
        )
