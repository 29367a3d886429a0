"""A run judged on a part of the data, once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

from graphrec.causal import Estimand, label
from graphrec.evaluation.result_sets import ACTIVITY, DROP, HELD_OUT, LISTS, OFF_POLICY, RATIOS, SUBSETS, TRUTH_PARTS
from graphrec.runs import analyses
from graphrec.runs.run import Run


def judge(run: Run, estimands: Iterable[Estimand], part: str, truth: Path | None = None) -> None:
    """Evaluate a run on a part under the estimands for which that was not done yet.

    The run's tables do not stay in memory: a benchmark has dozens of runs.

    Args:
        part: a key of `EVALUATE_ARGUMENTS`.
        truth: where the part is the truth's, the simulated world's raw folder.
    """
    known = run.metrics()
    missing = [one for one in estimands if f"{part}/{label(one)}" not in known]
    if not missing:
        return
    targets = {kept: target for target, kept in TRUTH_PARTS.items()}
    if part in targets:
        assert truth is not None, "a world's truth judges its twin alone"
        run.evaluate_truth(truth, missing, targets[part])
    elif part in HELD_OUT:
        run.evaluate(missing, part=part, reason="benchmark")
    else:
        if part in ACTIVITY:
            judge(run, missing, "test")
        _ANALYSES[part](run, missing)
    run.release()


_ANALYSES: dict[str, Callable[[Run, Sequence[Estimand]], pd.DataFrame]] = {
    **dict.fromkeys(ACTIVITY, analyses.by_activity),
    **dict.fromkeys((*SUBSETS, DROP), analyses.by_time),
    **dict.fromkeys(RATIOS, analyses.by_like_ratio),
    LISTS: analyses.of_lists,
    OFF_POLICY: analyses.off_policy,
}
