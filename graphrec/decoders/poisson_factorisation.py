"""Poisson factorisation of the exposure matrix: the exposure model of the deconfounded recommender.

"Scalable Recommendation with Hierarchical Poisson Factorization" (Prem Gopalan, Jake M. Hofman and David M. Blei, UAI
2015), section 2, without the hierarchy, as in DCF ("Causal Inference for Recommender Systems", Wang et al., RecSys
2020):

    theta_uk, beta_ik ~ Gamma(shape, rate);   a_ui ~ Poisson(sum over k of theta_uk beta_ik)

The posterior is approximated by independent gamma distributions, one for every entry, with coordinate ascent.
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
    """Posterior means, with E[a_ui] = user_u . item_i.

    Args:
        user: `[U, k]` float64.
        item: `[I, k]` float64.
        elbo: the evidence lower bound before the first sweep and after each sweep.

    Example:
        >>> pairs = torch.tensor([[0, 0], [1, 1]])
        >>> factors = fit_poisson_factorisation(pairs, num_users=2, num_items=3, width=2)
        >>> factors.user.shape, factors.item.shape, factors.elbo == sorted(factors.elbo)
        (torch.Size([2, 2]), torch.Size([3, 2]), True)
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
    """Factorise the binary exposure matrix whose ones are `pairs`. Time and memory grow with the ones alone.

    Args:
        pairs: `[E, 2]` user and item rows in any order; a repeated pair counts once.
        num_users: U.
        num_items: I.
        width: k.
        shape: of the gamma priors on both sides.
        rate: of the gamma priors on both sides.
        sweeps: the maximum number of sweeps.
        tolerance: the fit ends when a sweep changes the evidence lower bound by less than this share of it.
        seed: of the initial values. The same pairs and seed give the same bits.

    Example:
        >>> pairs = torch.tensor([[u, i] for u in range(6) for i in range(6) if (u < 3) == (i < 3)])  # two blocks
        >>> factors = fit_poisson_factorisation(pairs, 6, 6, width=2)
        >>> exposure = factors.user @ factors.item.T
        >>> bool(exposure[0, 1] > 5 * exposure[0, 4])
        True
    """
    exposed = _matrix(pairs, num_users, num_items)
    rows, columns = exposed.nonzero()

    def start(side: str, size: int) -> _Gammas:
        random = generator(seed, "poisson factorisation", side)
        return _Gammas(0.5 + torch.rand(size, width, dtype=torch.float64, generator=random), np.ones(width))

    user, item = start("user", num_users), start("item", num_items)
    elbo: list[float] = []
    while True:
        by_user, by_item = user.geometric_mean(), item.geometric_mean()
        expected = _inner(by_user, by_item, rows, columns)
        bound = np.log(expected).sum() - user.mean().sum(0) @ item.mean().sum(0)
        elbo.append(float(bound - user.divergence(shape, rate) - item.divergence(shape, rate)))
        if len(elbo) > sweeps or (len(elbo) > 1 and abs(elbo[-1] - elbo[-2]) < tolerance * abs(elbo[-1])):
            return PoissonFactors(torch.from_numpy(user.mean()), torch.from_numpy(item.mean()), elbo)
        # An exposure is divided among the factors k in proportion to theta_uk beta_ik, whose sum over k is `expected`.
        # Summed over the edges this is a sparse product on each side, so no `[E, k]` table exists.
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
        posterior = self.shape
        terms = (posterior - shape) * digamma(posterior) - gammaln(posterior) + gammaln(shape)
        terms = terms + posterior * (rate / self.rate - 1)
        return float(terms.sum() + len(posterior) * shape * np.log(self.rate / rate).sum())


def _matrix(pairs: Tensor, num_users: int, num_items: int) -> sparse.csr_array:
    users, items = pairs.cpu().numpy().astype(np.int64).T
    exposed = sparse.csr_array((np.ones(len(users)), (users, items)), shape=(num_users, num_items))
    exposed.sum_duplicates()
    return exposed


def _inner(user: np.ndarray, item: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Inner products at the edges `[E]`, one factor at a time, so that memory holds a few numbers per edge."""
    products = np.zeros(len(rows))
    for u, i in zip(np.ascontiguousarray(user.T), np.ascontiguousarray(item.T)):
        products += u[rows] * i[columns]
    return products
