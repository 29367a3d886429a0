"""The error of a mean over users and training seeds, which are crossed: every seed has a value for every user.

Of values x_su, S seeds by U users, the mean over all has the estimated variance V = V_seed + V_user, with

    V_seed = var_s(mean_u x_su) / S    V_user = var_u(mean_s x_su) / U    (each var with one degree of freedom less)

The interaction of seeds and users is in both, so V is not too small. For the difference of two methods, V_user is that
of the users' differences. V_seed is that of the seeds' differences where both are estimands of one training, which are
paired by seed; else it is the sum of both methods' own V_seed, with Welch's degrees of freedom f (Biometrika 1947).

A difference is compared with Student's t, with the quantile weighted as Cochran and Cox do for two means of unequal
variance (Experimental Designs, 1950):

    t = (V_seed t_f + V_user t_{U-1}) / V

Satterthwaite's approximation, one number of degrees of freedom for V as a whole, is not used. Its estimate is large
where three seeds happen to agree. Chance differences then pass, the more so the smaller the corrected level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

SMALLEST = 1e-100
"""The smallest p that is distinguished from 0."""
HALVINGS = 45
"""Steps of bisection. The range of log p is at most 230 wide, and ends 1e-11 wide."""


@dataclass(frozen=True)
class CrossedError:
    """Estimated variances of means, or of differences of means, over seeds and users.

    Args:
        seeds: `[...]`, V_seed.
        freedom: `[...]`, its degrees of freedom.
        users: `[...]`, V_user.
        count: U, the number of users.

    Example:
        >>> error = CrossedError(seeds=np.array(0.01), freedom=np.array(2), users=np.array(0.04), count=100)
        >>> round(float(error.margin()), 3), round(float(error.p(np.array(0.6))), 3)
        (0.547, 0.038)
    """

    seeds: np.ndarray
    freedom: np.ndarray
    users: np.ndarray
    count: int

    def margin(self, level: float = 0.95) -> np.ndarray:
        """`[...]` half of the interval's width."""
        return np.sqrt(self.seeds + self.users) * self._quantile(np.full(np.shape(self.seeds), np.log(1 - level)))

    def p(self, difference: np.ndarray) -> np.ndarray:
        """`[...]` two-sided p of a difference from 0: the level whose interval ends there.

        Where nothing varies it is 0 for a difference and 1 for none.
        """
        total = self.seeds + self.users
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(difference == 0, 0.0, np.abs(difference) / np.sqrt(total))
            alone = [2 * special.stdtr(freedom, -t) for freedom in (self.freedom, self.count - 1)]
        # The weighted quantile has no inverse in closed form. It is a mean of two quantiles, so p lies between the p of
        # seeds alone and that of users alone. Bisection of log p keeps small p precise.
        low, high = (np.log(np.maximum(end(*alone), SMALLEST)) for end in (np.minimum, np.maximum))
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            above = self._quantile(middle) > t
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        return np.where(np.isinf(t), 0.0, np.exp(high))

    def _quantile(self, log_p: np.ndarray) -> np.ndarray:
        """The weighted quantile that is exceeded on either side with probability p."""
        total = self.seeds + self.users
        weight = np.divide(self.seeds, total, out=np.zeros_like(total), where=total > 0)
        tail = np.exp(log_p) / 2
        return -(weight * special.stdtrit(self.freedom, tail) + (1 - weight) * special.stdtrit(self.count - 1, tail))


def error_of_mean(values: np.ndarray) -> CrossedError:
    """The error of the mean of `[S, U]` values, S and U at least 2.

    Example:
        >>> error = error_of_mean(np.array([[0.0, 1.0, 0.5], [0.2, 1.2, 0.7]]))
        >>> round(float(error.seeds), 4), round(float(error.users), 4)
        (0.01, 0.0833)
    """
    seeds, users = values.shape
    return CrossedError(
        values.mean(1).var(ddof=1) / seeds, np.array(seeds - 1), values.mean(0).var(ddof=1) / users, users
    )


def error_of_difference(first: np.ndarray, second: np.ndarray, *, paired: bool) -> CrossedError:
    """The error of the difference of the means of two methods, `[S, U]` values each.

    Args:
        first, second: on the same users in the same order.
        paired: both are of the same trainings, seed by seed.

    Example:
        >>> first = np.array([[0.0, 1.0, 0.5], [0.2, 1.2, 0.7]])
        >>> paired, separate = (error_of_difference(first, first + 0.1, paired=paired) for paired in (True, False))
        >>> round(float(paired.seeds), 3), round(float(separate.seeds), 3)  # all seeds differ by .1 alike
        (0.0, 0.02)
    """
    means = np.stack([first.mean(1), second.mean(1)])
    difference = first.mean(0) - second.mean(0)
    seeds, freedom = seeds_of_pairs(means, np.array([0]), np.array([1]), np.array([paired]))
    return CrossedError(seeds[0], freedom[0], difference.var(ddof=1) / len(difference), len(difference))


def seeds_of_pairs(
    means: np.ndarray, first: np.ndarray, second: np.ndarray, paired: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`[..., N]` V_seed of N pairs of methods, and its degrees of freedom.

    Args:
        means: `[..., n, S]` over users, of each method and seed.
        first, second: `[N]` numbers of the methods.
        paired: `[N]`, whether they are of the same trainings.

    Example:
        >>> means = np.array([[0.1, 0.3], [0.2, 0.4]])  # two methods, two seeds
        >>> variance, freedom = seeds_of_pairs(means, np.array([0]), np.array([1]), paired=np.array([False]))
        >>> variance.round(3).tolist(), freedom.round(3).tolist()
        ([0.02], [2.0])
    """
    seeds = means.shape[-1]
    own = means.var(axis=-1, ddof=1) / seeds
    of_first, of_second = own[..., first], own[..., second]
    together = (means[..., first, :] - means[..., second, :]).var(axis=-1, ddof=1) / seeds
    independent, free = of_first + of_second, seeds - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        welch = free * independent**2 / (of_first**2 + of_second**2)
    # Where neither method varies over seeds, Welch's formula is 0/0. Its weight in the quantile is 0 then, but 0 times
    # nan is nan.
    return np.where(paired, together, independent), np.where(paired | (independent == 0), free, welch)
