"""Which published set a prepared dataset is: several sets without a common numbering often share a name."""

from __future__ import annotations

import math
from dataclasses import dataclass

from graphrec.data.cards import Card, Variant, cards
from graphrec.data.dataset import InteractionDataset
from graphrec.data.splitters import distinct, keys


@dataclass(frozen=True)
class VariantComparison:
    """A prepared dataset compared with one published set.

    Args:
        variant: the published set.
        dataset_counts: for each of its counts that of the dataset; None where the dataset has nothing to count.

    >>> from graphrec.checks.variants import VariantComparison
    >>> from graphrec.data.cards import Variant
    >>> variant = Variant(name="Coat", layout="coat", counts={"users": 290, "items": 300}, counted_from="the files")
    >>> comparison = VariantComparison(variant, {"users": 290, "items": 150})
    >>> print(comparison, comparison.is_same)
    Coat: users 290, items 300 (here 150) False
    """

    variant: Variant
    dataset_counts: dict[str, int | None]

    @property
    def different(self) -> list[str]:
        """The counts that are not equal."""
        return [key for key, published in self.variant.counts.items() if self.dataset_counts[key] != published]

    @property
    def is_same(self) -> bool:
        return not self.different

    @property
    def distance(self) -> float:
        """Mean absolute log ratio of the counts; what cannot be counted is taken to differ tenfold."""
        ratios = (
            # In logarithms, half as many and twice as many are equally far.
            abs(math.log(max(count, 1) / max(published, 1))) if count is not None else math.log(10)
            for published, count in zip(self.variant.counts.values(), self.dataset_counts.values())
        )
        return sum(ratios) / len(self.dataset_counts)

    def __str__(self) -> str:
        """The variant with each count, and next to it the dataset's own where they differ."""
        counts = (
            f"{key} {published:,}" + (f" (here {_shown(self.dataset_counts[key])})" if key in self.different else "")
            for key, published in self.variant.counts.items()
        )
        return f"{self.variant.name}: {', '.join(counts)}"


def counts(dataset: InteractionDataset) -> dict[str, int]:
    """What cards count: users, items, events, distinct pairs of all behaviours, clicks, likes, `pairs.BEHAVIOUR`, and
    `clicks.PART` where the source gives the split.

    >>> from graphrec.checks.variants import counts
    >>> from graphrec.testing.planted import planted_world
    >>> {key: number for key, number in counts(planted_world()).items() if key in ("users", "likes", "clicks.test")}
    {'users': 40, 'likes': 480, 'clicks.test': 80}
    """
    events = dataset.interactions
    pair = keys(dataset, events)
    numbers = {
        "users": dataset.num_users,
        "items": dataset.num_items,
        "events": len(events),
        "pairs": len(distinct(pair)),
    }
    numbers |= {f"{role}s": len(dataset.pairs(role)) for role in ("click", "like")}
    for name in dataset.behaviours:
        numbers[f"pairs.{name}"] = len(distinct(pair[(events["behaviour"] == name).to_numpy()]))
    if "part" in events:
        roles = {*dataset.feedback["click"], *dataset.feedback["like"]}
        clicked = events["behaviour"].isin(roles).to_numpy()
        for part in events["part"].cat.categories:
            numbers[f"clicks.{part}"] = len(distinct(pair[clicked & (events["part"] == part).to_numpy()]))
    return numbers


def compare_variants(
    dataset: InteractionDataset, cards_by_source: dict[str, Card] | None = None
) -> list[VariantComparison]:
    """The dataset compared with each published set of its source's card, the nearest first; none for a simulated one.

    Args:
        cards_by_source: the cards by source; by default all.

    >>> from dataclasses import replace
    >>> from graphrec.checks.variants import compare_variants
    >>> from graphrec.testing.planted import planted_world
    >>> dataset = replace(planted_world(), provenance={"source": "coat"})
    >>> [comparison.variant.name for comparison in compare_variants(dataset)]
    ['Coat']
    """
    card = (cards() if cards_by_source is None else cards_by_source).get(str(dataset.provenance.get("source")))
    if card is None or "simulated" in dataset.provenance:
        return []
    numbers = counts(dataset)
    compared = [
        VariantComparison(variant, {key: numbers.get(key) for key in variant.counts}) for variant in card.variants
    ]
    if card.access == "yours":  # anything can be a table: a difference means nothing
        compared = [comparison for comparison in compared if comparison.is_same]
    return sorted(compared, key=lambda comparison: comparison.distance)


def matched_variant(dataset: InteractionDataset, compared: list[VariantComparison]) -> str:
    """Which published set the dataset is, in a sentence.

    >>> from dataclasses import replace
    >>> from graphrec.checks.variants import compare_variants, matched_variant
    >>> from graphrec.testing.planted import planted_world
    >>> matched_variant(gr.load(data), compare_variants(gr.load(data)))
    'a simulated twin, not any published set'
    >>> matched_variant(planted_world(), compare_variants(planted_world()))
    'nothing to compare with: no counts of its source are known'
    """
    if "simulated" in dataset.provenance:
        return "a simulated twin, not any published set"
    if not compared:
        return "nothing to compare with: no counts of its source are known"
    same = [comparison for comparison in compared if comparison.is_same]
    if same:
        return "; ".join(f"{comparison} ({comparison.variant.counted_from})" for comparison in same)
    return f"not a published set; the nearest is {compared[0]}"


def _shown(count: int | None) -> str:
    return "none" if count is None else f"{count:,}"
