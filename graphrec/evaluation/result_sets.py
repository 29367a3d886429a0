"""Result sets: what a trained model can be evaluated on, and the call that does it.

A result set has a name, under which a run keeps its results. Two are held-out splits of the data, `test` and `valid`.
The others are made from a simulated world's truth (`truth`, `satisfaction`), from a slice of the held-out likes or of
the users (`active`, `time_1`, `high_ratio`, ...), or from the lists alone (`lists`, `off_policy`).
"""

from __future__ import annotations

from graphrec.errors import Call

HELD_OUT = ("test", "valid")
"""The splits."""
TRUTH_SETS = {"like": "truth", "satisfaction": "satisfaction"}
"""By target, the result set of a simulated world's truth."""
ACTIVITY, RATIOS = ("active", "less_active"), ("high_ratio", "low_ratio")
SUBSETS, DROP = ("time_1", "time_2", "time_3", "time_4"), "time_drop"
SLICES = (*ACTIVITY, *SUBSETS, DROP, *RATIOS)
"""Evaluated together, on the test split alone."""
LISTS, OFF_POLICY = "lists", "off_policy"
EVALUATE_ARGUMENTS: dict[str, dict[str, object]] = {
    "test": {},
    "valid": {"split": "valid"},
    "truth": {"truth": "WORLD"},
    "satisfaction": {"truth": "WORLD", "target": "satisfaction"},
    **{name: {"slices": True} for name in SLICES},
    LISTS: {"lists": True},
    OFF_POLICY: {"off_policy": True},
}
"""By result set, the options of `graphrec evaluate` that evaluate on it."""

PYTHON_CALLS = {
    "test": "run.evaluate()",
    "valid": "run.evaluate(split='valid')",
    "truth": "run.evaluate_truth('WORLD')",
    "satisfaction": "run.evaluate_truth('WORLD', target='satisfaction')",
    **dict.fromkeys(ACTIVITY, "graphrec.runs.analyses.by_activity(run)"),
    **dict.fromkeys((*SUBSETS, DROP), "graphrec.runs.analyses.by_time(run)"),
    **dict.fromkeys(RATIOS, "graphrec.runs.analyses.by_like_ratio(run)"),
    LISTS: "graphrec.runs.analyses.of_lists(run)",
    OFF_POLICY: "graphrec.runs.analyses.off_policy(run)",
}


def evaluation_of(result_set: str, folder: object) -> Call:
    """The call that evaluates the run in `folder` on a result set.

    >>> print(evaluation_of("valid", "runs/hcr"))
    `run.evaluate(split='valid')`
    """
    return Call(PYTHON_CALLS[result_set], "evaluate", folder, **EVALUATE_ARGUMENTS[result_set])


def evaluated_sets(truth: bool, target: str) -> tuple[str, ...]:
    """The result sets of a benchmark: the held-out likes and, where it is known, the truth of the simulated world.

    >>> evaluated_sets(truth=True, target="satisfaction")
    ('test', 'satisfaction')
    """
    return ("test", TRUTH_SETS[target]) if truth else ("test",)
