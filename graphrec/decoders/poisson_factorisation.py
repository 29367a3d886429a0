"""Poisson factorisation of who was exposed to what: the exposure model of the deconfounded recommender.

Gopalan, Hofman and Blei, "Scalable Recommendation with Hierarchical Poisson Factorization" (UAI 2015), section 2,
without the hierarchy, as DCF uses it (Wang, Liang, Charlin and Blei, RecSys 2020):

    theta_uk, beta_ik ~ Gamma(shape, rate);   a_ui ~ Poisson(sum over k of theta_uk beta_ik)

The posterior is approximated by independent gammas, one for every entry, fitted by coordinate ascent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from scipy.special import digamma, gammaln
from torch import Tensor

from graphrec.seeding import generator


@dataclass(frozen=True)
class PoissonFactors:
    """Posterior means, so that E[a_ui] = user_u . item_i, and the bound before the first sweep and after each.

    Shapes:
        user: `[U, k]` float64; item: `[I, k]` float64.
    """

    user: Tensor
    item: Tensor
    elbo: list[float]


def fit_poisson_factorisation(
    pairs: Tensor,
    num_users: int,
    num_items: int,
    *,
    width: int = 10,
    shape: float = 0.3,
    rate: float = 0.3,
    sweeps: int = 100,
    tolerance: float = 1e-4,
    seed: int = 0,
) -> PoissonFactors:
    """Factorise the binary exposure matrix whose ones are `pairs`; its zeros cost nothing.

    Args:
        pairs: `[E, 2]` user and item rows in any order; a pair that stands there twice counts once.
        width: k.
        shape, rate: of the gamma priors on both sides.
        sweeps: the most there are.
        tolerance: the fit ends when a sweep changes the evidence lower bound by less than this share of it.
        seed: of the start; the same pairs and seed give the same bits.
    """
    exposed = _matrix(pairs, num_users, num_items)
    rows, columns = exposed.nonzero()

    def start(side: str, size: int) -> _Gammas:
        chance = generator(seed, "poisson factorisation", side)
        return _Gammas(0.5 + torch.rand(size, width, dtype=torch.float64, generator=chance), np.ones(width))

    user, item = start("user", num_users), start("item", num_items)
    elbo: list[float] = []
    while True:
        by_user, by_item = user.geometric_mean(), item.geometric_mean()
        expected = _inner(by_user, by_item, rows, columns)
        bound = np.log(expected).sum() - user.mean().sum(0) @ item.mean().sum(0)
        elbo.append(float(bound - user.divergence(shape, rate) - item.divergence(shape, rate)))
        if len(elbo) > sweeps or (len(elbo) > 1 and abs(elbo[-1] - elbo[-2]) < tolerance * abs(elbo[-1])):
            return PoissonFactors(torch.from_numpy(user.mean()), torch.from_numpy(item.mean()), elbo)
        # Edge (u, i) is shared out over k by theta_uk beta_ik / expected; the sums over edges are two sparse products.
        exposed.data = 1 / expected
        user = _Gammas(shape + by_user * (exposed @ by_item), rate + item.mean().sum(0))
        item = _Gammas(shape + by_item * (exposed.T @ by_user), rate + user.mean().sum(0))


class _Gammas:
    """Independent Gamma(shape, rate) posteriors: shape `[n, k]`, rate `[k]`."""

    def __init__(self, shape: np.ndarray | Tensor, rate: np.ndarray) -> None:
        self.shape, self.rate = np.asarray(shape), rate

    def mean(self) -> np.ndarray:
        return self.shape / self.rate

    def geometric_mean(self) -> np.ndarray:
        """exp E[log x]."""
        return np.exp(digamma(self.shape)) / self.rate

    def divergence(self, shape: float, rate: float) -> float:
        """Sum of the Kullback-Leibler divergences from the prior Gamma(shape, rate)."""
        own = self.shape
        each = (own - shape) * digamma(own) - gammaln(own) + gammaln(shape) + own * (rate / self.rate - 1)
        return float(each.sum() + len(own) * shape * np.log(self.rate / rate).sum())


def _matrix(pairs: Tensor, num_users: int, num_items: int) -> sparse.csr_array:
    users, items = pairs.cpu().numpy().astype(np.int64).T
    exposed = sparse.csr_array((np.ones(len(users)), (users, items)), shape=(num_users, num_items))
    exposed.sum_duplicates()
    return exposed


def _inner(user: np.ndarray, item: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Inner products at the edges `[E]`, a factor at a time: never more than a few numbers an edge."""
    found = np.zeros(len(rows))
    for u, i in zip(np.ascontiguousarray(user.T), np.ascontiguousarray(item.T)):
        found += u[rows] * i[columns]
    return found
