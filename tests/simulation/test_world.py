"""The structural equations of the world, and that its streams do not disturb one another."""

import numpy as np
import pytest
from pydantic import ValidationError

from graphrec.seeding import numpy_generator
from graphrec.simulation.world import WorldConfig, click_given_shown, draw_latents, like_given_click


def test_every_field_says_what_it_means():
    for name, field in WorldConfig.model_fields.items():
        assert field.description, name


@pytest.mark.parametrize("settings", [{"user": 3}, {"users": 0}, {"strength": float("nan")}, {"prevalence": 1.0}])
def test_a_config_refuses_what_it_does_not_mean(settings):
    with pytest.raises(ValidationError):
        WorldConfig(**settings)


def test_no_more_items_can_be_shown_than_there_are():
    with pytest.raises(ValidationError, match=r"shown \(6\) must not exceed items \(5\)"):
        WorldConfig(items=5, shown=6)


def test_streams_of_one_seed_differ_by_name_and_number_and_repeat():
    def first(*key):
        return numpy_generator(7, *key).random()

    assert first("a") == first("a")
    assert len({first("a"), first("b"), first("a", 0), first("a", 1), numpy_generator(8, "a").random()}) == 5


def test_logits_have_the_configured_spread():
    config = WorldConfig(users=1500, items=1500)
    latents = draw_latents(config)
    match = config.match_scale * latents.taste @ latents.content.T
    assert match.std() == pytest.approx(2.5, rel=0.05)
    assert latents.confounder.mean() == pytest.approx(0.1, abs=0.03)


def test_the_confounder_moves_the_like_and_not_the_click():
    config = WorldConfig(strength=6)
    assert like_given_click(config, np.zeros(1), 0.0) == pytest.approx(1 / (1 + np.exp(4)))
    assert like_given_click(config, np.zeros(1), 1.0) == pytest.approx(1 / (1 + np.exp(-2)))
    assert click_given_shown(config, np.ones(1), np.full(1, 0.5)) == pytest.approx(0.5)


def test_another_strength_leaves_the_latents_alone():
    weak, strong = draw_latents(WorldConfig(strength=0)), draw_latents(WorldConfig(strength=6))
    for name in vars(weak):
        np.testing.assert_array_equal(getattr(weak, name), getattr(strong, name))
