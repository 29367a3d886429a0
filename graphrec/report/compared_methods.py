"""How the methods of a page compare: a row a method and estimand over its seeds, and the tests of all pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from graphrec.errors import Call, Phrase, RunError
from graphrec.evaluation.baselines import Baseline
from graphrec.evaluation.summary import summarise, table_row
from graphrec.report.primitives.tables import row_names
from graphrec.report.trained_method import TrainedMethod
from graphrec.runs.compare import RunComparison, compare, paired_tests, summarise_seeds
from graphrec.runs.results import EvaluationResult


@dataclass(frozen=True)
class MethodRows:
    """A row a method and estimand.

    Args:
        table: as `compare` gives it, with `run`, the method's name on the page, `row`, a name unique to the row, and
            `variant`, the decoder's name of the estimand.
        per_user: for each row the per-user table of each seed.

    >>> from graphrec.testing.small_run import small_page
    >>> rows = method_rows(small_page().methods, "test")
    >>> rows.table[["run", "row", "variant", "estimand"]].to_numpy().tolist()
    [['ct', 'CT', 'CT', 'observational']]
    >>> [len(per_user) for per_user in rows.per_user]  # one seed
    [1]
    """

    table: pd.DataFrame
    per_user: list[list[pd.DataFrame]]


def compare_methods(
    methods: Sequence[TrainedMethod], result_set: str, baselines: Sequence[Baseline] = ()
) -> RunComparison:
    """The rows of all methods that are compared, and their tests.

    Args:
        result_set: a split, or another result set of the runs.
        baselines: their rows come first, where they were evaluated on the result set; those that compete are in the
            tests.

    Raises:
        RunError: as `method_rows`.

    >>> from graphrec.testing.small_run import small_page
    >>> comparison = compare_methods(small_page().methods, "test")
    >>> comparison.table["row"].tolist(), len(comparison.tests)  # a row alone has no other to be tested against
    (['CT'], 0)
    """
    rows = method_rows(methods, result_set)
    table, trainings = rows.table, rows.table["run"].tolist()
    shown = [baseline for baseline in baselines if result_set in baseline.per_user]
    if shown:
        table = pd.concat(
            [pd.DataFrame([_baseline_row(baseline, result_set) for baseline in shown]), table], ignore_index=True
        )
    tested = {number: [baseline.per_user[result_set]] for number, baseline in enumerate(shown) if baseline.competes}
    # The rows of the baselines come first, so the numbers of the methods start behind them.
    tested |= dict(enumerate(rows.per_user, start=len(shown)))
    return RunComparison(table, paired_tests(tested, dict(enumerate(trainings, start=len(shown)))))


def _baseline_row(baseline: Baseline, result_set: str) -> dict[str, Any]:
    """A row as `method_rows` has it; `run` says what the baseline ranks by."""
    name, row = baseline.name, table_row(baseline.name, baseline.name, summarise(baseline.per_user[result_set]))
    return {"run": baseline.about, **row, "variant": name, "row": name}


def methods_in_order(table: pd.DataFrame) -> list[str]:
    """The methods of a comparison, what matters most first: each training's first row before its others.

    >>> methods_in_order(pd.DataFrame({"run": ["a", "a", "b"], "method": ["HCR", "HCR-T", "CT"]}))
    ['HCR', 'CT', 'HCR-T']
    """
    return table.assign(more=table["run"].duplicated()).sort_values("more", kind="stable")["method"].tolist()


def method_rows(methods: Sequence[TrainedMethod], result_set: str, *, all_estimands: bool = False) -> MethodRows:
    """A row a method and estimand, over the method's seeds.

    An estimand under which not all seeds were evaluated is left out.

    Args:
        all_estimands: all, not those alone that are compared.

    Raises:
        RunError: a run was not evaluated on `result_set`, the runs do not share their split, or a method's seeds share
            no estimand that is compared.

    >>> from graphrec.testing.small_run import small_page
    >>> method_rows(small_page().methods, "test").table["method"].tolist()
    ['CT']
    >>> method_rows(small_page().methods, "lists")
    Traceback (most recent call last):
    graphrec.errors.RunError: not evaluated on lists yet
    ...
    """
    compare([run for method in methods for run in method.runs], result_set)  # refuses what cannot be compared
    rows, per_user = [], []
    for method in methods:
        names = None if all_estimands else method.compared
        for results in _shared_results(method, result_set, names):
            name, estimand = results[0].method, results[0].estimand
            per_user.append([result.per_user for result in results])
            summary = summarise_seeds([result.metrics for result in results], per_user[-1])
            row = table_row(name if names is None else names[estimand], estimand, summary)
            rows.append({"run": method.name, **row, "variant": name})
    table = pd.DataFrame(rows)
    return MethodRows(table.assign(row=row_names(table)), per_user)


def _shared_results(
    method: TrainedMethod, result_set: str, names: Mapping[str, str] | None
) -> list[list[EvaluationResult]]:
    """The results under each estimand that is shown and that every seed has, one a run."""
    of_runs = [run.results.by_estimand(result_set) for run in method.runs]
    labels = of_runs[0] if names is None else names
    shared = [[results[text] for results in of_runs] for text in labels if all(text in results for results in of_runs)]
    if not shared:
        raise RunError(
            f"no estimand to show {method.name} under on {result_set}",
            expected="every seed evaluated under " + ("the same" if names is None else ", ".join(names)),
            got="; ".join(", ".join(results) for results in of_runs),
            where=method.first.folder,
            next_step=Phrase("{} for each seed", Call("run.evaluate([estimand])", "evaluate", "RUN", estimands="NAME")),
        )
    return shared
