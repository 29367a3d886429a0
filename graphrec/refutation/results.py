"""The result of a refutation: figures with their intervals, and a verdict a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphrec.evaluation.intervals import interval
from graphrec.report.primitives.tables import number
from graphrec.report.sections.refutation import OUTCOMES


@dataclass(frozen=True)
class Figure:
    """A measured number; `low` and `high` are the ends of its 95 % interval, None where it has none.

    >>> print(Figure("NDCG@10", 0.25, 0.125, 0.375))
    .2500 [.1250, .3750]
    """

    label: str
    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def mean(cls, label: str, values: np.ndarray) -> Figure:
        """The mean over users with its bootstrap interval."""
        return cls(label, float(values.mean()), *interval(values))

    @property
    def above_zero(self) -> bool:
        """Whether all of its interval is above 0."""
        return self.low is not None and self.low > 0

    @property
    def below_zero(self) -> bool:
        """Whether all of its interval is below 0."""
        return self.high is not None and self.high < 0

    def __str__(self) -> str:
        text = number(self.value)
        if self.low is None or self.high is None:
            return text
        return f"{text} [{number(self.low)}, {number(self.high)}]"


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Args:
        name: the check's registered name.
        expectation: what a sound model must show.
        figures: what was measured.
        passed: None where the check decides nothing: it does not apply, or the intervals are too wide.
        verdict: what follows, in words.

    >>> from graphrec.refutation import CheckResult, Figure
    >>> figures = (Figure("NDCG@10, HCR - popularity", -0.02, -0.05, 0.01),)
    >>> result = CheckResult("placebo_treatment", "finds nothing", figures, True, "Finds nothing, as it should.")
    >>> result.passed, str(result.figures[0])
    (True, '-.0200 [-.0500, .0100]')
    """

    name: str
    expectation: str
    figures: tuple[Figure, ...]
    passed: bool | None
    verdict: str

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> CheckResult:
        """Read what `dataclasses.asdict` wrote; other keys are ignored."""
        figures = tuple(Figure(**figure) for figure in values["figures"])
        return cls(values["name"], values["expectation"], figures, values["passed"], values["verdict"])


@dataclass(frozen=True)
class Refutation:
    """The results of all checks of a run.

    Args:
        run: its name.
        checks: their results.
        epochs: the most epochs of each retraining, where that is not the recipe's number.

    >>> from graphrec.refutation import CheckResult, Figure, Refutation
    >>> figures = (Figure("NDCG@10, HCR - popularity", -0.02, -0.05, 0.01),)
    >>> result = CheckResult("placebo_treatment", "finds nothing", figures, True, "Finds nothing, as it should.")
    >>> print(Refutation("HCR", (result,)).markdown().splitlines()[4])
    ## placebo_treatment: passed
    """

    run: str
    checks: tuple[CheckResult, ...]
    epochs: int | None = None

    def markdown(self) -> str:
        """The results as a Markdown document."""
        short = (
            "" if self.epochs is None else f" Each training had at most {self.epochs} epochs, not the recipe's number."
        )
        head = f"Measured on the validation likes; the test split stayed locked.{short}"
        sections = [f"# Refutation of {self.run}\n\n{head}\n"]
        for check in self.checks:
            lines = [f"| {_escaped(figure.label)} | {figure} |" for figure in check.figures]
            table = "\n".join(["| figure | value [95 % interval] |", "|---|---|", *lines]) + "\n\n" if lines else ""
            sections.append(
                f"## {check.name}: {OUTCOMES[check.passed]}\n\nA sound model: {check.expectation}.\n\n{table}"
                f"{check.verdict}\n"
            )
        return "\n".join(sections)


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
