"""The classes, tests and commands of docs/extending.md do what the document says."""

from __future__ import annotations

import doctest
import importlib
import re
import runpy
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.command_line import Call
from support.paths import ROOT

import graphrec.testing
from graphrec.backbones import Backbone
from graphrec.errors import GraphrecError
from graphrec.evaluation.metrics import metrics
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train

DOCUMENT = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", DOCUMENT, flags=re.DOTALL))
TESTS = sorted(name for name in FILES if name.startswith("test_"))
COMMANDS = [
    line.partition("#")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", DOCUMENT, flags=re.DOTALL)
    for line in block.replace("\\\n", "").splitlines()
    if line.startswith("graphrec ")
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with the document's Python blocks in it as modules."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    # Another test imports the files from its own folder, and gets other classes of the same names.
    monkeypatch.setattr(metrics, "_components", dict(metrics._components))
    yield tmp_path
    for name in FILES:
        sys.modules.pop(Path(name).stem, None)


def test_every_python_block_names_its_file() -> None:
    assert DOCUMENT.count("```python\n") == len(FILES)


@pytest.mark.parametrize("name", TESTS)
def test_the_tests_of_the_document_pass(folder: Path, name: str) -> None:
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "-W", "error::pytest.PytestWarning"]
    assert pytest.main([*options, name]) == pytest.ExitCode.OK


def test_its_examples_print_what_they_say(folder: Path) -> None:
    results = [doctest.testmod(importlib.import_module(Path(name).stem)) for name in FILES if ">>>" in FILES[name]]
    assert results and all(result.attempted and not result.failed for result in results)


@pytest.mark.parametrize(
    ("decoder", "setting"),
    [("hcr", "backbone.name=light:LightId"), ("causalrec", "backbone.name=light:LightId")],
)
def test_a_backbone_of_ids_carries_decoders_that_read_modalities(
    folder: Path, tiny_recipe: Callable[..., Recipe], decoder: str, setting: str
) -> None:
    run = train(tiny_recipe(decoder, setting), folder / "run")
    assert len(run.recommend(run.user_ids[:2], k=5)) == 10
    assert run.export(folder / "out", "safetensors").is_dir()


def test_the_commands_of_the_document_run(folder: Path, tiny_recipe: Callable[..., Recipe], call: Call) -> None:
    """In their order, on the tiny world for the data of the README's recipe."""
    path = tiny_recipe("hcr").data.path
    training = "[training]\nepochs = 1\nbatch_size = 1024\n"
    Path("recipe.toml").write_text(
        f'[data]\npath = "{path}"\n\n[decoder]\nname = "hcr"\n\n{training}', encoding="utf-8"
    )
    importlib.import_module("shop").Shop.write_fixture(folder / "downloads" / "shop")
    for command in COMMANDS:
        answer = call(*shlex.split(command)[1:])
        assert answer.status == 0, (command, answer.err)
    assert sorted(path.name for path in Path("my_models").glob("*own*")) == [
        "own_effect.py",
        "own_net.py",
        "test_own_effect.py",
        "test_own_net.py",
    ]
    assert Path("runs/simgcl").is_dir() and Path("data/shop").is_dir()


def test_the_section_is_on_the_page_and_in_its_contents(folder: Path, own: Callable[[str], Run]) -> None:
    shutil.copytree(own("causalrec").folder, folder / "runs" / "causalrec")
    runpy.run_path("page_with_sizes.py")
    page = Path("runs/page.html").read_text(encoding="utf-8")
    assert 'href="#run-sizes"' in page and 'id="run-sizes"' in page
    assert re.search(r"<li>[^<]+: \d+ users, \d+ items</li>", page)


def test_every_contract_and_entry_point_group_is_named() -> None:
    contracts = {name for name in graphrec.testing.__all__ if name.endswith("Contract")}
    assert contracts <= set(re.findall(r"`(\w+Contract)`", DOCUMENT))
    package = Path(graphrec.testing.__file__).parents[1]
    source = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    groups = set(re.findall(r'group="(graphrec\.\w+)"', source))
    assert groups and groups == set(re.findall(r"`(graphrec\.\w+)`", DOCUMENT.partition("The groups are")[2]))


def test_a_class_that_lacks_a_method_is_refused_by_its_name(tiny_recipe: Callable[..., Recipe]) -> None:
    assert Backbone.__abstractmethods__ == {"tables", "forward"}
    with pytest.raises(GraphrecError, match="not complete") as caught:
        tiny_recipe("ct", "backbone.name=graphrec.backbones:Backbone")
    assert "forward, tables" in str(caught.value)
