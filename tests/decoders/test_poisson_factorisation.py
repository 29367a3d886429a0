"""Poisson factorisation: the ascent, the structure it finds, and agreement with a dense fit written apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import digamma, gammaln
from torch import Tensor

from graphrec.decoders.poisson_factorisation import PoissonFactors, fit_poisson_factorisation


def random_pairs(users: int = 30, items: int = 40, share: float = 0.15) -> Tensor:
    return torch.from_numpy(np.argwhere(np.random.default_rng(3).random((users, items)) < share))


def expected(fit: PoissonFactors) -> np.ndarray:
    """E[a] `[U, I]`."""
    return (fit.user @ fit.item.T).numpy()


def test_the_bound_never_falls() -> None:
    fit = fit_poisson_factorisation(random_pairs(), 30, 40, width=6, tolerance=0, sweeps=80)
    assert len(fit.elbo) == 81
    steps = np.diff(fit.elbo)
    assert (steps > -1e-9 * np.abs(fit.elbo[1:])).all()
    assert steps[:5].min() > 0


def test_a_fit_ends_when_a_sweep_no_longer_helps() -> None:
    fit = fit_poisson_factorisation(random_pairs(), 30, 40, width=6, tolerance=1e-3)
    shares = np.abs(np.diff(fit.elbo) / fit.elbo[1:])
    assert 1 < len(shares) < 100
    assert shares[-1] < 1e-3 <= shares[:-1].min()


def test_planted_blocks_are_found() -> None:
    random = np.random.default_rng(0)
    user_block, item_block = np.repeat(np.arange(4), 50), np.repeat(np.arange(4), 60)
    own = user_block[:, None] == item_block
    shown = random.random(own.shape) < np.where(own, 0.3, 0.01)
    held_out = own & ~shown
    for seed in range(3):
        fit = fit_poisson_factorisation(torch.from_numpy(np.argwhere(shown)), 200, 240, width=4, seed=seed)
        rate = expected(fit)
        assert 0.25 < rate[held_out].mean() < 0.35
        assert rate[~own].mean() < 0.02
        for side in (fit.user, fit.item):
            assert sorted(side.reshape(4, -1, 4).mean(1).argmax(1).tolist()) == [0, 1, 2, 3]


def test_expected_exposures_add_up_to_those_seen_and_the_prior() -> None:
    pairs = random_pairs(300, 200)
    fit = fit_poisson_factorisation(pairs, 300, 200, width=5)
    rate = expected(fit)
    assert rate.sum() == pytest.approx(len(pairs) + 200 * 5 * 0.3 - 0.3 * float(fit.item.sum()))
    assert np.corrcoef(rate.sum(1), np.bincount(pairs[:, 0], minlength=300))[0, 1] > 0.98


def test_the_sparse_fit_is_the_dense_one() -> None:
    """Every local variable in full, for every user, item and factor; the start is taken from the sparse fit."""
    users, items, width, shape, rate, sweeps = 12, 15, 3, 0.4, 0.7, 8
    pairs = random_pairs(users, items, 0.3)
    settings = {"width": width, "shape": shape, "rate": rate, "tolerance": 0.0}
    start = fit_poisson_factorisation(pairs, users, items, sweeps=0, **settings)
    actual = fit_poisson_factorisation(pairs, users, items, sweeps=sweeps, **settings)

    seen = np.zeros((users, items))
    seen[tuple(pairs.numpy().T)] = 1
    theta_shape, beta_shape = start.user.numpy(), start.item.numpy()  # the start has rates of one
    theta_rate, beta_rate = np.ones((users, width)), np.ones((items, width))
    bounds = []
    for _ in range(sweeps + 1):
        log_theta, log_beta = digamma(theta_shape) - np.log(theta_rate), digamma(beta_shape) - np.log(beta_rate)
        phi = np.exp(log_theta[:, None] + log_beta[None])
        phi /= phi.sum(axis=2, keepdims=True)
        bound = (seen[..., None] * phi * (log_theta[:, None] + log_beta[None] - np.log(phi))).sum()
        bound -= ((theta_shape / theta_rate) @ (beta_shape / beta_rate).T).sum()
        for own, own_rate, log in ((theta_shape, theta_rate, log_theta), (beta_shape, beta_rate, log_beta)):
            prior = shape * np.log(rate) - gammaln(shape) + (shape - 1) * log - rate * own / own_rate
            entropy = own - np.log(own_rate) + gammaln(own) + (1 - own) * digamma(own)
            bound += (prior + entropy).sum()
        bounds.append(bound)
        mean = theta_shape / theta_rate, beta_shape / beta_rate
        if len(bounds) > sweeps:
            break
        for u in range(users):
            for k in range(width):
                theta_shape[u, k] = shape + sum(seen[u, i] * phi[u, i, k] for i in range(items))
                theta_rate[u, k] = rate + mean[1][:, k].sum()
        for i in range(items):
            for k in range(width):
                beta_shape[i, k] = shape + sum(seen[u, i] * phi[u, i, k] for u in range(users))
                beta_rate[i, k] = rate + (theta_shape[:, k] / theta_rate[:, k]).sum()
    np.testing.assert_allclose(actual.user, mean[0], rtol=1e-9)
    np.testing.assert_allclose(actual.item, mean[1], rtol=1e-9)
    np.testing.assert_allclose(actual.elbo, bounds, rtol=1e-9)


def test_neither_the_order_of_pairs_nor_their_repetition_matters() -> None:
    pairs = random_pairs()
    shuffled = pairs[torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0))]
    first = fit_poisson_factorisation(pairs, 30, 40)
    for same in (shuffled, torch.cat([shuffled, pairs[:20]])):
        again = fit_poisson_factorisation(same, 30, 40)
        assert torch.equal(first.user, again.user) and torch.equal(first.item, again.item)
        assert first.elbo == again.elbo
    other = fit_poisson_factorisation(pairs, 30, 40, seed=1)
    assert not torch.equal(first.user, other.user)


def test_without_exposure_little_is_expected() -> None:
    pairs = random_pairs(29, 39)
    fit = fit_poisson_factorisation(pairs, 30, 40, width=5)
    rate = expected(fit)
    assert (rate > 0).all()
    assert rate[29].mean() < 0.4 * rate[:29].mean() and rate.sum(1).argmin() == 29
    assert rate[:, 39].mean() < 0.4 * rate[:, :39].mean() and rate.sum(0).argmin() == 39
    nothing = fit_poisson_factorisation(pairs[:0], 5, 6)
    assert 0 < expected(nothing).max() < 1  # the prior expects 10
