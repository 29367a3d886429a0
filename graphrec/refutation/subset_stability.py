"""Subset stability: the same recipe on random subsets of each user's clicks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from scipy import sparse

from graphrec.causal import Observational
from graphrec.refutation.alterations import keep_share
from graphrec.refutation.base import RefutationCheck, refutation_checks
from graphrec.refutation.experiment import RefutationExperiment
from graphrec.refutation.results import CheckResult, Figure

SHARE = 0.8


@refutation_checks.register("subset_stability")
class SubsetStability(RefutationCheck):
    """Retrains with other seeds on random 80 % of each user's clicks; compares lists and the causal step's gain.

    The lists leave out all training clicks of the run, dropped ones too, so that all are drawn from the same items.

    >>> (check,) = gr.refute(run, checks=["subset_stability"], seeds=2, epochs=1).checks
    >>> [figure.label for figure in check.figures][:2]
    ['overlap of the top 10 between subsets (Jaccard)', 'NDCG@10, HCR - observational, subset 1']
    """

    expectation = (
        "gives much the same lists on any 80 % of the clicks, and the causal step moves NDCG the same way each time"
    )

    def run(self, experiment: RefutationExperiment) -> CheckResult:
        split, k = experiment.split, experiment.k
        name, estimand = experiment.first_variant
        seen = split.train_pairs("click")
        lists, gains = [], []
        for n in range(1, experiment.seeds + 1):
            altered = keep_share(split, SHARE, experiment.random(self.name, n))
            what = f"{SHARE:.0%} of the clicks, {n} of {experiment.seeds}"
            model = experiment.retrain(what, altered, seed=experiment.recipe.seed + n)
            scorer = model.scorer(estimand)
            lists.append(experiment.lists(scorer, seen))
            if experiment.has_causal_step:
                plain = model.scorer(Observational())
                gain = experiment.ndcg(scorer, split.valid, seen) - experiment.ndcg(plain, split.valid, seen)
                gains.append(Figure.mean(f"NDCG@{k}, {name} - observational, subset {n}", gain))
        overlaps = np.mean([_jaccard(first, second) for first, second in combinations(lists, 2)], axis=0)
        overlap = Figure.mean(f"overlap of the top {k} between subsets (Jaccard)", overlaps)
        if not gains:
            return self.result([overlap], None, f"{name} has no causal step whose gain could change; see the overlap.")
        means = np.array([gain.value for gain in gains])
        figures = [overlap, *gains, Figure("standard deviation of that difference over the subsets", means.std(ddof=1))]
        if not means.any():
            return self.result(figures, None, f"{name} ranks as the observational score does on every subset.")
        return self.result(figures, *_passed_and_verdict(gains))


def _passed_and_verdict(gains: Sequence[Figure]) -> tuple[bool | None, str]:
    """Passed and verdict: a gain whose interval holds zero has no sign."""
    # A difference of truth values: 1 where the interval is above 0, -1 where it is below, else 0.
    signs = {figure.above_zero - figure.below_zero for figure in gains}
    # Two opposite signs decide, even if a third subset shows none.
    if {1, -1} <= signs:
        return False, "The causal step's gain changes its sign."
    if 0 in signs:
        return None, "On some subset the causal step's gain is too small to have a sign; take more users or a larger k."
    return True, f"The causal step {'gains' if signs == {1} else 'loses'} on every subset."


def _jaccard(first: sparse.csr_array, second: sparse.csr_array) -> np.ndarray:
    """Size of the intersection over that of the union, row by row; 1 where both are empty."""
    both = first.multiply(second).sum(1)
    either = first.sum(1) + second.sum(1) - both
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)
