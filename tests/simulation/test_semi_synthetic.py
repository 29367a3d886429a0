"""A semi-synthetic twin keeps items, features and activity, and its feedback follows the equations."""

import numpy as np
import pytest

from graphrec.causal import CausalGraph
from graphrec.checks.dataset import check
from graphrec.data.dataset import InteractionDataset
from graphrec.data.prepare import prepare
from graphrec.data.store import load, save
from graphrec.errors import DataError, RecipeError
from graphrec.simulation import Truth, simulate, worlds
from graphrec.simulation.semi_synthetic import derive_latents, semi_synthetic_config


@pytest.fixture(scope="module")
def real(tiny_prepared):
    """A prepared dataset that stands for a real one."""
    return tiny_prepared


@pytest.fixture(scope="module")
def twin(real, tmp_path_factory):
    return simulate("tiktok", tmp_path_factory.mktemp("semi") / "twin", dataset=real, strength=4)


def clicks_of(dataset):
    return np.bincount(dataset.pairs("click")["user"], minlength=dataset.num_users)


def test_items_features_and_activity_are_kept_and_the_feedback_is_not(real, twin):
    before, after = load(real), load(twin / "prepared")
    np.testing.assert_array_equal(before.user_ids, after.user_ids)
    np.testing.assert_array_equal(before.item_ids, after.item_ids)
    for name, feature in before.features.items():
        assert abs(feature.values - after.features[name].values).max() == 0
        np.testing.assert_array_equal(feature.mask, after.features[name].mask)
    settings = after.provenance["simulated"]["semi_synthetic"]
    short = clicks_of(before) - clicks_of(after)
    assert (short >= 0).all() and short.sum() == settings["clicks_not_reached"] < 0.1 * clicks_of(before).sum()
    times = [
        sorted(dataset.pairs("click").loc[lambda pairs: pairs["user"] == 3, "timestamp"]) for dataset in (before, after)
    ]
    assert set(times[1]) <= set(times[0])
    pairs = [set(zip(dataset.pairs("click")["user"], dataset.pairs("click")["item"])) for dataset in (before, after)]
    assert len(pairs[0] & pairs[1]) < 0.8 * len(pairs[0])
    assert not [finding for finding in check(after) if finding.severity == "error"]


def test_what_it_says_of_itself_is_true_of_it_and_not_of_a_world_drawn_whole(real, twin):
    before, truth = load(real), Truth.load(twin)
    words = (twin / "truth" / "README.md").read_text()
    assert "q_i, e_i ~ N(0, 1)" not in words and "v_i ~ Bernoulli(0.1), hidden" not in words
    assert "e_i: random projections of textual; q_i: of visual, acoustic;" in words
    textual = before.features["textual"].mask
    assert truth.confounder()[textual].sum() == round(0.1 * textual.sum())
    assert (f"for the {(~textual).sum()} items without such features" in words) == (not textual.all())
    short = load(twin / "prepared").provenance["simulated"]["semi_synthetic"]["clicks_not_reached"]
    assert (f"; {short:,} clicks are missing" in words) == (short > 0)
    assert "times: those of the user's clicks in the dataset" in words
    assert "P(like | click) = s(match_ui + 4 v_i -4)" in words
    assert ("U", "S") in CausalGraph.from_file(twin / "truth" / "dag.json").edges


def test_likes_follow_the_truth(twin):
    dataset, truth = load(twin / "prepared"), Truth.load(twin)
    likes = dataset.pairs("like")
    clicked = dataset.pairs("click")
    chance = truth.like_given_click(np.arange(truth.num_users), intervene=False)[clicked["user"], clicked["item"]]
    assert len(likes) == pytest.approx(chance.sum(), abs=4 * np.sqrt((chance * (1 - chance)).sum()))


def test_latents_are_of_unit_spread_and_read_off_the_features(real):
    dataset = load(real)
    config = semi_synthetic_config(worlds.get("tiktok"), dataset, {"prevalence": 0.2})
    latents = derive_latents(config, dataset)
    for values in (latents.content, latents.exposure):
        np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-9)
    assert latents.confounder.sum() == round(0.2 * dataset.num_items)
    visual = dataset.features["visual"].values.astype(float)
    centred = visual - visual.mean(0)
    fitted = centred @ np.linalg.lstsq(centred, latents.content, rcond=1e-8)[0]
    again = derive_latents(config, dataset)
    np.testing.assert_array_equal(again.exposure, latents.exposure)
    assert np.corrcoef(fitted[:, 0], latents.content[:, 0])[0, 1] > 0.8


def test_items_without_features_draw_their_latents(real):
    dataset = load(real)
    gone = {name: feature for name, feature in dataset.features.items() if name == "visual"}
    gone["visual"].mask[:10] = False
    part = InteractionDataset(**{**vars(dataset), "features": gone})
    config = semi_synthetic_config(worlds.get("tiktok"), part, {})
    latents = derive_latents(config, part)
    assert np.isfinite(latents.content).all() and latents.content[:10].std() > 0.5


def test_the_seed_decides(real, twin, tmp_path):
    again = simulate("tiktok", tmp_path / "again", dataset=real, strength=4)
    other = simulate("tiktok", tmp_path / "other", dataset=real, strength=4, seed=1)
    log, same, different = (load(folder / "prepared").interactions for folder in (twin, again, other))
    assert log.equals(same) and not log.equals(different)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"users": 5}, "`users` is the dataset's"),
        ({"words": 5}, "no setting `words`"),
        ({"strenght": 5}, "did you mean `strength`"),
    ],
)
def test_settings_that_the_dataset_decides_are_refused(real, tmp_path, settings, message):
    with pytest.raises(RecipeError, match=message):
        simulate("tiktok", tmp_path / "w", dataset=real, **settings)
    assert not (tmp_path / "w").exists()


def test_a_dataset_without_features_is_refused(real, tmp_path):
    dataset = load(real)
    save(InteractionDataset(**{**vars(dataset), "features": {}, "roles": {}}), tmp_path / "bare")
    with pytest.raises(DataError, match="needs items with features"):
        simulate("tiktok", tmp_path / "w", dataset=tmp_path / "bare")


@pytest.mark.realdata
@pytest.mark.slow
def test_the_real_tiktok_gets_simulated_feedback(realdata, tmp_path):
    data = prepare("tiktok", realdata("tiktok_hkuds"), tmp_path / "real")
    out = simulate("tiktok", tmp_path / "twin", dataset=data)
    before, after = load(data), load(out / "prepared")
    assert clicks_of(after).sum() > 0.97 * clicks_of(before).sum()
    assert 0.02 < len(after.pairs("like")) / len(after.pairs("click")) < 0.6
    assert Truth.load(out).confounder().mean() == pytest.approx(0.1, abs=0.01)
