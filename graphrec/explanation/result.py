"""The contents of an explanation, and its wording in sentences."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from graphrec.causal import Observational, label

OBSERVATIONAL = label(Observational())


@dataclass(frozen=True)
class Contribution:
    """One summand of a score.

    Args:
        name: `indirect`, `direct`, or the name of the factor.
        meaning: in words, from the causal graph.
        value: in the unit of its decomposition.
        share: of the total. None where the contributions have different signs, or this one is not used.
        used: False for a factor that the estimand leaves out.
        rank_without: the item's rank under the observational score if this contribution were that of the reference
            item, while the other contribution and all other items stay as they are. None for factors.

    Example:
        >>> effect = Contribution("direct", "notice: attraction by the visual features alone", value=0.5, share=0.25)
        >>> f"{effect.name}: {signed(effect.value)}, {percent(effect.share)}"
        'direct: +0.5, 25 %'
    """

    name: str
    meaning: str
    value: float
    share: float | None = None
    used: bool = True
    rank_without: int | None = None


@dataclass(frozen=True)
class ScoreDecomposition:
    """The summands of a score: the values of the contributions that are used sum to `total`.

    Args:
        kind: `effects` against a reference item, `factors` against the user's mean item, or `none`.
        quantity: what `total` measures, in words; for `none` the reason why nothing is divided.
        reference: what the item is compared with, in words.
        total: the sum; None for `none`.
        contributions: the summands.

    Example:
        >>> from graphrec.testing.small_model import small_model
        >>> from graphrec.explanation import explain
        >>> import numpy as np
        >>> recommender, graph = small_model("vbpr")
        >>> effects = explain(recommender.freeze(graph), user=2, item=3, train_items=np.array([0, 1])).decomposition
        >>> abs(effects.total - sum(part.value for part in effects.contributions if part.used)) < 1e-9
        True
    """

    kind: Literal["effects", "factors", "none"]
    quantity: str
    reference: str = ""
    total: float | None = None
    contributions: tuple[Contribution, ...] = ()


@dataclass(frozen=True)
class BranchLogit:
    """A branch's logit for the pair; `reference` is that of the reference item, None where there is none.

    Example:
        >>> logit = BranchLogit("match", logit=2.25, reference=2.5)
        >>> logit.logit - logit.reference  # how much better than the reference item the item matches the user
        -0.25
    """

    name: str
    logit: float
    reference: float | None = None


@dataclass(frozen=True)
class Ranking:
    """The ranking of the user's items under one estimand.

    Args:
        method: its published name, or its label.
        estimand: its label.
        score: of the explained item; comparable within this ranking only.
        rank: of the explained item among the candidates, from 1.
        items: external ids of the user's best items, without those of the training split.

    Example:
        >>> ranking = run.explain(run.user_ids[0], run.item_ids[5], k=3).explained
        >>> ranking.method, ranking.estimand, len(ranking.items)
        ('HCR', 'front_door', 3)
    """

    method: str
    estimand: str
    score: float
    rank: int
    items: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Why an item has its rank in a user's ranking.

    Args:
        user: external id.
        item: external id.
        in_train: whether the pair is in the training split. Such an item is ranked, but not recommended.
        candidates: the number of ranked items: all but the user's training items; the explained item is always one.
        decomposition: the summands of the score.
        branches: the decoder's branches at this pair.
        rankings: one for each estimand. The first is explained, and the observational one is always there.

    Example:
        >>> ranking = Ranking("CT", OBSERVATIONAL, score=1.5, rank=2, items=("x", "y"))
        >>> undivided = ScoreDecomposition("none", "Its score is not divided.")
        >>> Explanation("ann", "y", False, 40, undivided, branches=(), rankings=(ranking,)).text()
        'CT ranks item y 2nd of 40 for user ann, by the observational score. Its score is not divided.'
    """

    user: str
    item: str
    in_train: bool
    candidates: int
    decomposition: ScoreDecomposition
    branches: tuple[BranchLogit, ...]
    rankings: tuple[Ranking, ...]

    @property
    def explained(self) -> Ranking:
        """The ranking under the estimand that is explained."""
        return self.rankings[0]

    @property
    def observed(self) -> Ranking:
        """The ranking by the observational score."""
        return next(ranking for ranking in self.rankings if ranking.estimand == OBSERVATIONAL)

    @property
    def counterfactual_rank(self) -> int | None:
        """The item's rank under the observational score if its direct effect were that of the reference item.

        For CausalRec this is its rank with the visual features of the average item. The indirect effect and all other
        items stay as they are. None without effects.
        """
        contributions = self.decomposition.contributions
        return next((part.rank_without for part in contributions if part.name == "direct"), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, lists, numbers and strings, for JSON."""
        return {**asdict(self), "counterfactual_rank": self.counterfactual_rank, "text": self.text()}

    def text(self) -> str:
        """The explanation in a few sentences."""
        sentences = [_rank_sentence(self), *_SENTENCES[self.decomposition.kind](self)]
        if self.in_train:
            sentences.insert(
                1, "It is in the user's training split, so it is not recommended; it is ranked as if it could be."
            )
        return " ".join(sentences)


def signed(value: float) -> str:
    """Three digits and the sign.

    >>> signed(0.12345)
    '+0.123'
    """
    return f"{value:+.3g}"


def percent(share: float | None) -> str:
    """A share in whole percent; a dash where there is none.

    >>> percent(0.284), percent(None)
    ('28 %', '–')
    """
    return "–" if share is None else f"{100 * share:.0f} %"


def _rank_sentence(explanation: Explanation) -> str:
    explained, observed = explanation.explained, explanation.observed
    sentence = (
        f"{explained.method} ranks item {explanation.item} {_ordinal(explained.rank)} of {explanation.candidates:,} "
        f"for user {explanation.user}"
    )
    if explained.estimand == OBSERVATIONAL:
        return f"{sentence}, by the observational score."
    return f"{sentence}; by the observational score it ranks {_ordinal(observed.rank)}."


def _effect_sentences(explanation: Explanation) -> list[str]:
    decomposition = explanation.decomposition
    indirect, direct = decomposition.contributions
    assert decomposition.total is not None
    if indirect.share is not None and direct.share is not None:
        side = "above" if decomposition.total > 0 else "below"
        division = (
            f"Its score is {side} that of {decomposition.reference}; {percent(indirect.share)} of the difference comes "
            f"through the mediator ({indirect.meaning}), {percent(direct.share)} past it ({direct.meaning})."
        )
    else:
        division = (
            f"Against {decomposition.reference}, {signed(indirect.value)} comes through the mediator "
            f"({indirect.meaning}) and {signed(direct.value)} past it ({direct.meaning}): no shares, as the two have "
            "different signs."
        )
    assert direct.rank_without is not None
    counterfactual = (
        f"With the direct effect of {decomposition.reference} in place of its own, it would rank "
        f"{_ordinal(direct.rank_without)} by the observational score."
    )
    return [division, counterfactual, f"These are effects in the trained model, {_CAVEAT}"]


def _factor_sentences(explanation: Explanation) -> list[str]:
    decomposition = explanation.decomposition
    assert decomposition.total is not None
    used = [part for part in decomposition.contributions if part.used]
    unused = [part for part in decomposition.contributions if not part.used]
    side = "above" if decomposition.total > 0 else "below"
    sentences = [
        f"Its {decomposition.quantity} is {abs(decomposition.total):.3g} {side} {decomposition.reference}: "
        + ", ".join(f"{signed(part.value)} from {part.meaning}" for part in used)
        + "."
    ]
    if unused:
        sentences.append(f"Not used: {', '.join(f'{part.meaning} ({signed(part.value)})' for part in unused)}.")
    return [*sentences, f"These are factors of the trained model, {_CAVEAT}"]


def _reason_sentences(explanation: Explanation) -> list[str]:
    return [explanation.decomposition.quantity]


_SENTENCES = {"effects": _effect_sentences, "factors": _factor_sentences, "none": _reason_sentences}
_CAVEAT = "on its declared causal graph; they do not measure what moves the user."


def _ordinal(rank: int) -> str:
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"
