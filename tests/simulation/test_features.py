"""Pictures and sounds carry the content of an item, titles its exposure taste and the confounder."""

import numpy as np
import pytest
from scipy.stats import rankdata

from graphrec.simulation.tiktok import TiktokConfig, draw_features
from graphrec.simulation.world import draw_latents


def held_out_ridge(inputs, target, penalty, folds=5):
    """Predictions of a ridge regression, each from a fit that did not see its row."""
    fold = np.random.default_rng(0).integers(folds, size=len(inputs))
    predicted = np.empty(len(inputs))
    for number in range(folds):
        fit = fold != number
        centre, level = inputs[fit].mean(axis=0), target[fit].mean()
        centred = inputs[fit] - centre
        gram = centred.T @ centred + penalty * np.eye(inputs.shape[1])
        predicted[~fit] = (inputs[~fit] - centre) @ np.linalg.solve(gram, centred.T @ (target[fit] - level)) + level
    return predicted


def auc(score, positive):
    rank = rankdata(score)
    count = positive.sum()
    return (rank[positive].sum() - count * (count + 1) / 2) / (count * (~positive).sum())


def drawn(**settings):
    config = TiktokConfig(**settings)
    latents = draw_latents(config)
    return config, latents, draw_features(config, latents)


def bags(features):
    counts = features.titles.toarray()
    return counts / counts.sum(axis=1, keepdims=True)


def test_the_confounder_is_legible_in_titles_of_the_default_world():
    _, latents, features = drawn()
    legible = auc(held_out_ridge(bags(features), latents.confounder.astype(float), 0.1), latents.confounder)
    assert legible > 0.99


def test_a_world_can_hide_the_confounder_from_the_titles():
    _, latents, features = drawn(word_confounder=0.0, vocabulary=300)
    hidden = auc(held_out_ridge(bags(features), latents.confounder.astype(float), 0.1), latents.confounder)
    assert abs(hidden - 0.5) < 0.1


def test_titles_tell_the_exposure_taste_and_pictures_the_content():
    _, latents, features = drawn(vocabulary=300)
    exposure, content = latents.exposure[:, 0], latents.content[:, 0]
    visual = features.visual.astype(float)
    assert np.corrcoef(held_out_ridge(bags(features), exposure, 0.1), exposure)[0, 1] > 0.8
    assert np.corrcoef(held_out_ridge(visual, content, 1.0), content)[0, 1] > 0.99
    assert abs(np.corrcoef(held_out_ridge(visual, exposure, 1.0), exposure)[0, 1]) < 0.15
    assert abs(auc(held_out_ridge(visual, latents.confounder.astype(float), 1.0), latents.confounder) - 0.5) < 0.15


def test_pictures_can_show_the_exposure_taste_and_the_confounder_instead():
    _, latents, features = drawn(vocabulary=300, exposure_shows="visual")
    exposure, content, confounder = latents.exposure[:, 0], latents.content[:, 0], latents.confounder
    visual, titles = features.visual.astype(float), bags(features)
    assert np.corrcoef(held_out_ridge(visual, exposure, 1.0), exposure)[0, 1] > 0.99
    assert auc(held_out_ridge(visual, confounder.astype(float), 1.0), confounder) > 0.99
    assert abs(np.corrcoef(held_out_ridge(visual, content, 1.0), content)[0, 1]) < 0.15
    assert np.corrcoef(held_out_ridge(titles, content, 0.1), content)[0, 1] > 0.8
    assert abs(np.corrcoef(held_out_ridge(titles, exposure, 0.1), exposure)[0, 1]) < 0.15
    assert abs(auc(held_out_ridge(titles, confounder.astype(float), 0.1), confounder) - 0.5) < 0.15
    _, _, usual = drawn(vocabulary=300)
    np.testing.assert_array_equal(features.acoustic, usual.acoustic)


def test_the_mark_in_pictures_is_one_direction_of_the_configured_length():
    settings = {"items": 100, "shown": 50, "exposure_shows": "visual"}
    _, latents, marked = drawn(**settings)
    _, _, plain = drawn(**settings, word_confounder=0.0)
    mark = marked.visual - plain.visual
    np.testing.assert_array_equal(mark[~latents.confounder], 0)
    np.testing.assert_allclose(mark[latents.confounder] - mark[latents.confounder][0], 0, atol=1e-5)
    assert np.linalg.norm(mark[latents.confounder][0]) == pytest.approx(3, rel=1e-5)


def test_titles_are_as_long_as_configured_and_never_empty():
    _, _, features = drawn(words=7.5, items=3000, vocabulary=50)
    lengths = features.titles.toarray().sum(axis=1)
    assert lengths.min() >= 1
    assert lengths.mean() == pytest.approx(7.5, abs=0.2)


def test_missing_takes_away_modalities_and_changes_no_other_value():
    _, _, whole = drawn(items=800, vocabulary=50)
    _, _, holey = drawn(items=800, vocabulary=50, missing=0.3)
    for name, has in holey.has.items():
        assert whole.has[name].all()
        assert has.mean() == pytest.approx(0.7, abs=0.07)
    assert not np.array_equal(holey.has["visual"], holey.has["acoustic"])
    np.testing.assert_array_equal(holey.visual, whole.visual * holey.has["visual"][:, None])
    np.testing.assert_array_equal(holey.titles.toarray(), whole.titles.toarray() * holey.has["title"][:, None])


def test_a_seed_draws_the_same_features_and_another_seed_others():
    _, _, features = drawn(items=100, shown=50, seed=1)
    _, _, again = drawn(items=100, shown=50, seed=1)
    _, _, other = drawn(items=100, shown=50, seed=2)
    np.testing.assert_array_equal(features.acoustic, again.acoustic)
    np.testing.assert_array_equal(features.titles.toarray(), again.titles.toarray())
    assert not np.array_equal(features.titles.toarray(), other.titles.toarray())
    assert not np.array_equal(features.visual, features.acoustic)


def test_titles_do_not_depend_on_the_block_of_items(monkeypatch):
    settings = {"items": 300, "vocabulary": 40, "words": 7.5}
    _, _, whole = drawn(**settings)
    monkeypatch.setattr("graphrec.simulation.features.WORD_BLOCK", 64)
    _, _, in_blocks = drawn(**settings)
    np.testing.assert_array_equal(in_blocks.titles.toarray(), whole.titles.toarray())
