"""The truth: its equations, agreement with the log, measures, and that the instrument sees confounding."""

import numpy as np
import pytest
import torch

from graphrec.errors import DataError, UnknownIdError, UnknownNameError
from graphrec.simulation.log import draw_log
from graphrec.simulation.oracle import best_items, ndcg_at_k, oracle_gap, regret_at_k
from graphrec.simulation.truth import Truth
from graphrec.simulation.world import Latents, WorldConfig, draw_latents
from graphrec.top_k import top_k

INSTRUMENT = {"users": 200, "items": 1500, "shown": 180, "prevalence": 0.1}


def truth_of(**settings):
    config = WorldConfig(**{"users": 60, "items": 90, "shown": 40, "prevalence": 0.3} | settings)
    return Truth(
        config=config,
        latents=draw_latents(config),
        user_ids=np.asarray([f"u{row}" for row in range(config.users)], dtype=object),
        item_ids=np.asarray([f"i{row}" for row in range(config.items)], dtype=object),
        user_rows=np.arange(config.users),
        item_rows=np.arange(config.items),
    )


def with_confounder(truth, value):
    latents = Latents(**vars(truth.latents) | {"confounder": np.full(truth.num_items, value)})
    return Truth(**vars(truth) | {"latents": latents})


def train_clicks(truth):
    log = draw_log(truth.config, truth.latents)
    return np.stack([log.user, log.item], axis=1)[: int(0.7 * len(log.user))]


def test_intervening_averages_the_observed_over_the_confounder():
    truth = truth_of()
    users = np.array([3, 50])
    everywhere = with_confounder(truth, True).observational(users)
    nowhere = with_confounder(truth, False).observational(users)
    np.testing.assert_allclose(truth.interventional(users), 0.3 * everywhere + 0.7 * nowhere)
    carries = truth.confounder()
    np.testing.assert_array_equal(truth.observational(users)[:, carries], everywhere[:, carries])
    np.testing.assert_array_equal(truth.observational(users)[:, ~carries], nowhere[:, ~carries])


def test_a_like_is_a_click_times_a_like_given_the_click():
    truth = truth_of()
    users = np.arange(5)
    click = truth.click_probability(users)
    np.testing.assert_array_equal(truth.observational(users), click * truth.like_given_click(users, False))
    np.testing.assert_array_equal(truth.interventional(users), click * truth.like_given_click(users, True))
    assert (truth.interventional(users) < click).all()


def test_the_log_was_drawn_from_this_truth():
    truth = truth_of(users=400, items=300, shown=150)
    users = np.arange(400)
    log = draw_log(truth.config, truth.latents)
    clicks = truth.click_probability(users)
    assert len(log.user) == pytest.approx(clicks.sum() / 2, abs=4 * np.sqrt(clicks.sum() / 2))
    likes = truth.like_given_click(users, intervene=False)[log.user, log.item]
    for part in (truth.confounder()[log.item], ~truth.confounder()[log.item]):
        spread = np.sqrt((likes * (1 - likes))[part].sum())
        assert log.like[part].sum() == pytest.approx(likes[part].sum(), abs=4 * spread)


def test_drawn_likes_follow_the_intervention_and_survive_restriction():
    truth = truth_of(users=300, items=200)
    users = np.arange(300)
    likes = truth.draw_likes(users, seed=5)
    chance = truth.interventional(users)
    assert likes.sum() == pytest.approx(chance.sum(), abs=4 * np.sqrt((chance * (1 - chance)).sum()))
    assert not np.array_equal(likes, truth.draw_likes(users, seed=6))
    part = truth.align(truth.user_ids[[9, 2]], truth.item_ids[::-3])
    np.testing.assert_array_equal(part.draw_likes(np.array([1, 0]), seed=5), likes[[2, 9]][:, ::-3])


def test_once_clicked_an_item_satisfies_by_the_match_alone():
    truth = truth_of()
    users = np.arange(60)
    np.testing.assert_allclose(truth.interventional(users), truth.click_probability(users) * truth.satisfaction(users))
    plain, loud = (truth_of(attraction_scale=scale) for scale in (0.0, 5.0))
    np.testing.assert_array_equal(plain.satisfaction(users), loud.satisfaction(users))
    opened, shown = (truth.draw_likes(users, 3, target) for target in ("satisfaction", "like"))
    np.testing.assert_array_equal(shown, truth.draw_likes(users, 3))
    assert (opened >= shown).all()
    chance = truth.satisfaction(users)
    assert opened.sum() == pytest.approx(chance.sum(), abs=4 * np.sqrt((chance * (1 - chance)).sum()))


@pytest.mark.parametrize("call", ["effect", "observed"])
def test_an_unknown_target_names_the_known_ones(call):
    with pytest.raises(UnknownNameError, match="did you mean `satisfaction`"):
        getattr(truth_of(), call)(np.array([0]), "satisfactoin")


def test_align_restricts_and_reorders_by_external_ids():
    truth = truth_of()
    part = truth.align(np.array(["u7", "u1"]), np.array(["i5", "i80", "i2"]))
    users = np.array([0, 1])
    np.testing.assert_allclose(
        part.interventional(users), truth.interventional(np.array([7, 1]))[:, [5, 80, 2]], rtol=1e-12
    )
    np.testing.assert_array_equal(part.confounder(), truth.confounder()[[5, 80, 2]])
    with pytest.raises(UnknownIdError, match="i999"):
        truth.align(np.array(["u1"]), np.array(["i5", "i999"]))


def test_a_saved_truth_comes_back_to_the_bit(tmp_path):
    truth = truth_of().align(np.array(["u7", "u1"]), np.array(["i5", "i80"]))
    truth.save(tmp_path / "truth")
    for folder in (tmp_path, tmp_path / "truth"):
        loaded = Truth.load(folder)
        assert loaded.config == truth.config
        assert loaded.user_ids.tolist() == ["u7", "u1"]
        users = np.array([0, 1])
        np.testing.assert_array_equal(loaded.observational(users), truth.observational(users))
        np.testing.assert_array_equal(loaded.draw_likes(users, 0), truth.draw_likes(users, 0))


@pytest.mark.parametrize("damage", ["nothing", "tensors", "description", "config"])
def test_a_missing_or_broken_truth_is_a_typed_error(tmp_path, damage):
    if damage != "nothing":
        truth_of().save(tmp_path)
    if damage == "tensors":
        (tmp_path / "latents.safetensors").write_bytes(b"broken")
    if damage == "description":
        (tmp_path / "world.json").write_text("{")
    if damage == "config":
        text = (tmp_path / "world.json").read_text()
        (tmp_path / "world.json").write_text(text.replace('"prevalence": 0.3', '"prevalence": 3'))
    with pytest.raises(DataError):
        Truth.load(tmp_path)


def test_best_items_are_in_order_and_only_candidates():
    values = np.array([[0.1, 0.9, 0.5, 0.7], [0.4, 0.3, 0.2, 0.1]])
    assert best_items(values, 3).tolist() == [[1, 3, 2], [0, 1, 2]]
    candidates = np.array([[True, False, True, True], [False, True, False, False]])
    assert best_items(values, 2, candidates).tolist() == [[3, 2], [1, -1]]
    assert best_items(values, 9).shape == (2, 4)


def test_best_items_break_ties_as_every_ranking_does():
    random = np.random.default_rng(0)
    values = random.integers(0, 4, (200, 60)) / 4
    for k in (1, 5, 60):
        expected = np.argsort(-values, axis=1, kind="stable")[:, :k]
        np.testing.assert_array_equal(best_items(values, k), expected)
        np.testing.assert_array_equal(best_items(values, k), top_k(torch.from_numpy(values), k).numpy())
    candidates = random.random(values.shape) < 0.5
    masked = np.where(candidates, values, -1.0)
    expected = np.argsort(-masked, axis=1, kind="stable")[:, :5]
    np.testing.assert_array_equal(best_items(values, 5, candidates), expected)


def test_regret_is_the_share_of_expected_likes_left_behind():
    truth = truth_of()
    users = np.array([4, 8])
    value = truth.interventional(users)
    best = np.argsort(-value, axis=1)
    np.testing.assert_allclose(regret_at_k(best[:, :5], value), 0, atol=1e-12)
    worst = best[:, -5:]
    most = np.take_along_axis(value, best[:, :5], 1).sum(axis=1)
    expected = 1 - np.take_along_axis(value, worst, 1).sum(axis=1) / most
    np.testing.assert_allclose(regret_at_k(worst, value), expected)
    candidates = np.ones_like(value, dtype=bool)
    np.put_along_axis(candidates, best[:, :5], False, 1)
    np.testing.assert_allclose(regret_at_k(best[:, 5:10], value, candidates), 0, atol=1e-12)
    np.testing.assert_allclose(regret_at_k(np.full((2, 5), -1), value), 1)
    with pytest.raises(DataError, match="no candidate"):
        regret_at_k(best[:, :5], value, candidates)


def test_ndcg_by_hand():
    likes = np.array([[True, False, True, False], [False, False, False, False], [False, True, False, False]])
    ranked = np.array([[1, 2, 0], [0, 1, 2], [3, 2, -1]])
    ideal = 1 + 1 / np.log2(3)
    first = (1 / np.log2(3) + 1 / np.log2(4)) / ideal
    np.testing.assert_allclose(ndcg_at_k(ranked, likes), [first, np.nan, 0.0])
    without_second = np.array([[True, True, False, True]] * 3)
    listed = np.array([[1, 0], [0, 1], [1, 3]])
    np.testing.assert_allclose(ndcg_at_k(listed, likes, without_second), [1 / np.log2(3), np.nan, 1.0])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_observational_oracle_loses_under_confounding(seed):
    truth = truth_of(**INSTRUMENT, seed=seed)
    gap = oracle_gap(truth, train_clicks(truth), k=50, seed=seed)
    assert gap.loss >= 0.15
    assert gap.regret_observational >= 0.15
    assert gap.interventional_ndcg > gap.observational_ndcg > 0


def test_the_oracles_agree_without_confounding():
    truth = truth_of(**INSTRUMENT, strength=0.0)
    gap = oracle_gap(truth, train_clicks(truth), k=50)
    assert abs(gap.loss) < 1e-6
    assert abs(gap.regret_observational) < 1e-9


@pytest.mark.parametrize(("attraction", "least", "most"), [(0.0, -1e-9, 1e-9), (1.0, 0.05, 0.15), (2.0, 0.2, 0.4)])
def test_visual_features_that_draw_clicks_cost_a_ranking_by_clicks_its_satisfaction(attraction, least, most):
    truth = truth_of(**INSTRUMENT, strength=0.0, attraction_scale=attraction)
    gap = oracle_gap(truth, train_clicks(truth), k=50, target="satisfaction")
    assert least <= gap.loss <= most
    assert least <= gap.regret_observational <= most
    assert gap.interventional_ndcg > 0.6


def test_excluded_pairs_are_not_recommended_and_must_fit():
    truth = truth_of(users=5, items=60)
    liked = np.argwhere(truth.draw_likes(np.arange(5), 0))
    with pytest.raises(DataError, match="no like was drawn"):
        oracle_gap(truth, liked, k=5)
    assert oracle_gap(truth, None, k=5).interventional_ndcg > 0
    for wrong in (np.array([[0, 60]]), np.array([[-1, 0]]), np.array([0, 1])):
        with pytest.raises(DataError, match="do not fit"):
            oracle_gap(truth, wrong, k=5)
