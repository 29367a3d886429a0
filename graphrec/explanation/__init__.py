"""Explanations of single recommendations: the components of a score, and the item's rank under each estimand."""

from graphrec.explanation.explain import explain
from graphrec.explanation.result import (
    BranchLogit,
    Contribution,
    Explanation,
    Ranking,
    ScoreDecomposition,
    percent,
    signed,
)

__all__ = [
    "BranchLogit",
    "Contribution",
    "Explanation",
    "Ranking",
    "ScoreDecomposition",
    "explain",
    "percent",
    "signed",
]
