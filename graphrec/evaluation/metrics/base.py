"""What a metric is: a class that computes its values and says how tables, intervals and early stopping treat them."""

from __future__ import annotations

import re
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np

from graphrec.errors import ComponentError
from graphrec.evaluation.intervals import linearised
from graphrec.registry import Registry

Direction = Literal["higher", "lower", "nearer 0", "neither"]
Block = TypeVar("Block")
"""What a family of metrics is computed from, for a block of users."""
T = TypeVar("T", bound="type[Metric[Any]]")

DEFAULT_K = (50, 100)
"""The list lengths K."""
ABOUT_USERS = ("user", "positives", "shown")
"""Columns of a per-user table that are no metrics."""
ENDINGS = ("_low", "_high", "_p")
"""Endings of further columns of a metric in a result table: the ends of its interval, and its p."""


class Metric(ABC, Generic[Block]):
    """A number for each user, or for all lists together.

    A metric is a class without settings. Subclass the base class of a family, such as `RankingMetric`, and write
    `values`. The docstring is part of the metric: its first line says what is computed, an indented block right after
    it gives the formula for the documents, and it has an example that runs.

    The class variables:

        name        the column of a result is `name@K`, or `name` where the metric takes no cutoff
        label       what tables call it
        family      what it is computed from; a recipe's `evaluation.metrics` chooses within each family
        bounds      the least and the greatest that its mean can be; intervals end there
        direction   which values are better: higher, lower, those nearer 0, or neither end
        has_cutoff  whether it is computed for each list length K
        can_monitor whether early stopping can watch it
        per_user    whether each user has a value; False for a value of all lists together, such as coverage
        archived    the cutoffs whose per-user values a benchmark keeps with its table
        qualifier   what a second name after `name_` in the column stands for, such as a modality; empty for none

    Example:
        >>> class PositiveCount(Metric):
        ...     name, label, has_cutoff = "count", "Positives", False
        ...     def values(self, block, k):
        ...         return block.positives.astype(float)
        >>> PositiveCount.column(5), PositiveCount.title()
        ('count', 'Positives')
    """

    name: ClassVar[str] = ""
    label: ClassVar[str] = ""
    family: ClassVar[str] = ""
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
    direction: ClassVar[Direction] = "higher"
    has_cutoff: ClassVar[bool] = True
    can_monitor: ClassVar[bool] = False
    per_user: ClassVar[bool] = True
    archived: ClassVar[Literal["all", "first", "none"]] = "none"
    qualifier: ClassVar[str] = ""

    @abstractmethod
    def values(self, block: Block, k: int) -> np.ndarray:
        """`[b]` values of a block of users; NaN for a user for whom the metric is not defined.

        Args:
            block: what the family is computed from.
            k: the list length; a metric without cutoff ignores it.
        """

    def terms(self, block: Block, k: int) -> tuple[np.ndarray, ...]:
        """What is collected from each block, `[b]` each; by default the values themselves."""
        return (self.values(block, k),)

    def combine(self, *terms: np.ndarray) -> np.ndarray:
        """The collected terms of all users, `[U]` each, to their values `[U]`."""
        (values,) = terms
        return values

    @classmethod
    def column(cls, k: int, qualifier: str = "") -> str:
        """The name of a column of values, such as `recall@50`."""
        stem = f"{cls.name}_{qualifier}" if qualifier else cls.name
        return f"{stem}@{k}" if cls.has_cutoff else stem

    @classmethod
    def title(cls, k: int | str = "", qualifier: str = "") -> str:
        """What tables call a column, such as `Recall@50`."""
        words = f"{cls.label} {qualifier.replace('_', ' ')}" if qualifier else cls.label
        return words if k == "" else f"{words}@{k}"

    @classmethod
    def summary(cls) -> str:
        """The first line of the docstring."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @classmethod
    def formula(cls) -> str:
        """The formula of the docstring on one line; empty where it has none.

        It is the indented block that follows the first line.
        """
        _, _, rest = (cls.__doc__ or "").strip().partition("\n")
        # `dedent` takes away the indent of the docstring itself: what is still indented is the formula.
        blocks = textwrap.dedent(rest).strip("\n").split("\n\n")
        indented = [block for block in blocks[:1] if block.startswith(" ")]
        return " ".join(" ".join(indented).split())


class RatioMetric(Metric[Block]):
    """A ratio of two means over users, such as SNIPS. Its per-user values are `linearised`.

    Example:
        >>> class LikesPerClick(RatioMetric):
        ...     def terms(self, block, k):
        ...         return block["likes"], block["clicks"]
        >>> block = {"likes": np.array([1.0, 1.0]), "clicks": np.array([1.0, 3.0])}
        >>> float(LikesPerClick().values(block, k=5).mean())  # 2 / 4, not the mean of 1 and 1/3
        0.5
    """

    @abstractmethod
    def terms(self, block: Block, k: int) -> tuple[np.ndarray, np.ndarray]:
        """`[b]` numerators and `[b]` denominators."""

    def combine(self, *terms: np.ndarray) -> np.ndarray:
        """`[U]` values whose mean is mean(numerators) / mean(denominators)."""
        # Here the users of all blocks are together: a ratio of means is no mean of the blocks' ratios.
        above, below = terms
        return linearised(above, below)

    def values(self, block: Block, k: int) -> np.ndarray:
        """The values of a block by itself, as if it held all users."""
        return self.combine(*self.terms(block, k))


OLD_METRICS = {"concentration": "intra_list_similarity"}
"""By the name that a metric had in results and recipes of earlier versions, its name today."""


class MetricRegistry(Registry[Metric[Any]]):
    """The metrics by name. `admit` adds a class that was named by import path or given as an object.

    Example:
        >>> registry = MetricRegistry()
        >>> @registry.register("rbp")
        ... class RBP(Metric):
        ...     label = "RBP"
        >>> registry.get("rbp").column(5)
        'rbp@5'
        >>> registry.get("rbq")
        Traceback (most recent call last):
        graphrec.errors.UnknownNameError: unknown metric `rbq`; did you mean `rbp`?
          expected: one of rbp
          got: `rbq`
    """

    def __init__(self) -> None:
        super().__init__("metric", base=Metric, group="graphrec.metrics")
        self.admitted: set[str] = set()

    def get(self, name: str) -> type[Metric[Any]]:
        """The metric of a name; a name of an earlier version leads to today's."""
        return super().get(OLD_METRICS.get(name, name))

    def register(self, name: str) -> Callable[[T], T]:
        """Class decorator that files the class under `name`, which becomes the name of its columns.

        Raises:
            ComponentError: the name cannot be the name of a column.
        """
        check_name(name)
        return super().register(name)  # type: ignore[return-value]

    def admit(self, metric: type[Metric[Any]]) -> type[Metric[Any]]:
        """Make a class known by its own name, so that tables find its label.

        The last one admitted under a name counts: a class is defined again when its cell in a notebook runs again.

        Raises:
            ComponentError: the class has no name or label, or a registered metric has its name.
        """
        if not metric.name or not metric.label:
            raise ComponentError(
                f"the metric {metric.__module__}:{metric.__qualname__} has no name or no label",
                expected='class variables such as name = "rbp" and label = "RBP"',
                got=f"name `{metric.name}` and label `{metric.label}`",
                where=metric.__module__,
            )
        check_name(metric.name)
        registered = self.get(metric.name) if metric.name in self else None
        if registered is not None and registered is not metric and metric.name not in self.admitted:
            raise two_of_a_name(registered, metric)
        if registered is not metric:
            self.admitted.add(metric.name)
            self._file(metric.name, metric)
        return metric


def two_of_a_name(metric: type[Metric[Any]], other: type[Metric[Any]]) -> ComponentError:
    """The error for two metrics whose columns would have one name.

    Example:
        >>> class MyRecall(Metric):
        ...     name = "recall"
        >>> print(two_of_a_name(metrics.get("recall"), MyRecall))
        two metrics are called `recall`
          expected: a name of its own for each
          got: graphrec.evaluation.metrics.recall:Recall and graphrec.evaluation.metrics.base:MyRecall
          where: graphrec.evaluation.metrics.base
          next step: change the class variable `name` of one of them
    """
    paths = [f"{kind.__module__}:{kind.__qualname__}" for kind in (metric, other)]
    return ComponentError(
        f"two metrics are called `{metric.name}`",
        expected="a name of its own for each",
        got=" and ".join(paths),
        where=other.__module__,
        next_step="change the class variable `name` of one of them",
    )


def check_name(name: str) -> None:
    """Refuse a name that columns of results could not have.

    Raises:
        ComponentError: the name is no word of small letters, digits and underscores, or has another meaning.

    Example:
        >>> check_name("rbp")
        >>> check_name("ndcg_low")
        Traceback (most recent call last):
        graphrec.errors.ComponentError: a metric cannot be called `ndcg_low`
          expected: small letters, digits and underscores, such as `rbp`
          got: `ndcg_low`; user, positives, shown and endings _low, _high, _p have a meaning of their own
          where: metric
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in ABOUT_USERS or name.endswith(ENDINGS):
        raise ComponentError(
            f"a metric cannot be called `{name}`",
            expected="small letters, digits and underscores, such as `rbp`",
            got=f"`{name}`; {', '.join(ABOUT_USERS)} and endings {', '.join(ENDINGS)} have a meaning of their own",
            where="metric",
        )


metrics = MetricRegistry()
"""Every metric; an installed package offers its own through the entry-point group `graphrec.metrics`.

>>> metrics.get("ndcg").label, metrics.get("ndcg").bounds
('NDCG', (0.0, 1.0))
"""
