"""Placebo treatment: everybody's training items are exchanged for random ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from graphrec.errors import SplitError
from graphrec.evaluation.popularity import PopularityScorer
from graphrec.refutation.alterations import exchange_items
from graphrec.refutation.base import RefutationCheck, refutation_checks
from graphrec.refutation.experiment import RefutationExperiment
from graphrec.refutation.results import CheckResult, Figure


@refutation_checks.register("placebo_treatment")
class PlaceboTreatment(RefutationCheck):
    """Exchanges every user's training items for random ones, degrees kept, and retrains.

    Early stopping watches one half of the validation users and the other half is measured: the best of many epochs
    would otherwise beat popularity by luck alone.

    >>> (check,) = gr.refute(run, checks=["placebo_treatment"], epochs=1).checks
    >>> [figure.label for figure in check.figures]
    ['NDCG@10 of HCR', 'NDCG@10 of popularity', 'NDCG@10, HCR - popularity']
    """

    expectation = (
        "finds nothing once every user's items are exchanged for random ones: it ranks no better than popularity"
    )

    def run(self, experiment: RefutationExperiment) -> CheckResult:
        split = experiment.split
        users = experiment.random(self.name, "halves").permutation(experiment.users)
        watched = np.isin(split.valid[:, 0], users[: len(users) // 2])
        try:
            altered = exchange_items(split, experiment.random(self.name, "items"))
        except SplitError as error:
            return self.not_applicable(error.problem)
        model = experiment.retrain("training items exchanged", replace(altered, valid=split.valid[watched]))
        name, estimand = experiment.first_variant
        # The lists leave out the exchanged items, which are what this model was trained on.
        measured, seen = split.valid[~watched], altered.train_pairs("click")
        ndcg = experiment.ndcg(model.scorer(estimand), measured, seen)
        dataset = split.dataset
        popular = experiment.ndcg(PopularityScorer(seen, dataset.num_users, dataset.num_items), measured, seen)
        above = Figure.mean(f"NDCG@{experiment.k}, {name} - popularity", ndcg - popular)
        figures = [
            Figure.mean(f"NDCG@{experiment.k} of {name}", ndcg),
            Figure.mean(f"NDCG@{experiment.k} of popularity", popular),
            above,
        ]
        if above.above_zero:
            verdict = "Ranks better than popularity where nothing can be learned of users: something leaks."
        else:
            verdict = "Finds nothing that popularity does not know, as it should."
        return self.result(figures, not above.above_zero, verdict)
