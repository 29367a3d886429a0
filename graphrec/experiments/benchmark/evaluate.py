"""A run evaluated on a result set, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

from graphrec.causal import Estimand
from graphrec.evaluation.result_sets import ACTIVITY, DROP, HELD_OUT, LISTS, OFF_POLICY, RATIOS, SUBSETS, TRUTH_SETS
from graphrec.runs import analyses
from graphrec.runs.run import Run


def evaluate_missing(run: Run, estimands: Iterable[Estimand], result_set: str, truth: Path | None = None) -> None:
    """Evaluate a run on a result set under the estimands that have no results there yet.

    The run's tables do not stay in memory: a benchmark has dozens of runs.

    Args:
        result_set: a key of `EVALUATE_ARGUMENTS`.
        truth: where the result set is the truth's, the simulated world's raw folder.

    Example:
        >>> from graphrec.causal import Observational
        >>> from graphrec.experiments.benchmark import evaluate_missing
        >>> evaluate_missing(run, [Observational()], "valid")
        >>> 0 <= run.results["valid", Observational()].metrics["ndcg@10"]["mean"] <= 1
        True
    """
    results = run.results
    missing = [estimand for estimand in estimands if (result_set, estimand) not in results]
    if not missing:
        return
    targets = {name: target for target, name in TRUTH_SETS.items()}
    if result_set in targets:
        assert truth is not None, "a world's truth is about its own log alone"
        run.evaluate_truth(truth, missing, targets[result_set])
    elif result_set in HELD_OUT:
        run.evaluate(missing, split=result_set, reason="benchmark")
    else:
        if result_set in ACTIVITY:  # these split the users of the test results, which must be there
            evaluate_missing(run, missing, "test")
        _ANALYSES[result_set](run, missing)
    run.release()


_ANALYSES: dict[str, Callable[[Run, Sequence[Estimand]], pd.DataFrame]] = {
    **dict.fromkeys(ACTIVITY, analyses.by_activity),
    **dict.fromkeys((*SUBSETS, DROP), analyses.by_time),
    **dict.fromkeys(RATIOS, analyses.by_like_ratio),
    LISTS: analyses.of_lists,
    OFF_POLICY: analyses.off_policy,
}
