"""Placebo modality: what an item looks like is dealt out to the items at random."""

from __future__ import annotations

from graphrec.refutation.alterations import shuffle_modality
from graphrec.refutation.base import RefutationCheck, refutation_checks
from graphrec.refutation.experiment import RefutationExperiment
from graphrec.refutation.results import CheckResult, Figure
from graphrec.runs.build import context_of


@refutation_checks.register("placebo_modality")
class PlaceboModality(RefutationCheck):
    """Shuffles each exposure modality over the items (all, if none is seen before the click) and retrains.

    >>> (check,) = gr.refute(run, checks=["placebo_modality"], epochs=1).checks
    >>> check.figures[0].label
    'textual: NDCG@10 of HCR, real - placebo'
    """

    expectation = (
        "ranks worse once a modality is shuffled over the items; if that does not show, neither does any use of the "
        "modality, and a claim about it rests on nothing that was measured"
    )

    def run(self, experiment: RefutationExperiment) -> CheckResult:
        split, model = experiment.split, experiment.unaltered_model
        context = context_of(split, experiment.recipe.backbone_config().embedding_size)
        modalities = context.exposure or context.content
        if not modalities:
            return self.not_applicable("the data has no item features")
        name, estimand = experiment.first_variant
        seen = split.train_pairs("click")
        real = experiment.ndcg(model.scorer(estimand), split.valid, seen)
        figures: list[Figure] = []
        used: list[str] = []
        unused: list[str] = []
        for modality in modalities:
            altered = shuffle_modality(split, modality, experiment.random(self.name, modality))
            placebo = experiment.retrain(f"{modality} shuffled over the items", altered)
            loss = real - experiment.ndcg(placebo.scorer(estimand), split.valid, seen)
            figures.append(Figure.mean(f"{modality}: NDCG@{experiment.k} of {name}, real - placebo", loss))
            (used if figures[-1].above_zero else unused).append(modality)
            for which, trained in (("real", model), ("placebo", placebo)):
                spread = experiment.spread_through(trained, modality)
                if spread is not None:
                    figures.append(Figure.mean(f"{modality}: share of the ranking's spread, {which}", spread))
        sentences = [f"Uses {', '.join(used)}."] if used else []
        if unused:
            sentences.append(
                f"No use of {', '.join(unused)} shows: a claim about it rests on nothing that was measured."
            )
        return self.result(figures, not unused, " ".join(sentences))
