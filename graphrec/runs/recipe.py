"""The recipe: a typed, complete description of a run, read from TOML.

Every default is resolved on reading, so that the recipe in a run's folder says what was done, not what was asked.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from graphrec.arguments import path_argument, require_type, texts_argument
from graphrec.backbones import BackboneConfig, backbones
from graphrec.causal import Estimand, parse_estimand
from graphrec.data.filters import FilterConfig
from graphrec.data.split import SplitConfig, splitters
from graphrec.decoders import DecoderConfig, decoders
from graphrec.errors import ComponentError, GraphrecError, Mistakes, RecipeError, SeveralErrors, UnknownNameError
from graphrec.evaluation.metrics import DEFAULT_K, metrics, monitors, resolve
from graphrec.graph.build import FeatureScaling
from graphrec.registry import ComponentRegistry, Registry
from graphrec.runs.files import MANIFEST
from graphrec.runs.overrides import DEFAULT_NAMES, apply_override, key_of, name_override
from graphrec.system.integrity import require_regular
from graphrec.system.owned_folder import owning_folder
from graphrec.system.user_code import anchored, is_trusted, permit
from graphrec.training.callbacks import callbacks
from graphrec.training.config import TrainingConfig
from graphrec.validation import validated, without_paths, wrong_settings

COMPONENTS: dict[str, Registry[Any]] = {"backbone": backbones, "decoder": decoders}
"""The tables of a recipe whose settings belong to the class that their `name` chooses."""
MONITORED = {("evaluation",), ("evaluation", "k"), ("evaluation", "metrics"), ("training",), ("training", "monitor")}
"""What decides whether the monitor of a training is among the metrics."""


class DataConfig(BaseModel):
    """Which prepared dataset, and how it is read.

    >>> config = DataConfig(path="prepared", roles={"visual": "exposure"})
    >>> config.scaling, config.modalities, config.feedback
    ('columns', None, {})
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    path: str
    """Folder that `graphrec prepare` wrote."""
    feedback: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Behaviours that play the click and the like; what is not named stays as the source has it."""
    roles: dict[str, Literal["exposure", "content"]] = Field(default_factory=dict)
    """For each modality whether it is seen before the click (exposure) or after it (content); what is not named stays
    as the source has it."""
    modalities: tuple[str, ...] | None = None
    """Use only these; by default all."""
    scaling: FeatureScaling = "columns"
    """Dense features centred and scaled to unit variance column by column, as the training items have them; `none`
    takes them as the files have them, as most published code does."""
    filter: FilterConfig | None = None
    """Users and items with enough pairs, such as `{kind = "k_core", users = 5, items = 5}`; by default all."""


class EvaluationConfig(BaseModel):
    """What `graphrec evaluate` reports.

    >>> EvaluationConfig().k, EvaluationConfig().active_share
    ((50, 100), 0.4)
    >>> gr.Recipe.from_dict({"data": {"path": "prepared"}, "evaluation": {"active_share": 1.5}})
    Traceback (most recent call last):
    graphrec.errors.RecipeError: recipe key `evaluation.active_share` has a wrong value
      expected: less than 1
      got: `1.5`
      where: recipe
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    k: tuple[Annotated[int, Field(ge=1)], ...] = Field(DEFAULT_K, min_length=1)
    """List lengths K of the metrics that take one."""
    metrics: tuple[str, ...] | None = None
    """Names of metrics, or import paths such as `my_module:RBP`; by default the metrics of docs/metrics.md. They
    replace the defaults of their own family, such as Recall, NDCG, HR, precision, MAP and MRR of held-out likes.
    Families of which none is named keep theirs."""
    estimands: tuple[str, ...] = ()
    """Such as `total_indirect_effect:strength=0,0.5,1`; by default the decoder's own variants. Recommendations and
    explanations take the first."""
    active_share: float = Field(0.4, gt=0, lt=1)
    """Share of the users, those with the most training clicks, that the slices of an evaluation count as active; HCR
    takes 0.4 for Tiktok and Kwai, 0.2 for Taobao."""


class TuneConfig(BaseModel):
    """What `graphrec tune` searches; a training does not read it.

    >>> TuneConfig().space
    {}
    >>> text = "tune.space={training.learning_rate = [1e-3, 1e-2]}"
    >>> gr.Recipe.from_dict({"data": {"path": "prepared"}}, [text]).tune.space
    {'training': {'learning_rate': [0.001, 0.01]}}
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    space: dict[str, Any] = Field(default_factory=dict)
    """From recipe keys to the values to try; by default the decoder's own `grid`. See `graphrec.tuning.space`."""


class Recipe(BaseModel):
    """A run from data to evaluation.

    >>> recipe = Recipe.from_dict({"data": {"path": "prepared"}}, ["decoder.name=bpr", "training.epochs=20"])
    >>> recipe.name, recipe.backbone["name"], recipe.training.epochs
    ('bpr', 'mmgcn', 20)
    >>> Recipe.from_dict({"data": {"path": "prepared"}, "trainng": {"epochs": 20}})
    Traceback (most recent call last):
    ...
    graphrec.errors.RecipeError: unknown recipe key `trainng`; did you mean `training`?
    ...

    `backbone` and `decoder` hold the settings of the classes that their `name` chooses; they are checked
    against those classes when the recipe is made.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str = ""
    """Shown in tables; by default the decoder's name."""
    seed: int = 0
    """Everything random in training follows from it; the draw of a random split has a seed of its own."""
    data: DataConfig
    split: SplitConfig = Field(default_factory=SplitConfig)
    backbone: dict[str, Any] = Field(default_factory=dict)
    """`name` (default mmgcn) and that class's settings."""
    decoder: dict[str, Any] = Field(default_factory=dict)
    """`name` (default hcr) and that class's settings."""
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)
    tune: TuneConfig | None = None

    @classmethod
    def from_toml(cls, path: str | Path, overrides: Sequence[str] = (), *, trust: bool = False) -> Recipe:
        """Read a recipe file.

        Args:
            path: the file.
            overrides: `key.sub=value` each; values are TOML, or else plain text.
            trust: load code that a recipe in a folder of graphrec's names, such as in a run of somebody else's.

        Raises:
            RecipeError: no such file, not TOML, an unknown key or a value out of range.
            SeveralErrors: several keys or overrides are wrong.
            UnknownNameError, ComponentError: a name leads to no component.
        """
        file = path_argument("path", path)
        if is_of_a_folder(file):
            require_regular(file)
        values = _with_anchored_files(_read_toml(file), file.parent)
        # A recipe in a folder that graphrec wrote may be somebody else's: what it names is not loaded unasked.
        if trust or not is_of_a_folder(file) or is_trusted(file):
            permit(values)
        try:
            return cls._from_values(values, overrides, where=str(file))
        except GraphrecError as error:
            # Each of several errors has a place of its own.
            for mistake in error.errors if isinstance(error, SeveralErrors) else (error,):
                name_override(mistake, overrides)
            raise

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], overrides: Sequence[str] = (), where: str = "recipe") -> Recipe:
        """Make a recipe from nested dicts.

        Args:
            values: as `from_toml` reads them.
            overrides: as for `from_toml`.
            where: what the values come from, for messages.

        Raises:
            RecipeError, SeveralErrors, UnknownNameError, ComponentError: as `from_toml`.
        """
        require_type("values", values, Mapping, "nested dicts, such as {'data': {'path': 'prepared'}}")
        # Overrides change the dicts in place, and these are the caller's.
        copied = _with_anchored_files(_deep_copy(values), Path.cwd())
        permit(copied)
        return cls._from_values(copied, overrides, where)

    @classmethod
    def _from_values(cls, merged: dict[str, Any], overrides: Sequence[str], where: str) -> Recipe:
        """The recipe of these values, which are changed in place."""
        texts = texts_argument("overrides", overrides, 'texts, such as ["training.epochs=20"]')
        mistakes = Mistakes()
        # Names first: another class drops the settings of the old one, but none that an override gives.
        for text in sorted(texts, key=lambda text: not key_of(text).endswith(".name")):
            with mistakes:
                permit(_with_anchored_files(apply_override(merged, text), Path.cwd()))
        merged = _with_anchored_files(merged, Path.cwd())
        wrong = wrong_settings(cls, merged, where)
        mistakes.add(*wrong.values())
        # With the default in place of each wrong key, the other keys can be checked, too.
        usable = without_paths(merged, wrong)
        if wrong:
            usable = {**usable, "data": {"path": "", **usable.get("data", {})}}
        try:
            recipe = cls.model_validate(usable)
        except ValidationError:  # a default does not go with the other keys
            mistakes.report()
            raise
        resolved: dict[str, Any] = {}
        for kind in COMPONENTS:
            with mistakes:
                resolved[kind] = _resolve(kind, getattr(recipe, kind), where)
        recipe._check_names(where, mistakes, {path[:2] for path in wrong})
        mistakes.report()
        resolved["name"] = recipe.name or _short(resolved["decoder"]["name"])
        # `model_copy` validates nothing; `_resolve` has checked these values against their classes.
        return recipe.model_copy(update=resolved)

    def backbone_config(self) -> BackboneConfig:
        """The settings of the chosen backbone class."""
        return _component_config("backbone", self.backbone, "recipe")

    def decoder_config(self) -> DecoderConfig:
        """The settings of the chosen decoder class."""
        return _component_config("decoder", self.decoder, "recipe")

    def estimands(self) -> list[Estimand]:
        """The estimands named under `evaluation`."""
        return [estimand for text in self.evaluation.estimands for estimand in parse_estimand(text)]

    def to_toml(self) -> str:
        """The resolved recipe as TOML; reading it gives an equal recipe."""
        return tomli_w.dumps(_without_none(self.model_dump(mode="json")))

    def without_tune(self) -> Recipe:
        """The recipe of one training, without the space of a tuning."""
        return self.model_copy(update={"tune": None})

    def with_data_at(self, path: str) -> Recipe:
        """The recipe with another path of its data.

        The path does not matter for what is trained: recipes that differ in `data.path` alone are the same recipe, if
        the data at both paths has the same fingerprint.
        """
        return self.model_copy(update={"data": self.data.model_copy(update={"path": path})})

    def _check_names(self, where: str, mistakes: Mistakes, wrong: set[tuple[str, ...]]) -> None:
        """Names that only a later step would look up: a long training must not end with a misspelt one.

        Args:
            mistakes: collects what is wrong.
            wrong: table and key of settings that are wrong, and have their default here.
        """
        with mistakes:
            _require_known(splitters, self.split.name, f"split.name in {where}")
        for name in self.training.callbacks:
            with mistakes:
                _require_known(callbacks, name, f"training.callbacks in {where}")
        unknown = Mistakes()
        for name in self.evaluation.metrics or ():
            with unknown:
                _require_known(metrics, name, f"evaluation.metrics in {where}")
        if not unknown.errors:
            with unknown:
                # Called for its errors: it also refuses two metrics of one name.
                resolve(self.evaluation.metrics)
        mistakes.add(*unknown.errors)
        # What can be monitored follows from the cutoffs and the metrics, so these must be right.
        if not (unknown.errors or wrong & MONITORED):
            possible = monitors(self.evaluation.k, self.evaluation.metrics)
            if self.training.monitor not in possible:
                mistakes.add(
                    UnknownNameError(
                        "validation metric", self.training.monitor, possible, where=f"training.monitor in {where}"
                    )
                )
        for text in self.evaluation.estimands:
            try:
                parse_estimand(text)
            except GraphrecError as error:
                reason = f"; {error.where}" if error.where else ""
                error.where = f"evaluation.estimands in {where}{reason}"
                mistakes.add(error)


def is_of_a_folder(file: Path) -> bool:
    """Whether a recipe lies in a folder that graphrec wrote, such as a run, which somebody else may have made.

    >>> is_of_a_folder(run.folder / "recipe.toml"), is_of_a_folder(Path("hcr.toml"))
    (True, False)
    """
    return (file.parent / MANIFEST).is_file() or owning_folder(file.resolve()) is not None


def _with_anchored_files(values: Any, folder: Path) -> Any:
    """The values with every `./file.py:Class` in them made absolute."""
    if isinstance(values, dict):
        return {key: _with_anchored_files(value, folder) for key, value in values.items()}
    if isinstance(values, (list, tuple)):
        return type(values)(_with_anchored_files(value, folder) for value in values)
    return anchored(values, folder) if isinstance(values, str) else values


def _short(name: str) -> str:
    """A decoder's name as tables show it: of a file without its folder.

    >>> _short("/home/me/my_net.py:MyNet"), _short("hcr")
    ('my_net:MyNet', 'hcr')
    """
    file, colon, attribute = name.partition(".py:")
    return f"{Path(file).name}:{attribute}" if colon else name


def _read_toml(path: Path) -> dict[str, Any]:
    """The content of a recipe file.

    Raises:
        RecipeError: there is no such file, or it is not TOML; the error names the line.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise RecipeError(
            "no such recipe", expected="a .toml file", got="nothing", where=path, next_step="check the path"
        ) from None
    except IsADirectoryError:
        raise RecipeError(
            "a recipe is a file", got="a folder", where=path, next_step="give the .toml file in it"
        ) from None
    except OSError as error:
        raise RecipeError(
            "the recipe cannot be read",
            expected="a .toml file that you may read",
            got=error.strerror,
            where=path,
            next_step="check the path and its permissions",
        ) from None
    try:
        # Some editors on Windows begin a file with a byte order mark, which TOML does not allow for.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise RecipeError(
            "the recipe is not valid TOML",
            expected="text in UTF-8",
            got=f"the byte 0x{content[error.start]:02x}",
            where=f"{path}, line {line}",
            next_step="save the file as UTF-8 text",
        ) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        position = re.search(r" \(at (line \d+, column \d+|end of document)\)$", str(error))
        reason = str(error)[: position.start()] if position else str(error)
        raise RecipeError(
            "the recipe is not valid TOML",
            expected='tables of keys and values, such as `name = "hcr"`',
            got=reason[:1].lower() + reason[1:],
            where=f"{path}, {_position(text, position[1] if position else '')}",
            next_step="fix the file there",
        ) from None


def _position(text: str, position: str) -> str:
    """Where tomllib stopped, always with a line."""
    return position if position.startswith("line") else f"line {len(text.rstrip().splitlines()) or 1}, its end"


def _require_known(registry: ComponentRegistry[Any], name: str, where: str) -> None:
    """Load a component, so that an error about it names the recipe key that asks for it."""
    try:
        registry.get(name)
    except (UnknownNameError, ComponentError) as error:
        error.where = where
        raise


def _component_config(kind: str, values: Mapping[str, Any], where: str) -> Any:
    registry = COMPONENTS[kind]
    name = values["name"]
    if not isinstance(name, str):
        raise RecipeError(
            f"recipe key `{kind}.name` has a wrong value", expected="a name", got=f"`{name}`", where=where
        )
    _require_known(registry, name, f"{kind}.name in {where}")
    settings = {key: value for key, value in values.items() if key != "name"}
    return validated(registry.get(name).Config, settings, where, prefix=f"{kind}.")


def _resolve(kind: str, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    values = {"name": DEFAULT_NAMES[kind], **values}
    config = _component_config(kind, values, where)
    resolved = {"name": values["name"], **config.model_dump(mode="json")}
    # What the recipe's file will say must read back as what was validated.
    if _component_config(kind, _without_none(resolved), where) != config:
        lost = ", ".join(f"{kind}.{key}" for key, value in resolved.items() if value is None)
        raise RecipeError(
            "a recipe cannot hold this None: TOML has none, and the default would be read back instead",
            expected="a value, or a preset that leaves it out",
            got=f"None for {lost}",
            where=where,
        )
    return resolved


def _deep_copy(value: Any) -> Any:
    return {k: _deep_copy(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    return value
