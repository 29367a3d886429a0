"""Bags: rows that sum to one, and labels and prices that land in the right column."""

import numpy as np

from graphrec.data.bags import bag, count_bag, one_hot, price_bands


def test_rows_sum_to_one_or_are_missing():
    feature = bag(np.array([0, 0, 2, 0]), np.array([1, 0, 1, 1]), np.array([1, 2, 5, 1]), (3, 2), ["x", "y"])
    assert feature.values.toarray().tolist() == [[0.5, 0.5], [0, 0], [0, 1]]
    assert feature.mask.tolist() == [True, False, True]
    assert feature.columns == ("x", "y")


def test_labels_become_columns_in_order():
    feature = one_hot(np.array([30, 7, 0, 30]), np.array([True, True, False, True]))
    assert feature.columns == ("7", "30")
    assert feature.values.toarray().tolist() == [[0, 1], [1, 0], [0, 0], [0, 1]]


def test_prices_fall_into_equal_bands_in_order():
    prices = np.random.default_rng(0).lognormal(size=1000)
    feature = price_bands(prices)
    assert feature.values.sum(axis=0).tolist() == [50.0] * 20
    bands = feature.values.toarray().argmax(axis=1)
    assert (np.diff(bands[np.argsort(prices)]) >= 0).all()


def test_prices_without_meaning_are_missing_and_ties_share_a_band():
    feature = price_bands(np.array([5.0, 5.0, 5.0, 9.0, 0.0, -1.0, np.nan]))
    assert feature.mask.tolist() == [True] * 4 + [False] * 3
    assert feature.columns == ("5 to 5", "9 to 9")
    assert price_bands(np.array([0.0, np.nan])).width == 0


def test_counted_words_are_shares_and_rare_ones_are_left_out():
    feature, left_out = count_bag([0, 0, 2, 2, 2], ["b", "a", "a", "a", "c"], items=3, least=2)
    assert feature.columns == ("a",)
    assert feature.values.toarray().tolist() == [[1], [0], [1]]
    assert (feature.mask.tolist(), left_out) == ([True, False, True], 2)
    every, left_out = count_bag([0, 0, 2, 2, 2], ["b", "a", "a", "a", "c"], items=3)
    np.testing.assert_allclose(every.values.toarray(), [[1 / 2, 1 / 2, 0], [0, 0, 0], [2 / 3, 0, 1 / 3]])
    assert left_out == 0


def test_no_words_make_a_bag_without_columns():
    feature, _ = count_bag([], [], items=2)
    assert feature.values.shape == (2, 0) and not feature.mask.any()
