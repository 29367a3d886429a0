"""The recipe: a typed, complete description of a run, read from TOML.

Every default is resolved on reading, so that the recipe kept in a run folder says what was done, not what was asked.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graphrec.backbones import BackboneConfig, backbones
from graphrec.causal import Estimand, parse_estimand
from graphrec.data.split import SplitConfig
from graphrec.decoders import DecoderConfig, decoders
from graphrec.errors import RecipeError, nearest_name
from graphrec.evaluation.metrics import DEFAULT_K
from graphrec.training.config import TrainingConfig


class DataConfig(BaseModel):
    """Which prepared dataset, and how its parts are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    """Folder that `graphrec prepare` wrote."""
    feedback: dict[Literal["click", "like"], tuple[str, ...]] = Field(default_factory=dict)
    """Behaviours that play the click and the like; what is not named stays as the source has it."""
    roles: dict[str, Literal["exposure", "content"]] = Field(default_factory=dict)
    """For each modality whether it is seen before the click; what is not named stays as the source has it."""
    modalities: tuple[str, ...] | None = None
    """Use only these; by default all."""


class EvaluationConfig(BaseModel):
    """What `graphrec evaluate` reports."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    k: tuple[int, ...] = DEFAULT_K
    """List lengths K of Recall, NDCG and HR."""
    estimands: tuple[str, ...] = ()
    """By default the decoder's own variants."""


class Recipe(BaseModel):
    """A run from data to evaluation.

    `backbone` and `decoder` hold the settings of the classes that their `name` chooses; they are checked against those
    classes when the recipe is made.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    """Shown in tables; by default the decoder's name."""
    seed: int = 0
    data: DataConfig
    split: SplitConfig = Field(default_factory=SplitConfig)
    backbone: dict[str, Any] = Field(default_factory=lambda: {"name": "mmgcn"})
    decoder: dict[str, Any] = Field(default_factory=lambda: {"name": "hcr"})
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)

    @classmethod
    def from_toml(cls, path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
        """Read a recipe file.

        Args:
            path: the file.
            overrides: `key.sub=value` each, as `--set` takes them; values are TOML, or else plain text.

        Raises:
            RecipeError: no such file, not TOML, an unknown key or a value out of range.
        """
        path = Path(path)
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RecipeError("no such recipe", where=path, next_step="give the path of a .toml file") from None
        except IsADirectoryError:
            raise RecipeError("a recipe is a file", got="a folder", where=path) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecipeError("the recipe is not valid TOML", got=str(error), where=path) from None
        return cls.from_dict(values, overrides, where=str(path))

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], overrides: Sequence[str] = (), where: str = "recipe"
    ) -> Recipe:
        """Make a recipe from nested dicts; see `from_toml`."""
        merged = _deep_copy(values)
        for text in overrides:
            _override(merged, text)
        recipe = validated(cls, merged, where)
        resolved = {
            "backbone": _resolve("backbone", backbones, recipe.backbone, where),
            "decoder": _resolve("decoder", decoders, recipe.decoder, where),
        }
        resolved["name"] = recipe.name or resolved["decoder"]["name"]
        recipe = recipe.model_copy(update=resolved)
        recipe.estimands()
        return recipe

    def backbone_config(self) -> BackboneConfig:
        """The settings of the chosen backbone class."""
        return _part_config("backbone", backbones, self.backbone, "recipe")

    def decoder_config(self) -> DecoderConfig:
        """The settings of the chosen decoder class."""
        return _part_config("decoder", decoders, self.decoder, "recipe")

    def estimands(self) -> list[Estimand]:
        """The estimands named under `evaluation`."""
        return [estimand for text in self.evaluation.estimands for estimand in parse_estimand(text)]

    def to_toml(self) -> str:
        """The resolved recipe as TOML; reading it gives an equal recipe."""
        return tomli_w.dumps(_without_none(self.model_dump(mode="json")))


def validated(model: type[BaseModel], values: Any, where: str) -> Any:
    """Validate with pydantic; its errors become one RecipeError that names key, value and the nearest known key."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        if first["type"] != "extra_forbidden":
            raise RecipeError(
                f"recipe key `{place}`: {first['msg'].lower()}",
                got="nothing" if first["type"] == "missing" else f"`{first['input']}`",
                where=where,
            ) from None
        known = _known_keys(model, first["loc"][:-1])
        near = nearest_name(str(first["loc"][-1]), known)
        raise RecipeError(
            f"unknown recipe key `{place}`" + (f"; did you mean `{near}`?" if near else ""),
            expected="one of " + ", ".join(sorted(known)),
            got=f"`{first['loc'][-1]} = {first['input']!r}`",
            where=where,
        ) from None


def _known_keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    for part in path:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def _part_config(kind: str, registry, values: Mapping[str, Any], where: str):
    settings = {key: value for key, value in values.items() if key != "name"}
    try:
        return validated(registry.get(values["name"]).Config, settings, where)
    except RecipeError as error:
        error.problem = error.problem.replace("key `", f"key `{kind}.", 1)
        error.args = (str(error),)
        raise


def _resolve(kind: str, registry, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    if "name" not in values:
        raise RecipeError(f"[{kind}] lacks its `name`", expected=f'name = one of {", ".join(registry)}', where=where)
    config = _part_config(kind, registry, values, where)
    return {"name": values["name"], **config.model_dump(mode="json")}


def _override(values: dict[str, Any], text: str) -> None:
    key, sign, value = text.partition("=")
    if not sign or not key.strip():
        raise RecipeError("--set takes key.sub=value", got=f"`{text}`", where="--set")
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        parsed = value
    *path, last = key.strip().split(".")
    for part in path:
        inner = values.setdefault(part, {})
        if not isinstance(inner, dict):
            raise RecipeError(f"`{part}` in `{key}` is not a table", got=f"`{inner}`", where="--set")
        values = inner
    if last == "name" and values.get("name") != parsed and path and path[-1] in ("backbone", "decoder"):
        values.clear()  # another class: the old one's settings mean nothing to it
    values[last] = parsed


def _deep_copy(value: Any) -> Any:
    return {k: _deep_copy(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return value
