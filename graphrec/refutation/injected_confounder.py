"""An injected confounder of known strength: some items are marked, and their likes raised in training alone."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from graphrec.causal import Estimand, Observational
from graphrec.data.split import Split
from graphrec.refutation.alterations import mark_items, raise_likes
from graphrec.refutation.base import RefutationCheck, refutation_checks
from graphrec.refutation.experiment import RefutationExperiment
from graphrec.refutation.results import CheckResult, Figure

SHARE = 0.1
STRENGTHS = (0.25, 0.5)


@refutation_checks.register("injected_confounder")
class InjectedConfounder(RefutationCheck):
    """Marks a tenth of the items in the exposure features, raises their training likes, and retrains.

    A click of a marked item that was no like becomes one with probability p. What is measured is the share of marked
    items in the lists, above that at p = 0, where the mark is there and means nothing.

    >>> (check,) = gr.refute(run, checks=["injected_confounder"], epochs=1).checks
    >>> [figure.label for figure in check.figures][:2]
    ['share of marked items, HCR, p = 0', 'share of marked items, observational, p = 0']
    """

    expectation = (
        "lists fewer additional marked items under its causal estimand than the observational score does, when likes "
        "of marked items are raised in training"
    )

    def run(self, experiment: RefutationExperiment) -> CheckResult:
        split = experiment.split
        features = split.dataset.features
        exposure = tuple(
            name
            for name, feature in features.items()
            if split.dataset.roles.get(name) == "exposure" and not feature.is_categorical
        )
        if all(
            "like" not in (objective.label, objective.population)
            for objective in experiment.run.model.decoder.objectives()
        ):
            return self.not_applicable("the decoder learns from clicks alone, so raised likes do not reach it")
        if split.dataset.single_behaviour:
            return self.not_applicable("every click is a like, so no like can be raised")
        if not exposure:
            return self.not_applicable("no picture, vector or text is seen before the click, so no mark would show")
        marked = np.zeros(split.dataset.num_items, dtype=bool)
        chosen = experiment.random(self.name, "items").permutation(split.dataset.num_items)
        marked[chosen[: max(1, round(SHARE * len(marked)))]] = True
        plain = mark_items(split, exposure, marked, experiment.random(self.name, "mark"))
        name, estimand = experiment.first_variant
        scores: dict[str, Estimand] = {name: estimand}
        if experiment.has_causal_step:
            scores["observational"] = Observational()
        shares = {p: self._shares(experiment, plain, marked, p, scores) for p in (0.0, *STRENGTHS)}
        figures = [Figure.mean(f"share of marked items, {score}, p = 0", shares[0.0][score]) for score in scores]
        for p in STRENGTHS:
            rises = {score: shares[p][score] - shares[0.0][score] for score in scores}
            figures += [Figure.mean(f"rise, {score}, p = {p:g}", rise) for score, rise in rises.items()]
        if not experiment.has_causal_step:
            return self.result(figures, None, f"{name} has no causal step: its rise is what such a step would remove.")
        # After the loop `p` and `rises` are those of the greatest strength, which decides. The last figure is then
        # the rise of the observational score, as it is the last of `scores`.
        risen, less = (
            figures[-1],
            Figure.mean(f"rise, observational - {name}, p = {p:g}", rises["observational"] - rises[name]),
        )
        figures.append(less)
        if not risen.above_zero:
            return self.result(figures, None, "The observational score does not rise: there was nothing to remove.")
        if less.above_zero:
            verdict = f"{name} takes up less of the confounder than the observational score."
        else:
            verdict = f"{name} does not take up clearly less of the confounder than the observational score."
        return self.result(figures, less.above_zero, verdict)

    def _shares(
        self, experiment: RefutationExperiment, plain: Split, marked: np.ndarray, p: float, scores: dict[str, Estimand]
    ) -> dict[str, np.ndarray]:
        """By score the share of marked items in each user's list, after training with strength p."""
        # The generator starts again for every p, so that the likes of a smaller p are among those of a larger.
        altered = raise_likes(plain, marked, p, experiment.random(self.name, "likes"))
        model = experiment.retrain(f"marked items liked more, p = {p:g}", altered)
        seen = plain.train_pairs("click")
        return {
            name: _share(experiment.lists(model.scorer(estimand), seen), marked) for name, estimand in scores.items()
        }


def _share(lists: sparse.csr_array, marked: np.ndarray) -> np.ndarray:
    return (lists @ marked.astype(float)) / np.maximum(lists.sum(1), 1)
