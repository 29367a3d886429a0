"""The log follows the structural equations, whatever the block of users."""

import numpy as np
import pytest

from graphrec.simulation.log import DAY, START, draw_log
from graphrec.simulation.world import WorldConfig, draw_latents

SMALL = WorldConfig(users=150, items=400, shown=100)


def drawn(config, **options):
    return draw_log(config, draw_latents(config), **options)


def same(first, second):
    return all(np.array_equal(getattr(first, name), getattr(second, name)) for name in vars(first))


def test_the_log_depends_on_the_seed_and_not_on_the_block():
    assert same(drawn(SMALL), drawn(SMALL, block=7))
    assert not same(drawn(SMALL), drawn(SMALL.model_copy(update={"seed": 1})))


def test_a_log_is_in_order_of_time_within_its_days_and_a_pair_is_clicked_once():
    log = drawn(SMALL.model_copy(update={"days": 3}))
    assert (np.diff(log.timestamp) >= 0).all()
    assert log.timestamp[-1] - log.timestamp[0] < 3 * 86_400_000
    pairs = np.stack([log.user, log.item])
    assert np.unique(pairs, axis=1).shape == pairs.shape


def test_a_like_shows_as_finish_or_thumb_and_nothing_else_does():
    log = drawn(SMALL)
    np.testing.assert_array_equal(log.finish | log.thumbs_up, log.like)
    liked = log.like
    assert (log.finish & ~log.thumbs_up)[liked].mean() == pytest.approx(0.75, abs=0.06)
    assert (log.finish & log.thumbs_up)[liked].mean() == pytest.approx(0.15, abs=0.05)


def test_strength_changes_likes_of_confounded_items_and_no_click():
    weak, strong = drawn(SMALL.model_copy(update={"strength": 0.0})), drawn(SMALL)
    for name in ("user", "item", "timestamp"):
        np.testing.assert_array_equal(getattr(weak, name), getattr(strong, name))
    carries = draw_latents(SMALL).confounder[weak.item]
    np.testing.assert_array_equal(weak.like[~carries], strong.like[~carries])
    assert strong.like[carries].mean() > weak.like[carries].mean() + 0.3
    assert (strong.like >= weak.like).all()


def test_everything_shown_and_no_intercept_clicks_half():
    config = WorldConfig(users=200, items=300, shown=300, click_intercept=0.0)
    assert len(drawn(config).user) / (200 * 300) == pytest.approx(0.5, abs=0.02)


def test_what_was_shown_and_not_clicked_can_be_kept_and_adds_no_like():
    clicks, shown = drawn(SMALL), drawn(SMALL, unclicked=True)
    assert len(shown.user) == SMALL.users * SMALL.shown
    for name, column in vars(clicks).items():
        np.testing.assert_array_equal(getattr(shown, name)[shown.click], column)
    assert not shown.like[~shown.click].any()


def test_stars_are_high_for_likes_alone():
    log = drawn(SMALL)
    assert set(log.stars[log.like]) == {4, 5}
    assert set(log.stars[~log.like]) == {1, 2, 3}


def test_drift_weakens_the_confounder_before_the_end_and_touches_nothing_else():
    still, drifting = drawn(SMALL), drawn(SMALL.model_copy(update={"drift": 6.0}))
    np.testing.assert_array_equal(still.timestamp, drifting.timestamp)
    carries = draw_latents(SMALL).confounder[still.item]
    np.testing.assert_array_equal(still.like[~carries], drifting.like[~carries])
    late = still.timestamp - START > 0.8 * SMALL.days * DAY
    early = still.timestamp - START < 0.2 * SMALL.days * DAY
    lost = [still.like[part].mean() - drifting.like[part].mean() for part in (carries & early, carries & late)]
    assert lost[0] > 0.35 and 0 <= lost[1] < 0.15
