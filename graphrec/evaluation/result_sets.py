"""What a trained model can be judged on: the names that its results are kept under, and the command that finds each."""

from __future__ import annotations

HELD_OUT = ("test", "valid")
TRUTH_PARTS = {"like": "truth", "satisfaction": "satisfaction"}
"""What a simulated world's truth gave is kept as this part, by target."""
ACTIVITY, RATIOS = ("active", "less_active"), ("high_ratio", "low_ratio")
SUBSETS, DROP = ("time_1", "time_2", "time_3", "time_4"), "time_drop"
SLICES = (*ACTIVITY, *SUBSETS, DROP, *RATIOS)
"""What is found together, on the test part alone."""
LISTS, OFF_POLICY = "lists", "off_policy"
EVALUATE_OPTIONS = {
    "test": "",
    "valid": " --part valid",
    "truth": " --truth WORLD",
    "satisfaction": " --truth WORLD --target satisfaction",
    **dict.fromkeys(SLICES, " --slices"),
    LISTS: " --lists",
    OFF_POLICY: " --off-policy",
}
"""What `graphrec evaluate` takes to find each part."""


def evaluated_sets(truth: bool, target: str) -> tuple[str, ...]:
    """What a benchmark judges on: the held-out likes and, where it is known, the truth of the simulated world."""
    return ("test", TRUTH_PARTS[target]) if truth else ("test",)
