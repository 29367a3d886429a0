"""What an explanation holds, and how it reads in sentences."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from graphrec.causal import Observational, label

OBSERVATIONAL = label(Observational())


@dataclass(frozen=True)
class Part:
    """One summand of a score.

    Args:
        name: `indirect`, `direct`, or the factor's name.
        meaning: in words, after the causal graph.
        value: in the unit of its split.
        share: of the split's total; None where the parts pull in opposite directions, or the part is not used.
        used: False for a factor that the estimand leaves out.
        rank_without: the item's rank under the observational score if this part of it were the reference item's,
            its other part and all other items staying as they are; None for factors.
    """

    name: str
    meaning: str
    value: float
    share: float | None = None
    used: bool = True
    rank_without: int | None = None


@dataclass(frozen=True)
class Split:
    """How a score divides: the values of the parts that are used sum to `total`.

    Args:
        kind: `effects` against a reference item, `factors` against the user's mean item, or `none`.
        of: what `total` is, in words; for `none` why there is nothing to divide.
        against: what the item is compared with, in words.
    """

    kind: Literal["effects", "factors", "none"]
    of: str
    against: str = ""
    total: float | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class BranchLogit:
    """A branch's logit for the pair; `reference` is the reference item's, None where the split has none."""

    name: str
    logit: float
    reference: float | None = None


@dataclass(frozen=True)
class Ranking:
    """One estimand's view of the user's items.

    Args:
        method: its published name, or its label.
        estimand: its label.
        score: the explained item's; comparable within this ranking only.
        rank: the explained item's, from 1, among the candidates.
        items: external ids of the user's best items, without those of the training split.
    """

    method: str
    estimand: str
    score: float
    rank: int
    items: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """Why an item stands where it stands in a user's ranking.

    Args:
        user, item: external ids.
        seen: whether the pair is in the training split. Such an item is not recommended; it is ranked all the same.
        candidates: the items that are ranked: all without the user's training split, the explained one with them.
        split: what the score is made of.
        branches: the decoder's branches at this pair.
        rankings: a ranking for each estimand; the first is the one explained, and the observational is always there.
    """

    user: str
    item: str
    seen: bool
    candidates: int
    split: Split
    branches: tuple[BranchLogit, ...]
    rankings: tuple[Ranking, ...]

    @property
    def explained(self) -> Ranking:
        return self.rankings[0]

    @property
    def observed(self) -> Ranking:
        """The ranking by the observational score."""
        return next(one for one in self.rankings if one.estimand == OBSERVATIONAL)

    @property
    def counterfactual_rank(self) -> int | None:
        """The item's rank under the observational score if its direct part were that of the reference item (the looks
        of the average item), its mediated part and all other items staying as they are; None without effects."""
        return next((part.rank_without for part in self.split.parts if part.name == "direct"), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings, as JSON wants them."""
        return {**asdict(self), "counterfactual_rank": self.counterfactual_rank, "text": self.text()}

    def text(self) -> str:
        """The explanation in a few sentences."""
        said = [_ranked(self), *_WORDS[self.split.kind](self)]
        if self.seen:
            said.insert(
                1, "It is in the user's training split, so it is not recommended; it is ranked as if it could be."
            )
        return " ".join(said)


def signed(value: float) -> str:
    """Three digits with their sign, `+0.123`."""
    return f"{value:+.3g}"


def percent(share: float | None) -> str:
    """`28 %`; a dash where there is no share."""
    return "–" if share is None else f"{100 * share:.0f} %"


def _ranked(one: Explanation) -> str:
    first = f"{one.explained.method} ranks item {one.item} {_ordinal(one.explained.rank)} of {one.candidates:,}"
    first += f" for user {one.user}"
    if one.explained.estimand == OBSERVATIONAL:
        return f"{first}, by the observational score."
    return f"{first}; by the observational score it ranks {_ordinal(one.observed.rank)}."


def _effects(one: Explanation) -> list[str]:
    split = one.split
    indirect, direct = split.parts
    assert split.total is not None
    if indirect.share is not None and direct.share is not None:
        side = "above" if split.total > 0 else "below"
        divided = (
            f"Its score lies {side} that of {split.against}; {percent(indirect.share)} of the difference comes through "
            f"the mediator ({indirect.meaning}), {percent(direct.share)} past it ({direct.meaning})."
        )
    else:
        divided = (
            f"Against {split.against}, {signed(indirect.value)} comes through the mediator ({indirect.meaning}) and "
            f"{signed(direct.value)} past it ({direct.meaning}): no shares, as the two do not add up in one direction."
        )
    assert direct.rank_without is not None
    otherwise = (
        f"With that of {split.against} in place of what goes past the mediator, it would rank "
        f"{_ordinal(direct.rank_without)} by the observational score."
    )
    return [divided, otherwise, _EFFECTS_ARE]


def _factors(one: Explanation) -> list[str]:
    split = one.split
    assert split.total is not None
    used = ", ".join(f"{signed(part.value)} from {part.meaning}" for part in split.parts if part.used)
    side = "above" if split.total > 0 else "below"
    said = [f"Its {split.of} lies {abs(split.total):.3g} {side} {split.against}: {used}."]
    unused = ", ".join(f"{part.meaning} ({signed(part.value)})" for part in split.parts if not part.used)
    return [*said, *([f"Not used: {unused}."] if unused else []), _FACTORS_ARE]


def _nothing(one: Explanation) -> list[str]:
    return [one.split.of]


_WORDS = {"effects": _effects, "factors": _factors, "none": _nothing}
_NO_MEASUREMENT = "on its declared causal graph; they do not measure what moves the user."
_EFFECTS_ARE = f"These are effects in the trained model, {_NO_MEASUREMENT}"
_FACTORS_ARE = f"These are factors of the trained model, {_NO_MEASUREMENT}"


def _ordinal(rank: int) -> str:
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending}"
