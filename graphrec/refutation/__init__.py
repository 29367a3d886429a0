"""Try to refute a run: retrain its recipe on data that was changed so that it is known what a sound model must show."""

from graphrec.refutation.base import RefutationCheck, refutation_checks
from graphrec.refutation.experiment import RefutationExperiment
from graphrec.refutation.injected_confounder import InjectedConfounder
from graphrec.refutation.placebo_modality import PlaceboModality
from graphrec.refutation.placebo_treatment import PlaceboTreatment
from graphrec.refutation.refute import DEFAULT_CHECKS, refute
from graphrec.refutation.results import CheckResult, Figure, Refutation
from graphrec.refutation.subset_stability import SubsetStability

__all__ = [
    "DEFAULT_CHECKS",
    "CheckResult",
    "Figure",
    "InjectedConfounder",
    "PlaceboModality",
    "PlaceboTreatment",
    "Refutation",
    "RefutationCheck",
    "RefutationExperiment",
    "SubsetStability",
    "refutation_checks",
    "refute",
]
