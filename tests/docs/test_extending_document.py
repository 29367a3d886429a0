"""The classes of docs/extending.md do what the document says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.paths import ROOT

from graphrec.backbones import Backbone
from graphrec.errors import GraphrecError
from graphrec.runs.recipe import Recipe
from graphrec.runs.train import train

DOCUMENT = ROOT / "docs" / "extending.md"


@pytest.fixture
def classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The document's Python blocks as modules on the path."""
    for block in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL):
        name = re.match(r"# (\w+\.py)\n", block)
        assert name, "a block says in its first line which file it is"
        (tmp_path / name.group(1)).write_text(block)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("decoder", "settings"),
    [
        ("hcr", "backbone.name=my_backbone:LightId"),
        ("causalrec", "backbone.name=my_backbone:LightId"),
        ("ct", "decoder.name=my_decoder:ClickModel"),
    ],
)
def test_the_classes_train_save_and_rank(
    classes: Path, tiny_recipe: Callable[..., Recipe], tmp_path: Path, decoder: str, settings: str
) -> None:
    run = train(tiny_recipe(decoder, settings), tmp_path / "run")
    assert len(run.recommend(run.user_ids[:2], k=5)) == 10
    assert run.export(tmp_path / "out", "safetensors").is_dir()


def test_a_class_that_lacks_a_part_is_told_which(tiny_recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    assert Backbone.__abstractmethods__ == {"tables", "forward"}
    with pytest.raises(GraphrecError, match="not complete") as caught:
        tiny_recipe("ct", "backbone.name=graphrec.backbones:Backbone")
    assert "forward, tables" in str(caught.value)
