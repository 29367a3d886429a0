"""One recommendation, explained: what its score is made of, and how the item would rank otherwise."""

from graphrec.explanation.explain import explain
from graphrec.explanation.result import BranchLogit, Explanation, Part, Ranking, Split, percent, signed

__all__ = ["BranchLogit", "Explanation", "Part", "Ranking", "Split", "explain", "percent", "signed"]
