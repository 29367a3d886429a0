"""Cards: every source has a card, its options can be used, and a built package carries them."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from pydantic import ValidationError
from support.paths import ROOT

from graphrec.data.cards import Card, card_of, cards
from graphrec.data.sources import sources
from graphrec.errors import UnknownNameError
from graphrec.report.dataset_card import card_rows, card_text, file_rows, variant_rows

COUNTS = ("users", "items", "events", "pairs", "clicks", "likes")


def test_every_source_has_a_card_and_a_readme():
    assert set(cards()) >= set(sources)
    for name in sources:
        assert (ROOT / "datasets" / name / "README.md").is_file(), name


@pytest.mark.parametrize("name", list(cards()))
def test_a_card_says_all_there_is_to_say(name):
    card = cards()[name]
    layouts = {layout.name for layout in card.layouts}
    assert len(layouts) == len(card.layouts)
    assert all((card.origin, card.licence, card.who, card.obtain))
    assert len({variant.name for variant in card.variants}) == len(card.variants)
    for variant in card.variants:
        assert variant.layout in layouts and variant.counted_from
        assert {"users", "items"} <= set(variant.counts)
        assert {key.partition(".")[0] for key in variant.counts} <= {*COUNTS}
        assert min(variant.counts.values()) > 0


@pytest.mark.parametrize("name", [name for name in sources if "layout" in sources.get(name).Options.model_fields])
def test_the_layouts_of_a_card_are_those_of_its_source(name):
    options = sources.get(name).Options.model_json_schema()["properties"]["layout"]["enum"]
    assert {layout.name for layout in cards()[name].layouts} == set(options) - {"auto"}


@pytest.mark.parametrize("name", [name for name in sources if name != "table"])
def test_the_modalities_of_a_card_are_those_of_its_source(name, tmp_path):
    source = sources.get(name)
    source.write_fixture(tmp_path / "raw")
    roles = source.load(tmp_path / "raw", source.Options()).roles
    documented = {(modality, "exposure") for layout in cards()[name].layouts for modality in layout.exposure}
    documented |= {(modality, "content") for layout in cards()[name].layouts for modality in layout.content}
    assert set(roles.items()) <= documented


def test_an_unknown_dataset_names_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean `tiktok`"):
        card_of("tikto")


def test_a_card_with_an_unknown_key_is_refused():
    with pytest.raises(ValidationError, match="licens"):
        Card.model_validate({**cards()["coat"].model_dump(), "licens": "?"})


def test_the_terminal_shows_how_to_get_a_dataset():
    card = cards()["tiktok"]
    text = card_text(card, twin=True)
    assert card.obtain in text and card.licence in text
    assert "graphrec simulate tiktok" in text and "graphrec simulate" not in card_text(card, twin=False)
    assert [row[0] for row in card_rows(cards().values())[1]] == list(cards())
    assert ("diffmm", "trnMat.pkl", "953,073", "yes") in [row[:4] for row in file_rows(card)[1]]
    assert any("users 36,656" in row[2] for row in variant_rows(card)[1])


def test_a_built_package_carries_the_cards(tmp_path):
    for name in ("pyproject.toml", "setup.py", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "graphrec").mkdir()
    (tmp_path / "graphrec" / "__init__.py").touch()
    shutil.copytree(ROOT / "datasets" / "coat", tmp_path / "datasets" / "coat")
    (tmp_path / "datasets" / "coat" / "prepared").mkdir()
    (tmp_path / "datasets" / "coat" / "prepared" / "users.parquet").touch()
    command = [sys.executable, "setup.py", "-q", "build_py", "--build-lib", "built"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    carried = sorted(path.name for path in (tmp_path / "built" / "graphrec" / "datasets").rglob("*") if path.is_file())
    source_files = {"README.md", "card.toml"} & {path.name for path in (ROOT / "datasets" / "coat").iterdir()}
    assert carried == sorted(source_files), "and none of the data"
