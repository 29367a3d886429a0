from __future__ import annotations

import pytest

from graphrec.causal import FrontDoor, Observational, TotalIndirectEffect, label, parse_estimand
from graphrec.errors import GraphrecError, RecipeError, UnknownNameError


def test_a_name_alone_takes_the_defaults():
    assert parse_estimand("front_door") == [FrontDoor()]
    assert parse_estimand(" total_indirect_effect ") == [TotalIndirectEffect(strength=1.0)]


def test_a_list_of_values_is_a_sweep_in_order_without_repeats():
    estimands = parse_estimand("total_indirect_effect:strength=0,0.2,0.20,.4")
    assert [estimand.strength for estimand in estimands] == [0.0, 0.2, 0.4]


def test_a_class_outside_the_package_is_named_by_its_path():
    path = "graphrec.causal.effects:TotalIndirectEffect"
    assert parse_estimand(f"{path}:strength=0.5") == [TotalIndirectEffect(strength=0.5)]
    with pytest.raises(GraphrecError, match="is no estimand"):
        parse_estimand("graphrec.causal.graph:CausalGraph")


@pytest.mark.parametrize(
    "text",
    [
        *["observational", "front_door", "effect_on_mediator", "effect_of_mediator", "total_indirect_effect"],
        *["total_indirect_effect:strength=0", "total_indirect_effect:strength=0.4"],
        *["back_door", "back_door:level=forecast", "total_effect", "natural_direct_effect:reference=zero"],
        *["total_effect:reference=constant", "natural_direct_effect:reference=constant:constant=30"],
        "total_indirect_effect:reference=category:category=kind of item:strength=0.5",
        *["total_indirect_effect:strength=1e-07", "total_indirect_effect:strength=0.30000000000000004"],
    ],
)
def test_label_and_parse_undo_each_other(text):
    (estimand,) = parse_estimand(text)
    assert label(estimand) == text
    assert parse_estimand(label(estimand)) == [estimand]


def test_a_default_is_left_out_of_the_label():
    assert label(TotalIndirectEffect(strength=1)) == "total_indirect_effect"


@pytest.mark.parametrize(
    "text, nearest", [("frontdoor", "front_door"), ("total_indirect:strength=1", "total_indirect_effect")]
)
def test_an_unknown_name_is_typed_and_names_the_nearest(text, nearest):
    with pytest.raises(UnknownNameError, match=f"did you mean `{nearest}`"):
        parse_estimand(text)


def test_an_unknown_option_is_typed_and_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean `strength`"):
        parse_estimand("total_indirect_effect:strenght=1")


def test_an_estimand_without_options_says_that_it_takes_none():
    with pytest.raises(RecipeError) as caught:
        parse_estimand("observational:foo=1")
    assert str(caught.value) == (
        "estimand `observational` takes no options\n"
        "  expected: `observational` alone\n"
        "  got: `foo=1`\n"
        "  where: observational:foo=1"
    )


@pytest.mark.parametrize("value", ["", "abc", "-1", "nan", "inf", "0.2,", "1:strength=2"])
def test_a_bad_value_is_typed_and_shows_what_came(value):
    with pytest.raises(RecipeError, match="strength"):
        parse_estimand(f"total_indirect_effect:strength={value}")


@pytest.mark.parametrize("text", ["", ":", ":X", ".a:X", "=", "strength=1"])
def test_no_name_at_all_is_typed(text):
    with pytest.raises(UnknownNameError):
        parse_estimand(text)


def test_options_combine_in_a_sweep():
    estimands = parse_estimand("total_indirect_effect:strength=0.5,1:reference=mean,zero")
    assert [label(estimand) for estimand in estimands] == [
        "total_indirect_effect:strength=0.5",
        "total_indirect_effect:reference=zero:strength=0.5",
        "total_indirect_effect",
        "total_indirect_effect:reference=zero",
    ]


@pytest.mark.parametrize("text", ["total_effect:reference=category", "total_indirect_effect:constant=3"])
def test_options_that_do_not_fit_together_are_typed(text):
    with pytest.raises(RecipeError, match="the options of estimand") as caught:
        parse_estimand(text)
    assert caught.value.got == f"`{text}`"


class Renamed(Observational):
    """A custom estimand that is made from a registered one."""


def test_a_custom_class_does_not_go_by_the_name_of_its_parent():
    text = label(Renamed())
    assert text == f"{__name__}:Renamed"
    assert parse_estimand(text) == [Renamed()] != [Observational()]
