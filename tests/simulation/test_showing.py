"""The parameters of what is shown: each bends the log as it says, and no probability given that an item is shown."""

import numpy as np
import pytest

from graphrec.simulation.log import draw_log
from graphrec.simulation.showing import number_shown
from graphrec.simulation.truth import Truth
from graphrec.simulation.world import WorldConfig, draw_latents

SMALL = {"users": 150, "items": 400, "shown": 100}


def shown(**parameters):
    config = WorldConfig(**SMALL, **parameters)
    latents = draw_latents(config)
    return config, latents, draw_log(config, latents, unclicked=True)


def attraction(latents, log):
    return (latents.exposure_taste[log.user] * latents.exposure[log.item]).sum(1)


def test_exposure_bias_shows_what_attracts_more_often_the_stronger_it_is():
    means = [attraction(*shown(exposure_bias=bias)[1:]).mean() for bias in (0.0, 0.5, 2.0)]
    assert abs(means[0]) < 0.03
    assert means[1] > 0.4 and means[2] > means[1] + 0.2


def test_a_popularity_tail_shows_some_items_far_more_often_than_others():
    flat, long = (np.bincount(shown(popularity_tail=tail)[2].item, minlength=400) for tail in (0.0, 1.5))
    top = [np.sort(counts)[-40:].sum() / counts.sum() for counts in (flat, long)]
    assert top[0] < 0.15 and top[1] > 0.25


def test_an_activity_tail_shows_a_few_users_most_and_keeps_the_mean():
    config = WorldConfig(users=5000, items=4000, shown=100, activity_tail=1.0)
    counts = number_shown(config)
    assert counts.min() >= 1 and counts.max() <= config.items
    assert counts.mean() == pytest.approx(100, rel=0.1)
    assert np.log(counts).std() == pytest.approx(1.0, rel=0.1)
    assert len(shown(activity_tail=1.0)[2].user) == number_shown(WorldConfig(**SMALL, activity_tail=1.0)).sum()


def test_a_users_items_differ_whatever_the_parameters():
    _, _, log = shown(exposure_bias=1.0, popularity_tail=1.0, activity_tail=1.0)
    pairs = np.stack([log.user, log.item])
    assert np.unique(pairs, axis=1).shape == pairs.shape


@pytest.mark.parametrize("parameters", [{"exposure_bias": 1.0, "popularity_tail": 1.0, "activity_tail": 0.5}])
def test_clicks_and_likes_given_that_an_item_is_shown_follow_the_truth_under_biased_showing(parameters):
    config, latents, log = shown(**parameters)
    ids = [np.arange(size).astype(str).astype(object) for size in (config.users, config.items)]
    truth = Truth(config, latents, *ids, np.arange(config.users), np.arange(config.items))
    users = np.arange(config.users)
    for happened, chance in (
        (log.click, truth.click_probability(users)[log.user, log.item]),
        (log.like, truth.observational(users)[log.user, log.item]),
    ):
        assert happened.sum() == pytest.approx(chance.sum(), abs=4 * np.sqrt((chance * (1 - chance)).sum()))


def test_a_log_shown_with_bias_does_not_depend_on_the_block():
    config = WorldConfig(**SMALL, exposure_bias=1.0, activity_tail=1.0)
    latents = draw_latents(config)
    whole, in_blocks = draw_log(config, latents), draw_log(config, latents, block=7)
    assert all(np.array_equal(column, getattr(in_blocks, name)) for name, column in vars(whole).items())
