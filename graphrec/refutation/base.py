"""The contract of a refutation check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from graphrec.refutation.experiment import RefutationExperiment
from graphrec.refutation.results import CheckResult, Figure
from graphrec.registry import Registry


class RefutationCheck(ABC):
    """Alters the training data, retrains, and compares with what a sound model must show.

    >>> class HalfTheClicks(RefutationCheck):
    ...     name, expectation = "half_the_clicks", "ranks worse on half of the clicks"
    ...
    ...     def run(self, experiment):
    ...         return self.not_applicable("the data has few clicks")
    >>> HalfTheClicks().run(None).verdict
    'Not applicable: the data has few clicks.'
    """

    name: ClassVar[str] = ""

    @property
    @abstractmethod
    def expectation(self) -> str:
        """What a sound model must show, after the words "a sound model". It may be a class attribute."""

    @abstractmethod
    def run(self, experiment: RefutationExperiment) -> CheckResult:
        """Retrain, measure and decide whether the model passes."""

    def result(self, figures: Iterable[Figure], passed: bool | None, verdict: str) -> CheckResult:
        """The check's result."""
        return CheckResult(self.name, self.expectation, tuple(figures), passed, verdict)

    def not_applicable(self, reason: str) -> CheckResult:
        """The result of a check that cannot be made, with the reason."""
        return self.result((), None, f"Not applicable: {reason}.")


refutation_checks: Registry[RefutationCheck] = Registry(
    "refutation check", RefutationCheck, group="graphrec.refutations"
)
