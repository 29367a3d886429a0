"""Recipes: what is refused and how, what is resolved, and that the written recipe is the recipe."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from graphrec.cli.errors import in_shell
from graphrec.errors import GraphrecError, RecipeError, SeveralErrors, UnknownNameError, worded
from graphrec.evaluation.metrics import monitors
from graphrec.runs.recipe import Recipe

DATA = {"data": {"path": "prepared"}}


def refusal(values: dict[str, Any], *overrides: str) -> GraphrecError:
    with pytest.raises(GraphrecError) as caught:
        Recipe.from_dict({**DATA, **values}, overrides, where="my.toml")
    return caught.value


@pytest.mark.parametrize(
    ("values", "key", "nearest"),
    [
        ({"trainning": {}}, "trainning", "training"),
        ({"data": {"path": "p", "feedbak": {}}}, "data.feedbak", "feedback"),
        ({"split": {"trian": 0.5}}, "split.trian", "train"),
        ({"training": {"epoch": 3}}, "training.epoch", "epochs"),
        ({"evaluation": {"estimand": []}}, "evaluation.estimand", "estimands"),
        ({"backbone": {"layer": 3}}, "backbone.layer", "layers"),
        ({"decoder": {"name": "hcr", "betta": 3}}, "decoder.betta", "beta"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_name(values: dict, key: str, nearest: str) -> None:
    error = refusal(values)
    assert isinstance(error, RecipeError)
    assert error.problem == f"unknown recipe key `{key}`; did you mean `{nearest}`?"
    assert nearest in str(error.expected)
    assert error.where == "my.toml"


def test_a_key_of_another_decoder_is_unknown() -> None:
    assert "unknown recipe key `decoder.beta`" in refusal({"decoder": {"name": "ct", "beta": 2.0}}).problem


@pytest.mark.parametrize(
    ("values", "key", "expected"),
    [
        ({"training": {"epochs": -1}}, "training.epochs", "greater than or equal to 1"),
        ({"training": {"epochs": "many"}}, "training.epochs", "a valid integer"),
        ({"training": {"batch_size": 0}}, "training.batch_size", "greater than or equal to 1"),
        ({"training": {"learning_rate": float("nan")}}, "training.learning_rate", "a finite number"),
        ({"training": {"epochs": True}}, "training.epochs", "a number"),
        ({"backbone": {"layers": True}}, "backbone.layers", "a number"),
        ({"training": 3}, "training", "a table"),
        ({"data": {"path": "p", "feedback": {"like": "finish"}}}, "data.feedback.like", "a list"),
        (
            {"data": {"path": "p", "roles": {"visual": "seen"}}},
            "data.roles.visual",
            "'exposure' or 'content'",
        ),
        ({"evaluation": {"k": []}}, "evaluation.k", "at least 1 value"),
        ({"evaluation": {"k": [0]}}, "evaluation.k.0", "greater than or equal to 1"),
        ({"backbone": {"projection": "wide"}}, "backbone.projection", "a valid integer or a table"),
        ({"decoder": {"name": "hcr", "link": "log"}}, "decoder.link", "'sigmoid', 'raw' or 'softplus'"),
        ({"decoder": {"share_embeddings": "perhaps"}}, "decoder.share_embeddings", "a valid boolean"),
        ({"decoder": {"name": 3}}, "decoder.name", "a name"),
        ({"backbone": {"setting": ["cr"]}}, "backbone.setting", "'paper', 'official' or 'cr'"),
        (
            {"decoder": {"name": "dvbpr", "image_modality": "visual"}},
            "decoder",
            "`image_modality` and `image_shape` come together",
        ),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_with_what_was_expected(values: dict, key: str, expected: str) -> None:
    error = refusal(values)
    assert isinstance(error, RecipeError)
    assert error.problem == f"recipe key `{key}` has a wrong value"
    assert error.expected == expected
    assert error.got is not None


def test_the_text_false_is_false() -> None:
    recipe = Recipe.from_dict(DATA, ["decoder.share_embeddings=False"])
    assert recipe.decoder["share_embeddings"] is False


@pytest.mark.parametrize(
    ("override", "kind", "nearest"),
    [
        ("decoder.name=hrc", "decoder", "hcr"),
        ("backbone.name=mmgnc", "backbone", "mmgcn"),
        ("split.name=randon", "splitter", "random"),
        ("training.monitor=ndcg@5", "validation metric", "ndcg@50"),
        ('evaluation.estimands=["front_dor"]', "estimand", "front_door"),
    ],
)
def test_an_unknown_name_is_found_before_any_training(override: str, kind: str, nearest: str) -> None:
    error = refusal({}, override)
    assert isinstance(error, UnknownNameError)
    assert f"unknown {kind} `" in error.problem
    assert f"did you mean `{nearest}`" in error.problem


@pytest.mark.parametrize("name", ["os:path", "graphrec.backbones.mmgcn:MMGCN", "nope:X", ":X"])
def test_an_import_path_must_lead_to_a_part_of_that_kind(name: str) -> None:
    assert "decoder.name in my.toml" in str(refusal({"decoder": {"name": name}}).where)


def test_an_import_path_to_a_decoder_is_accepted() -> None:
    recipe = Recipe.from_dict({**DATA, "decoder": {"name": "graphrec.decoders.ct:CT"}})
    assert recipe.decoder["behaviour"] == "like"


def test_data_is_required() -> None:
    with pytest.raises(RecipeError, match="recipe key `data` is missing"):
        Recipe.from_dict({})


@pytest.mark.parametrize(
    ("content", "line", "got"),
    [
        (b"seed = 1\na = [", "line 2", "invalid value"),
        (b"seed = 1\nname\n", "line 2, column 5", "expected '='"),
        (b"seed = 1\nseed = 2\n", "line 2", "cannot overwrite"),
        (b"[data]\npath = 'p'\n[data]\n", "line 3", "cannot declare"),
        (b"seed = 1\nname = '\xff'\n", "line 2", "the byte 0xff"),
        ("seed = 1\n".encode("utf-16"), "line 1", "the byte 0x"),
        (b"\x7fELF\x02\x01\x00\x00", "line 1", "invalid"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_toml_is_named_with_the_line(tmp_path: Path, content: bytes, line: str, got: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match="not valid TOML") as caught:
        Recipe.from_toml(path)
    assert str(caught.value.where).startswith(f"{path}, {line}")
    assert got in str(caught.value.got)
    assert caught.value.next_step


@pytest.mark.parametrize("path", ["nowhere.toml", "recipe.toml/inner.toml"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, path: str) -> None:
    (tmp_path / "recipe.toml").write_text("seed = 3\n")
    with pytest.raises(RecipeError) as caught:
        Recipe.from_toml(tmp_path / path)
    assert caught.value.where == tmp_path / path
    assert caught.value.next_step


def test_an_empty_file_lacks_its_data(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.touch()
    with pytest.raises(RecipeError, match="recipe key `data` is missing") as caught:
        Recipe.from_toml(path)
    assert caught.value.where == str(path)


def test_a_byte_order_mark_is_no_part_of_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xef\xbb\xbf[data]\npath = 'p'\n")
    assert Recipe.from_toml(path).data.path == "p"


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="a recipe is a file"):
        Recipe.from_toml(tmp_path)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"decoder": {"name": "causalrec", "fusion": "add"}, "evaluation": {"k": [20], "estimands": []},
         "training": {"monitor": "mrr"}},
        {"data": {"path": "a \"b\" ü", "feedback": {"like": ["finish", "thumbs_up"]},
                  "roles": {"visual": "exposure"}, "modalities": ["visual"]}},
        {"backbone": {"setting": "paper"}},
        {"backbone": {"setting": "official", "projection": {"visual": 32}}},
        {"evaluation": {"estimands": ["total_indirect_effect:strength=0,0.5", "observational"]}},
        {"split": {"name": "random", "train": 0.6, "seed": 5}, "seed": 7, "name": "mine"},
    ],
)  # fmt: skip
def test_the_written_recipe_reads_back_equal(values: dict, tmp_path: Path) -> None:
    recipe = Recipe.from_dict({**DATA, **values})
    path = tmp_path / "recipe.toml"
    path.write_text(recipe.to_toml(), encoding="utf-8")
    again = Recipe.from_toml(path)
    assert again == recipe
    assert again.backbone_config() == recipe.backbone_config()
    assert again.decoder_config() == recipe.decoder_config()
    assert again.to_toml() == recipe.to_toml()


def test_a_none_that_toml_would_lose_is_refused() -> None:
    error = refusal({"backbone": {"setting": "cr", "projection": None}})
    assert "backbone.projection" in str(error.got)


def test_defaults_are_resolved_and_written_down() -> None:
    recipe = Recipe.from_dict(DATA)
    assert recipe.name == "hcr"
    assert recipe.backbone["name"] == "mmgcn"
    assert recipe.backbone["embedding_size"] == 64
    assert recipe.decoder["link"] == "sigmoid"
    assert recipe.split.name == "chronological"
    assert 'monitor = "ndcg@50"' in recipe.to_toml()


@pytest.mark.parametrize(
    ("setting", "layers", "combine", "projection"),
    [
        ("cr", 2, "elementwise", 128),
        ("paper", 2, "elementwise", None),
        ("official", 3, "concat", {"visual": 256}),
    ],
)
def test_a_preset_fills_in_missing_settings(setting: str, layers: int, combine: str, projection: object) -> None:
    backbone = Recipe.from_dict({**DATA, "backbone": {"setting": setting}}).backbone
    assert (backbone["layers"], backbone["combine"], backbone["projection"]) == (layers, combine, projection)


def test_a_setting_in_the_recipe_wins_over_the_preset() -> None:
    backbone = Recipe.from_dict({**DATA, "backbone": {"setting": "official", "layers": 1}}).backbone
    assert (backbone["layers"], backbone["combine"]) == (1, "concat")


def test_overrides_are_toml_or_else_plain_text() -> None:
    recipe = Recipe.from_dict(
        DATA, ["training.epochs=7", "data.path=other", 'data.feedback.like=["finish"]', "evaluation.k=[50]"]
    )
    assert recipe.training.epochs == 7
    assert recipe.data.path == "other"
    assert recipe.data.feedback == {"like": ("finish",)}
    assert recipe.evaluation.k == (50,)


def test_overrides_do_not_change_the_callers_values() -> None:
    values = {**DATA, "training": {"epochs": 3}}
    Recipe.from_dict(values, ["training.epochs=7"])
    assert values["training"]["epochs"] == 3


def test_choosing_another_decoder_drops_the_settings_of_the_old_one_only() -> None:
    values = {**DATA, "decoder": {"name": "hcr", "beta": 3.0}}
    assert Recipe.from_dict(values, ["decoder.name=ct"]).decoder["name"] == "ct"
    assert Recipe.from_dict(values, ["decoder.name=hcr"]).decoder["beta"] == 3.0


@pytest.mark.parametrize("order", [1, -1])
def test_settings_of_a_new_decoder_hold_in_either_order(order: int) -> None:
    values = {**DATA, "decoder": {"name": "ct"}}
    recipe = Recipe.from_dict(values, ["decoder.name=hcr", "decoder.beta=3"][::order])
    assert (recipe.decoder["name"], recipe.decoder["beta"]) == ("hcr", 3.0)


@pytest.mark.parametrize("text", ["epochs", "=3", "training..epochs=3", ".=1", "training.=3"])
def test_a_malformed_override_is_refused(text: str) -> None:
    error = refusal({}, text)
    assert worded(error.where, in_shell) == "--set"
    assert text in str(error.got)


def test_an_override_cannot_go_through_a_value() -> None:
    assert "`seed` in `seed.x` is not a table" in refusal({"seed": 3}, "seed.x=1").problem


def test_the_sweep_in_a_recipe_is_expanded() -> None:
    recipe = Recipe.from_dict(
        {**DATA, "evaluation": {"estimands": ["total_indirect_effect:strength=0,0.5,1", "observational"]}}
    )
    assert len(recipe.estimands()) == 4


def test_a_monitor_is_any_metric_at_the_evaluated_lengths() -> None:
    assert monitors((5,)) == ["recall@5", "ndcg@5", "hr@5", "precision@5", "map@5", "mrr"]


@pytest.mark.parametrize(
    "text",
    [
        "backbone.layers=0",
        "training.epoch=3",
        "decoder.name=hrc",
        "training.monitor=ndgc@50",
        "training.epochs=many",
        "split.name=rnadom",
        'evaluation.estimands=["front_dor"]',
    ],
)
def test_an_error_about_what_an_override_gave_names_the_override(text: str, tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    for content, overrides, where in (
        ("", [text, "seed=3"], f"--set {shlex.quote(text)}"),
        ("[backbone]\nlayers = 0", ["seed=3"], str(file)),
    ):
        file.write_text('[data]\npath = "prepared"\n' + content)
        with pytest.raises(GraphrecError) as caught:
            Recipe.from_toml(file, overrides)
        assert worded(caught.value.where, in_shell) == where


def test_a_class_that_cannot_be_imported_is_reported_with_the_override_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('[data]\npath = "prepared"\n')
    with pytest.raises(UnknownNameError) as caught:
        Recipe.from_toml(file, ["backbone.name=nowhere:Net"])
    assert worded(caught.value.where, in_shell) == "--set backbone.name=nowhere:Net"
    assert "import failed: No module named 'nowhere'" in str(caught.value.got)


def test_a_component_in_place_of_its_table_is_reported_with_the_right_key() -> None:
    step = refusal({}, "backbone=lightgcn").next_step
    assert worded(step, in_shell) == "--set backbone.name=lightgcn"
    assert str(step) == "`overrides=['backbone.name=lightgcn']`"


def test_a_list_that_lost_its_quotes_to_the_shell_is_explained() -> None:
    error = refusal({}, "data.modalities=[visual]")
    assert """'data.modalities=["visual"]'""" in str(error.expected)


def test_another_backbone_keeps_what_means_the_same_on_all() -> None:
    file = {
        "data": {"path": "prepared"},
        "backbone": {"name": "mmgcn", "embedding_size": 16, "layers": 3, "word_size": 8},
    }
    swapped = Recipe.from_dict(file, ["backbone.name=lightgcn"])
    assert swapped.backbone["embedding_size"] == 16 and "word_size" not in swapped.backbone
    assert (
        swapped.backbone["layers"]
        == Recipe.from_dict({"data": {"path": "x"}}, ["backbone.name=lightgcn"]).backbone["layers"]
    )


def test_all_wrong_keys_are_reported_at_once() -> None:
    values = {
        "sed": 3,
        "split": {"trian": 0.5, "name": "rnadom"},
        "backbone": {"layer": 3, "embedding_size": "wide"},
        "decoder": {"name": "hrc"},
        "training": {"epochs": True, "batch_size": 0, "monitor": "ndgc@50"},
        "evaluation": {"estimands": ["front_dor"]},
    }
    error = refusal(values)
    assert isinstance(error, SeveralErrors)
    names = ["sed", "split.trian", "rnadom", "backbone.layer", "backbone.embedding_size", "hrc", "training.epochs",
             "training.batch_size", "ndgc@50", "front_dor"]  # fmt: skip
    assert error.problem == f"{len(names)} mistakes"
    for name in names:
        assert sum(f"`{name}`" in mistake.problem for mistake in error.errors) == 1, name


def test_all_wrong_overrides_are_reported_at_once_by_name(tmp_path: Path) -> None:
    file = tmp_path / "my.toml"
    file.write_text('[data]\npath = "prepared"\n')
    texts = ["epochs", "backbone=mf", "training.epoch=3", "training.epochs=many", "decoder.name=hrc"]
    with pytest.raises(SeveralErrors) as caught:
        Recipe.from_toml(file, [*texts, "seed=3"])
    places = [worded(error.where, in_shell) for error in caught.value.errors]
    assert len(places) == len(texts)
    for text in texts[2:]:
        assert f"--set {text}" in places, text
    shown = caught.value.worded(in_shell)
    assert "`epochs`" in shown and "--set backbone.name=mf" in shown and "seed" not in " ".join(places)


def test_a_wrong_cutoff_is_no_second_mistake_about_the_monitor() -> None:
    error = refusal({"evaluation": {"k": ["many"]}, "training": {"monitor": "ndcg@7"}})
    assert error.problem == "recipe key `evaluation.k.0` has a wrong value"
