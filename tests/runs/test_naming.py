"""What tables call a run and its estimands."""

from __future__ import annotations

from graphrec.causal import Observational, TotalIndirectEffect
from graphrec.runs.naming import MethodNames

PUBLISHED = {"CausalRec": TotalIndirectEffect(), "CausalRec w/o CI": Observational()}


def names(run: str, *estimands) -> MethodNames:
    return MethodNames(run, estimands, PUBLISHED)


def test_without_estimands_the_decoders_variants_are_reported() -> None:
    assert names("causalrec").reported() == PUBLISHED
    assert names("CAUSALREC").in_tables() == PUBLISHED and not names("CAUSALREC").is_ablation


def test_an_estimand_that_differs_in_a_number_keeps_the_published_name() -> None:
    tuned = TotalIndirectEffect(strength=0.5)
    assert names("causalrec", tuned).reported() == {"CausalRec": tuned}
    assert names("causalrec", tuned).published == {"CausalRec": tuned, "CausalRec w/o CI": Observational()}


def test_several_that_differ_in_numbers_are_named_by_their_labels() -> None:
    sweep = TotalIndirectEffect(strength=0.25), TotalIndirectEffect(strength=0.5)
    assert list(names("causalrec", *sweep).reported()) == [
        "total_indirect_effect:strength=0.25", "total_indirect_effect:strength=0.5",
    ]  # fmt: skip


def test_another_word_makes_another_estimand() -> None:
    zero = TotalIndirectEffect(reference="zero")
    assert list(names("causalrec", zero).reported()) == ["total_indirect_effect:reference=zero"]


def test_an_ablation_is_one_row_by_its_own_name() -> None:
    ablation = names("no tanh")
    assert ablation.is_ablation and ablation.in_tables() == {"no tanh": TotalIndirectEffect()}
