"""`graphrec new`: what it writes works as it stands, and it overwrites nothing."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import Call, refused
from support.paths import ROOT
from typer.testing import CliRunner

from graphrec.causal import label, parse_estimand
from graphrec.cli import app
from graphrec.cli.scaffold import TEMPLATES, NewKind, registry_of, scaffold
from graphrec.data.prepare import prepare
from graphrec.data.store import load
from graphrec.errors import ComponentError, DataError, RunError
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.system.user_code import permit

KINDS = list(NewKind)


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the tests of a folder in a process of its own, which imports graphrec from elsewhere."""
    options = ["-q", "-p", "no:cacheprovider", "-W", "error::pytest.PytestWarning"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder from which modules can be imported."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


# The clone's own settings: its pytest imports tests in the mode `importlib`, which puts no folder on the path.
IN_THE_CLONE = ("-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT))


@pytest.mark.slow
@pytest.mark.parametrize("settings", [(), IN_THE_CLONE], ids=["an empty folder", "the clone"])
def test_the_tests_that_are_written_pass_as_they_stand(settings: tuple[str, ...], tmp_path: Path) -> None:
    """As the document and the command say to call them, without a warning that a coming pytest makes an error."""
    for kind in KINDS:
        answer = CliRunner().invoke(app, ["new", kind, f"scaffolded_{kind}", "--out", str(tmp_path / "own")])
        assert answer.exit_code == 0
    done = pytest_in(tmp_path, *settings, "own")
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout and "skipped" not in done.stdout


def test_a_written_suite_passes_under_the_settings_of_the_clone(tmp_path: Path) -> None:
    """The fast form of the test above, for what differs there: the path."""
    files = scaffold(NewKind.metric, "metric_in_the_clone", tmp_path / "own")
    assert pytest.main(["-q", "-p", "no:cacheprovider", *IN_THE_CLONE, str(files.test)]) == pytest.ExitCode.OK


@pytest.mark.parametrize("kind", KINDS)
def test_the_written_suite_is_the_contract_on_the_written_class(folder: Path, kind: NewKind) -> None:
    """The fast form of the slow test above: the suite in this process, without the training on the planted world."""
    files = scaffold(kind, f"quick_{kind}", folder)
    suite = getattr(importlib.import_module(f"test_quick_{kind}"), f"TestQuick{kind.title()}")
    assert getattr(suite, kind) == files.import_path
    assert suite.__mro__[1].__module__ == f"graphrec.testing.{kind}_contract"
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "-k", "not planted"]
    assert pytest.main([*options, str(files.test)]) == pytest.ExitCode.OK


def test_the_command_says_how_to_test_and_use_what_it_wrote(call: Call, tmp_path: Path) -> None:
    answer = call("new", "decoder", "usable_decoder", "--out", tmp_path / "own")
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["test_usable_decoder.py", "usable_decoder.py"]
    assert "pytest" in answer.out and "own/usable_decoder.py:UsableDecoder" in answer.out


def test_a_recipe_trains_on_the_backbone(folder: Path, tiny_recipe: Callable[..., Recipe]) -> None:
    files = scaffold(NewKind.backbone, "tiny_net", folder)
    recipe = tiny_recipe("hcr", f"backbone.name={files.import_path}", "backbone.keep=0.5", "training.epochs=1")
    assert recipe.backbone_config().model_dump()["keep"] == 0.5
    run = train(recipe, folder / "run")
    assert len(run.recommend(run.user_ids[:2], k=3)) == 6
    assert files.component.name == "tiny_net.py"


def test_a_recipe_trains_the_decoder(folder: Path, tiny_recipe: Callable[..., Recipe]) -> None:
    files = scaffold(NewKind.decoder, "tiny_decoder", folder)
    recipe = tiny_recipe("hcr", f"decoder.name={files.import_path}", "decoder.weight=0.5", "training.epochs=1")
    run = train(recipe, folder / "run")
    assert len(run.recommend(run.user_ids[:2], k=3)) == 6


def test_a_run_is_evaluated_under_the_estimand(folder: Path, own: Callable[[str], Run]) -> None:
    files = scaffold(NewKind.estimand, "tiny_estimand", folder)
    permit(files.import_path)
    (estimand,) = parse_estimand(files.import_path)
    assert label(estimand) == files.import_path
    run = own("causalrec")
    assert run.evaluate([estimand])["recall@10"].between(0, 1).all()
    with pytest.raises(Exception, match="does not fit this decoder"):
        own("ct").evaluate([estimand])


def test_a_run_reports_and_watches_the_metric(folder: Path, tiny_recipe: Callable[..., Recipe]) -> None:
    files = scaffold(NewKind.metric, "tiny_metric", folder)
    metrics = f'evaluation.metrics=["ndcg", "{files.import_path}"]'
    run = train(tiny_recipe("ct", metrics, "training.monitor=tiny_metric@10", "training.epochs=1"), folder / "run")
    assert run.evaluate()["tiny_metric@20"].between(0, 1).all()


def test_the_name_of_a_metric_must_be_that_of_a_column(tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match="a metric cannot be called `tiny_low`"):
        scaffold(NewKind.metric, "tiny_low", tmp_path)


def test_the_source_is_prepared(folder: Path) -> None:
    files = scaffold(NewKind.source, "tiny_source", folder)
    permit(files.import_path)
    source = registry_of(NewKind.source).get(files.import_path)
    with pytest.raises(
        DataError, match="give the folder that holds these files"
    ):  # `graphrec datasets` has no card of it
        prepare(files.import_path, folder, folder / "prepared")
    source.write_fixture(folder / "raw")
    dataset = load(prepare(files.import_path, folder / "raw", folder / "prepared"))
    assert dataset.features["category"].columns == ("c0", "c1", "c2")
    assert not dataset.features["category"].mask.all(), "the item without a category is masked"


def test_a_run_is_not_taken_for_one_of_changed_code(folder: Path, tiny_recipe: Callable[..., Recipe]) -> None:
    files = scaffold(NewKind.backbone, "changed_net", folder)
    recipe = tiny_recipe("ct", f"backbone.name={files.import_path}", "training.epochs=1")
    trained = train(recipe, folder / "run")
    assert train(recipe, folder / "run").manifest == trained.manifest
    text = files.component.read_text(encoding="utf-8")
    files.component.write_text(text + "\n# changed\n", encoding="utf-8")
    with pytest.raises(RunError, match="the file of `changed_net` changed"):
        train(recipe, folder / "run")
    train(recipe, folder / "run", resume=False)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("lightgcn", "a backbone of `graphrec list backbones`"),
        ("class", "a keyword"),
        ("none", "would be called None"),
        ("2nets", "not a Python name"),
        ("my-net", "not a Python name"),
        ("../scaffolded_net", "not a Python name"),
        ("", "not a Python name"),
        ("__", "not a Python name"),
        ("json", "a module that Python finds"),
        ("backbone", "would be called Backbone"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ComponentError) as caught:
        scaffold(NewKind.backbone, name, tmp_path)
    assert message in str(caught.value) and "choose another name" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("own-net", "choose another name, such as own_net"),
        ("2nets", "choose another name, such as my_2nets"),
        ("../own net", "choose another name, such as own_net"),
        ("--", "choose another name"),
        ("class-", "choose another name"),
        ("class", "choose another name"),
    ],
)
def test_a_name_that_is_no_python_name_gets_the_nearest_that_is(name: str, step: str, tmp_path: Path) -> None:
    with pytest.raises(ComponentError) as caught:
        scaffold(NewKind.backbone, name, tmp_path)
    assert caught.value.next_step == step
    if suggestion := step.partition("such as ")[2]:
        assert scaffold(NewKind.backbone, suggestion, tmp_path).component.is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_of_the_same_kind_is_taken(kind: NewKind, tmp_path: Path) -> None:
    for name in list(registry_of(kind))[:1]:  # no report section is registered: the built-in ones have no names
        with pytest.raises(ComponentError, match="is taken"):
            scaffold(kind, name, tmp_path)


@pytest.mark.parametrize("name", ["scaffolded_net.py", "test_scaffolded_net.py"])
def test_a_file_that_exists_stays_as_it_is(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ComponentError, match="will not overwrite") as caught:
        scaffold(NewKind.backbone, "scaffolded_net", tmp_path)
    assert str(tmp_path / name) in str(caught.value)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_the_command_refuses_with_status_2(call: Call, tmp_path: Path) -> None:
    refused(call("new", "backbone", "mmgcn", "--out", tmp_path), "error: `mmgcn` is taken")


def test_a_folder_of_that_name_is_no_hindrance(folder: Path) -> None:
    (folder / "scaffolded_net").mkdir()
    assert scaffold(NewKind.backbone, "scaffolded_net", folder).component.is_file()


def test_every_kind_has_a_template_and_they_are_in_the_package() -> None:
    assert {path.name for path in TEMPLATES.iterdir()} == {"test.py.txt", *(f"{kind}.py.txt" for kind in KINDS)}
    assert "cli/templates/*.py.txt" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
