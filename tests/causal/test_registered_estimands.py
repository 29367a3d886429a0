"""Every registered estimand passes the contract, also under other options."""

from __future__ import annotations

from typing import ClassVar

from graphrec.causal import estimands
from graphrec.testing import EstimandContract


class TestObservational(EstimandContract):
    estimand = "observational"


class TestFrontDoor(EstimandContract):
    estimand = "front_door"
    decoder = "hcr"
    survives_hidden_confounder = True


class TestEffectOnMediator(EstimandContract):
    estimand = "effect_on_mediator"
    decoder = "hcr"
    survives_hidden_confounder = True


class TestEffectOfMediator(EstimandContract):
    estimand = "effect_of_mediator"
    decoder = "hcr"
    survives_hidden_confounder = True


class TestBackDoor(EstimandContract):
    estimand = "back_door"
    decoder = "pda"


class TestBackDoorAtTheForecast(EstimandContract):
    estimand = "back_door"
    options: ClassVar = {"level": "forecast"}
    decoder = "pda"


class TestTotalEffect(EstimandContract):
    estimand = "total_effect"


class TestNaturalDirectEffect(EstimandContract):
    estimand = "natural_direct_effect"


class TestTotalIndirectEffect(EstimandContract):
    estimand = "total_indirect_effect"


class TestAShareOfTheReference(EstimandContract):
    estimand = "total_indirect_effect"
    options: ClassVar = {"strength": 0.4, "reference": "zero"}


class TestNoneOfTheReference(EstimandContract):
    estimand = "total_indirect_effect"
    options: ClassVar = {"strength": 0.0}


def test_every_registered_estimand_passes_the_contract() -> None:
    suites = [suite for name, suite in globals().items() if name.startswith("Test")]
    assert {suite.estimand for suite in suites} == {
        name for name in estimands if estimands.get(name).__module__.startswith("graphrec.")
    }
