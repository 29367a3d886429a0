"""What a trained model can be judged on: the names that its results are kept under, and the command that finds each."""

from __future__ import annotations

from graphrec.errors import Call

HELD_OUT = ("test", "valid")
TRUTH_PARTS = {"like": "truth", "satisfaction": "satisfaction"}
"""What a simulated world's truth gave is kept as this part, by target."""
ACTIVITY, RATIOS = ("active", "less_active"), ("high_ratio", "low_ratio")
SUBSETS, DROP = ("time_1", "time_2", "time_3", "time_4"), "time_drop"
SLICES = (*ACTIVITY, *SUBSETS, DROP, *RATIOS)
"""What is found together, on the test part alone."""
LISTS, OFF_POLICY = "lists", "off_policy"
EVALUATE_ARGUMENTS: dict[str, dict[str, object]] = {
    "test": {},
    "valid": {"part": "valid"},
    "truth": {"truth": "WORLD"},
    "satisfaction": {"truth": "WORLD", "target": "satisfaction"},
    **{name: {"slices": True} for name in SLICES},
    LISTS: {"lists": True},
    OFF_POLICY: {"off_policy": True},
}
"""What `graphrec evaluate` takes to find each part."""

PYTHON_CALLS = {
    "test": "run.evaluate()",
    "valid": "run.evaluate(part='valid')",
    "truth": "run.evaluate_truth('WORLD')",
    "satisfaction": "run.evaluate_truth('WORLD', target='satisfaction')",
    **dict.fromkeys(ACTIVITY, "graphrec.runs.analyses.by_activity(run)"),
    **dict.fromkeys((*SUBSETS, DROP), "graphrec.runs.analyses.by_time(run)"),
    **dict.fromkeys(RATIOS, "graphrec.runs.analyses.by_like_ratio(run)"),
    LISTS: "graphrec.runs.analyses.of_lists(run)",
    OFF_POLICY: "graphrec.runs.analyses.off_policy(run)",
}


def evaluation_of(part: str, folder: object) -> Call:
    """The call that evaluates the run in `folder` on a part.

    >>> print(evaluation_of("valid", "runs/hcr"))
    `run.evaluate(part='valid')`
    """
    return Call(PYTHON_CALLS[part], "evaluate", folder, **EVALUATE_ARGUMENTS[part])


def evaluated_sets(truth: bool, target: str) -> tuple[str, ...]:
    """What a benchmark judges on: the held-out likes and, where it is known, the truth of the simulated world."""
    return ("test", TRUTH_PARTS[target]) if truth else ("test",)
