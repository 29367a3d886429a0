"""Names of interchangeable components."""

from __future__ import annotations

import collections

import pytest

from graphrec.backbones import backbones
from graphrec.causal import estimands
from graphrec.data.sources import sources
from graphrec.decoders import decoders
from graphrec.errors import ComponentError, UnknownNameError
from graphrec.refutation import refutation_checks
from graphrec.registry import Registry
from graphrec.simulation import worlds
from graphrec.system.user_code import permit


@pytest.fixture
def fruits() -> Registry[object]:
    registry: Registry[object] = Registry("fruit")
    for name in ("pear", "apple"):
        registry.register(name)(type(name, (), {"__doc__": f"A {name}.\n\nIt grows on trees."}))
    return registry


def test_a_registered_class_is_found_and_knows_its_name(fruits: Registry[object]) -> None:
    assert fruits.get("pear").name == "pear"  # type: ignore[attr-defined]
    assert list(fruits) == ["apple", "pear"]
    assert "pear" in fruits and "plum" not in fruits
    assert fruits.summaries() == [("apple", "A apple."), ("pear", "A pear.")]


def test_an_unknown_name_lists_the_known_ones_and_the_nearest(fruits: Registry[object]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        fruits.get("aple")
    assert "unknown fruit `aple`; did you mean `apple`?" in str(caught.value)
    assert "one of apple, pear" in str(caught.value)
    with pytest.raises(UnknownNameError) as caught:
        fruits.get("zzzzzz")
    assert "did you mean" not in str(caught.value)


def test_an_import_path_leads_to_a_class_outside(fruits: Registry[object]) -> None:
    assert fruits.get("collections:OrderedDict") is collections.OrderedDict


@pytest.mark.parametrize("path", ["collections:OrderedDict", "collections:namedtuple", "typing:Any"])
@pytest.mark.parametrize("registry", [estimands, refutation_checks, sources, worlds])
def test_an_import_path_to_something_else_is_refused_with_what_would_do(registry: Registry[object], path: str) -> None:
    with pytest.raises(ComponentError, match=f"`{path}` is no {registry.kind}") as caught:
        registry.get(path)
    assert all(name in str(caught.value) for name in registry)


@pytest.mark.parametrize(
    "path",
    ["x:Y", ":X", ".a:X", "..:X", ":", "collections:", "collections:Nothing", "no such module:X", "a..b:X"],
)
def test_a_bad_import_path_is_an_unknown_name(fruits: Registry[object], path: str) -> None:
    permit(path)
    with pytest.raises(UnknownNameError, match="unknown fruit") as caught:
        fruits.get(path)
    assert str(caught.value.got).startswith((f"`{path}`, not of the form package", f"`{path}`, import failed"))


def test_a_name_is_given_once(fruits: Registry[object]) -> None:
    with pytest.raises(ValueError, match="registered twice"):
        fruits.register("pear")(dict)


@pytest.mark.parametrize("registry", [backbones, decoders, estimands, sources])
def test_every_component_of_the_package_says_in_one_line_what_it_is(registry: Registry[object]) -> None:
    for name, summary in registry.summaries():
        assert 15 < len(summary) < 160, f"{name}: {summary}"
