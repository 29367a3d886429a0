"""The contract of a refutation check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar

from graphrec.refutation.experiment import RefutationExperiment
from graphrec.refutation.results import CheckResult, Figure
from graphrec.registry import Registry


class RefutationCheck(ABC):
    """Alters the training data, retrains, and compares with what a sound model must show."""

    name: ClassVar[str] = ""

    @property
    @abstractmethod
    def expectation(self) -> str:
        """What a sound model must show, to be read after "a sound model"; a class attribute will do."""

    @abstractmethod
    def run(self, experiment: RefutationExperiment) -> CheckResult:
        """Retrain, measure and judge."""

    def result(self, figures: Iterable[Figure], passed: bool | None, verdict: str) -> CheckResult:
        """The check's result."""
        return CheckResult(self.name, self.expectation, tuple(figures), passed, verdict)

    def not_applicable(self, reason: str) -> CheckResult:
        """A result that says only why there is none."""
        return self.result((), None, f"Not applicable: {reason}.")


refutation_checks: Registry[RefutationCheck] = Registry(
    "refutation check", RefutationCheck, group="graphrec.refutations"
)
