"""The search space: which keys of a recipe are tried at which values.

    [tune.space]
    training.learning_rate = [1e-4, 1e-3, 1e-2]                      a list: these and no others
    training.weight_decay = {low = 1e-6, high = 1e-2, log = true}    a range; of whole numbers if the key takes them
    estimand.strength = [0, 0.5, 1]                                  an option of the estimand: costs no training

Without one the decoder class's `grid` is searched. A key that changes how trials are measured cannot be searched. Nor
can the seed, of which the luckiest would win.
"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from graphrec.causal import Estimand, label
from graphrec.decoders import Decoder
from graphrec.errors import OUT, Phrase, RecipeError
from graphrec.runs.recipe import Recipe
from graphrec.validation import validated

FIXED = ("name", "seed", "data", "split", "evaluation", "tune", "training.monitor", "decoder.name")
ESTIMAND = "estimand."
RECIPE_SPACE = "[tune.space]"


class Range(BaseModel):
    """All numbers from `low` to `high`, both included.

    >>> from graphrec.tuning import Range
    >>> str(Range(low=1e-4, high=1e-2, log=True)), Range(low=1, high=4).whole
    ('0.0001 to 0.01 (log)', True)
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int | float = Field(allow_inf_nan=False)
    high: int | float = Field(allow_inf_nan=False)
    log: bool = False
    """Draw the logarithm evenly, as suits a learning rate."""

    @field_validator("high")
    @classmethod
    def _above_low(cls, high: float, info: ValidationInfo) -> float:
        if high <= info.data.get("low", -math.inf):
            raise ValueError("a number above `low`")
        return high

    @field_validator("log")
    @classmethod
    def _of_positive_numbers(cls, log: bool, info: ValidationInfo) -> bool:
        if log and info.data.get("low", 1) <= 0:
            raise ValueError("false, or a `low` above 0")
        return log

    @property
    def whole(self) -> bool:
        """Whether its numbers are integers."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}" + (" (log)" if self.log else "")


Values = tuple[Any, ...] | Range


@dataclass(frozen=True)
class Space:
    """A recipe and what to try in its place.

    Args:
        recipe: the recipe of trial 0, without `tune`.
        dimensions: by recipe key, values as the recipe resolves them; every one of them is trained.
        estimands: what each trained model is scored under; the first is the recipe's own, and alone where no option
            of it is searched.
        reported: what the recipe reports, the first of `estimands` first.

    >>> from graphrec.tuning import Space
    >>> tuned = gr.Recipe.from_dict({**recipe.model_dump(), "tune": {"space": {"backbone.layers": [1, 2, 3]}}})
    >>> space = Space.from_recipe(tuned, run.untrained_decoder())
    >>> space.size, space.first, space.recipe_with({"backbone.layers": 3}).backbone["layers"]
    (3, {'backbone.layers': 2}, 3)
    """

    recipe: Recipe
    dimensions: Mapping[str, Values]
    estimands: tuple[Estimand, ...]
    reported: tuple[Estimand, ...]

    @classmethod
    def from_recipe(cls, recipe: Recipe, decoder: Decoder) -> Space:
        """The recipe's space, or else the decoder's `grid`.

        Args:
            decoder: of the recipe, untrained.

        Raises:
            RecipeError: a key that no recipe has or that cannot be searched, or a value that the recipe refuses.
            IdentificationError: an estimand of the space is not identified on the decoder's causal graph.
        """
        reported = tuple(recipe.estimands() or decoder.variants().values())
        searched = dict(_flat(recipe.tune.space)) if recipe.tune is not None else {}
        where = RECIPE_SPACE
        if not searched:
            where = f"`grid` of decoder `{recipe.decoder['name']}`"
            # A decoder's grid may name options that the first estimand of this recipe does not have.
            possible = [ESTIMAND + name for name in type(reported[0]).model_fields]
            searched = {k: v for k, v in decoder.grid.items() if not k.startswith(ESTIMAND) or k in possible}
        # `_resolved` needs a space that makes recipes; this one searches nothing yet.
        plain = cls(recipe.without_tune(), {}, reported[:1], reported)
        dimensions: dict[str, Values] = {}
        options: dict[str, tuple[Any, ...]] = {}
        for key, values in searched.items():
            read = _read(key, values, where)
            if key.startswith(ESTIMAND):
                options[key.removeprefix(ESTIMAND)] = _listed(key, read, where)
            else:
                dimensions[key] = plain._resolved(key, read, where)
        space = cls(plain.recipe, dimensions, tuple(_variations(reported[0], options, where)), reported)
        # An estimand that is not identified is refused here, before the first training.
        for estimand in space.estimands:
            estimand.identify(decoder.outcome)
        return space

    @property
    def first(self) -> dict[str, Any]:
        """The settings of trial 0: the recipe's, which need not be in the space."""
        values = _values(self.recipe)
        return {key: _at(values, key) for key in self.dimensions}

    @property
    def size(self) -> float:
        """How many settings there are; infinite where a range has no end of numbers."""
        return math.prod(_count(values) for values in self.dimensions.values())

    def has(self, settings: Mapping[str, Any]) -> bool:
        """Whether settings are in the space."""
        return all(_contains(self.dimensions[key], value) for key, value in settings.items())

    def recipe_with(self, settings: Mapping[str, Any], estimand: str = "", where: str = RECIPE_SPACE) -> Recipe:
        """The recipe with some settings exchanged, and `estimand` in place of the first that it reports.

        Raises:
            RecipeError: the settings do not fit together.
        """
        # The recipe's own settings may hold None, which TOML cannot spell.
        chosen = [] if settings == self.first else [f"{key}={json.dumps(value)}" for key, value in settings.items()]
        if estimand and estimand != label(self.reported[0]):
            others = [label(other) for other in self.reported[1:]]
            reported = list(dict.fromkeys([estimand, *others]))
            chosen.append(f"evaluation.estimands={json.dumps(reported)}")
        return Recipe.from_dict(_values(self.recipe), chosen, where) if chosen else self.recipe

    def _resolved(self, key: str, values: Values, where: str) -> Values:
        """The values as the recipe reads them: 1 becomes 1.0 where the setting is a real number."""
        if any(key == fixed or key.startswith(fixed + ".") for fixed in FIXED):
            raise RecipeError(
                f"`{key}` cannot be searched",
                expected="a key of training, backbone, decoder or estimand: all trials are measured alike",
                got=f"`{key}`",
                where=where,
                next_step=Phrase("tune once for each of its values, each with another {}", OUT),
            )  # fmt: skip

        def resolved(value: Any) -> Any:
            return _at(_values(self.recipe_with({key: value}, where=where)), key)

        if isinstance(values, tuple):
            # Once resolved, 1 and 1.0 may be the same value. Lists cannot be keys, but their JSON can.
            return tuple({json.dumps(value): value for value in map(resolved, values)}.values())
        ends = {"low": resolved(values.low), "high": resolved(values.high)}
        # Not `isinstance`: to Python True is an int.
        if any(type(end) not in (int, float) for end in ends.values()):
            raise RecipeError(
                f"`{key}` has no range", expected="a list of values", got=f"{values}", where=where
            )  # fmt: skip
        return values.model_copy(update=ends)


def _flat(space: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(key path, value); TOML reads a bare `training.learning_rate` as a table in a table."""
    for key, value in space.items():
        # A setting may be called `low`, too. Under it are the values to try; a range has a number there.
        is_range = isinstance(value, Mapping) and any(
            not isinstance(value.get(name, []), list | tuple | Mapping) for name in Range.model_fields
        )
        if isinstance(value, Mapping) and not is_range:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _read(key: str, values: Any, where: str) -> Values:
    if isinstance(values, Mapping):
        return validated(Range, values, where, prefix=f"tune.space.{key}.")
    if isinstance(values, Range):
        return values
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise RecipeError(
            f"`{key}` has nothing to try",
            expected="a list of values, or {low = NUMBER, high = NUMBER, log = true or false}",
            got=f"`{values}`",
            where=where,
        )
    for value in values:
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            raise RecipeError(
                f"`{key}` cannot take this value",
                expected="finite numbers, text, true, false, or lists of these",
                got=f"`{value}`",
                where=where,
            ) from None
    return tuple(values)


def _listed(key: str, values: Values, where: str) -> tuple[Any, ...]:
    if isinstance(values, Range):
        raise RecipeError(
            f"`{key}` takes a list",
            expected="values, all of which are scored after every training",
            got=f"{values}",
            where=where,
        )
    return values


def _variations(first: Estimand, options: Mapping[str, Iterable[Any]], where: str) -> list[Estimand]:
    """The estimand as it is, then with every combination of the options' values; none twice."""
    variations = [first]
    for choice in product(*options.values()):
        values = {**first.model_dump(), **dict(zip(options, choice))}
        varied = validated(type(first), values, where, what="option", prefix=ESTIMAND)
        if varied not in variations:
            variations.append(varied)
    return variations


def _values(recipe: Recipe) -> dict[str, Any]:
    return tomllib.loads(recipe.to_toml())


def _at(values: Any, key: str) -> Any:
    for name in key.split("."):
        values = values.get(name) if isinstance(values, Mapping) else None
    return values


def _count(values: Values) -> float:
    if isinstance(values, tuple):
        return len(values)
    return values.high - values.low + 1 if values.whole else math.inf


def _contains(values: Values, value: Any) -> bool:
    if isinstance(values, tuple):
        return value in values
    return type(value) in (int, float) and values.low <= value <= values.high
