"""Estimands of another package that compare with a reference value."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

from graphrec.causal import Observational, Reference, label, parse_estimand
from graphrec.decoders import BlockLogits
from graphrec.errors import RecipeError
from graphrec.explanation.decomposition import reference_options
from graphrec.recommender import FrozenModel
from graphrec.testing.small_model import EVERYONE, small_model

SHOP = '''
from graphrec.causal import Estimand, ReferenceEstimand, association


class Gain(Estimand):
    """What the item adds over the mean item."""

    @property
    def needs_reference(self):
        return True

    def identify(self, outcome):
        return association(outcome.graph)

    def score(self, outcome, factual, reference=None):
        return outcome.score(factual) - outcome.score(reference)


class Lift(ReferenceEstimand):
    """What the item adds over a reference that the caller chooses."""

    strength: float = 1.0

    def identify(self, outcome):
        return association(outcome.graph)

    def score(self, outcome, factual, reference=None):
        return outcome.score(factual) - self.strength * outcome.score(reference)
'''


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module outside the package that can be imported as `shop_estimands`."""
    (tmp_path / "shop_estimands.py").write_text(SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    import shop_estimands

    yield shop_estimands
    del sys.modules["shop_estimands"]


@pytest.fixture(scope="module")
def frozen() -> FrozenModel:
    model, graph = small_model("causalrec")
    return model.freeze(graph)


def test_an_estimand_that_only_says_it_needs_a_reference_gets_the_mean_item(
    shop: ModuleType, frozen: FrozenModel
) -> None:
    scores = frozen.scorer(shop.Gain())(EVERYONE)
    outcome = frozen.outcome
    mean = outcome.score(BlockLogits(frozen.reference_branches("mean"), EVERYONE))
    assert torch.equal(scores, outcome.score(BlockLogits(frozen.branches, EVERYONE)) - mean)
    with pytest.raises(RecipeError, match="estimand `shop_estimands:Gain` takes no options"):
        parse_estimand("shop_estimands:Gain:reference=zero")


@pytest.mark.parametrize("options", ["", ":reference=zero", ":reference=constant:constant=0.5", ":strength=0.3"])
def test_an_estimand_with_reference_options_gets_the_reference_that_they_choose(
    shop: ModuleType, frozen: FrozenModel, options: str
) -> None:
    text = "shop_estimands:Lift" + options
    (lift,) = parse_estimand(text)
    assert label(lift) == text
    under = frozen.reference_branches(lift.reference, constant=lift.constant)
    expected = frozen.outcome.score(BlockLogits(frozen.branches, EVERYONE))
    expected = expected - lift.strength * frozen.outcome.score(BlockLogits(under, EVERYONE))
    assert torch.equal(frozen.scorer(lift)(EVERYONE), expected)


def test_reference_options_are_checked_in_every_estimand_that_has_them(shop: ModuleType) -> None:
    for text in ("reference=category", "constant=3", "category=kind"):
        with pytest.raises(RecipeError, match="the options of estimand `shop_estimands:Lift`"):
            parse_estimand(f"shop_estimands:Lift:{text}")
    with pytest.raises(RecipeError, match="option `reference`"):
        parse_estimand("shop_estimands:Lift:reference=median")


def test_an_estimand_without_a_reference_refuses_its_options() -> None:
    with pytest.raises(RecipeError, match="estimand `observational` takes no options"):
        parse_estimand("observational:reference=mean")
    assert not Observational().needs_reference
    assert Observational().reference_config == Reference()


def test_an_explanation_takes_the_reference_of_a_custom_estimand(shop: ModuleType) -> None:
    zero = shop.Lift(reference="zero")
    assert reference_options([Observational(), zero, shop.Gain()]) == {"reference": "zero", "category": ""}
    assert reference_options([shop.Lift(reference="constant"), shop.Gain()]) == {"reference": "mean", "category": ""}
