"""What tables call the estimands of a run: the names that their papers gave them, where they have one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from graphrec.causal import Estimand, label


@dataclass(frozen=True)
class MethodNames:
    """The names of a run and of its estimands in tables.

    >>> from graphrec.causal import Observational, TotalIndirectEffect
    >>> published = {"CausalRec": TotalIndirectEffect(), "CausalRec w/o CI": Observational()}
    >>> tuned = TotalIndirectEffect(strength=0.5)
    >>> names = MethodNames("causalrec", (tuned,), published)
    >>> names.name_of(tuned), names.name_of(Observational())
    ('CausalRec', 'CausalRec w/o CI')
    >>> list(MethodNames("causalrec, no tanh", (tuned,), published).in_tables())
    ['causalrec, no tanh']

    Args:
        run: the run's name.
        estimands: those of its recipe; they may be none.
        decoder_variants: the decoder's, by published name.
    """

    run: str
    estimands: Sequence[Estimand]
    decoder_variants: Mapping[str, Estimand]

    @cached_property
    def published(self) -> dict[str, Estimand]:
        """The decoder's variants by name, each with the numbers that the recipe has for it."""
        variants = dict(self.decoder_variants)
        for name, variant in variants.items():
            same = [estimand for estimand in self.estimands if _differ_in_numbers_alone(estimand, variant)]
            variants[name] = same[0] if len(same) == 1 else variant
        return variants

    def name_of(self, estimand: Estimand) -> str:
        """The published name of a variant where it has one, else the estimand's label."""
        return next((name for name, variant in self.published.items() if variant == estimand), label(estimand))

    def reported(self) -> dict[str, Estimand]:
        """What is reported by default: the recipe's estimands, or else the decoder's variants, by name.

        An estimand that differs from a variant in numbers alone, such as the strength that tuning chose, keeps the
        variant's name, unless the recipe names several that do.
        """
        return {self.name_of(estimand): estimand for estimand in self.estimands} or dict(self.published)

    def in_tables(self) -> dict[str, Estimand]:
        """What a table of methods shows of the run, by the name of the row.

        All of `reported()`, where the run has the name of its decoder's method. Under any other name, such as an
        ablation's, the run is a method of its own: its first estimand alone, by the run's name.
        """
        if self.is_ablation:
            return {self.run: next(iter(self.reported().values()))}
        return self.reported()

    @property
    def is_ablation(self) -> bool:
        """Whether the run has another name than its decoder's first variant, as other settings of the decoder have."""
        return self.run.casefold() != next(iter(self.published)).casefold()


def _differ_in_numbers_alone(first: Estimand, second: Estimand) -> bool:
    """Whether two estimands are of one kind and differ in numbers at most, not in a word such as the reference's."""
    return type(first) is type(second) and all(
        # To Python True is an int, but a switch makes another estimand.
        value == getattr(second, key) or (isinstance(value, (int, float)) and not isinstance(value, bool))
        for key, value in first
    )
