"""Parts that an installed package offers by name, whole and broken."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from graphrec.backbones import backbones
from graphrec.cli import app
from graphrec.data.sources import sources
from graphrec.decoders import decoders
from graphrec.errors import ComponentError, UnknownNameError
from graphrec.registry import Registry
from graphrec.runs.recipe import Recipe

NETS = '''
from graphrec.backbones.lightgcn import LightGCN


class Wide(LightGCN):
    """Wide net: ids alone, from another package."""

    cost = "E d"


class Unfinished:
    """Not a backbone."""
'''

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a distribution with entry points on the path: `install(name, {group: {entry: value}}, module=source)`."""
    known = {registry: dict(registry._components) for registry in (backbones, decoders, sources)}
    loaded = set(sys.modules)

    def put(package: str, groups: dict[str, dict[str, str]], **modules: str) -> None:
        folder = tmp_path / package
        info = folder / f"{package}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = []
        for group, entries in groups.items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        for name, source in modules.items():
            (folder / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(folder)

    yield put
    for registry, parts in known.items():
        registry._components = parts
    for name in set(sys.modules) - loaded:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


def test_a_part_of_a_package_is_found_by_name_and_listed(install: Install) -> None:
    with pytest.raises(UnknownNameError):
        backbones.get("wide")
    install("acme", {"graphrec.backbones": {"wide": "acme_nets:Wide"}}, acme_nets=NETS)
    assert "wide" in backbones and "wide" in list(backbones)
    assert "acme_nets" not in sys.modules, "it is imported when it is asked for"
    kind = backbones.get("wide")
    assert (kind.name, kind.__module__) == ("wide", "acme_nets")
    recipe = Recipe.from_dict({"data": {"path": "x"}, "backbone": {"name": "wide", "layers": 4}})
    assert recipe.backbone_config().layers == 4
    listed = CliRunner().invoke(app, ["list", "backbones"])
    assert "Wide net: ids alone, from another package." in listed.stdout


def test_a_class_that_also_registers_itself_is_the_same(install: Install) -> None:
    module = "from graphrec.backbones import backbones\n" + NETS.replace(
        "class Wide", '@backbones.register("wide")\nclass Wide'
    )
    install("acme", {"graphrec.backbones": {"wide": "acme_nets:Wide"}}, acme_nets=module)
    assert backbones.get("wide") is backbones.get("acme_nets:Wide") is backbones.get("wide")


def test_decoders_and_sources_come_the_same_way(install: Install) -> None:
    entries = {"graphrec.decoders": {"liked": "acme_parts:Liked"}, "graphrec.sources": {"lists": "acme_parts:Lists"}}
    module = (
        "from graphrec.data.sources.table import Table\nfrom graphrec.decoders.ct import CT\n\n\n"
        'class Liked(CT):\n    """Likes, from another package."""\n\n\n'
        'class Lists(Table):\n    """Lists, from another package."""\n'
    )
    install("acme", entries, acme_parts=module)
    assert decoders.get("liked").__module__ == sources.get("lists").__module__ == "acme_parts"
    assert decoders.get("ct").name == "ct"


def test_a_registered_name_goes_before_a_package(install: Install) -> None:
    install("acme", {"graphrec.backbones": {"lightgcn": "acme_nets:Wide"}}, acme_nets=NETS)
    assert backbones.get("lightgcn").__module__ == "graphrec.backbones.lightgcn"
    assert list(backbones).count("lightgcn") == 1


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("acme_gone:Wide", "ModuleNotFoundError"),
        ("acme_nets:Missing", "AttributeError"),
        ("acme_broken:Wide", "ZeroDivisionError"),
        ("not a reference", "AttributeError"),
    ],
)
def test_what_cannot_be_loaded_names_its_package_and_breaks_no_list(install: Install, value: str, said: str) -> None:
    install("acme", {"graphrec.backbones": {"wide": value}}, acme_nets=NETS, acme_broken="1 / 0\n")
    with pytest.raises(ComponentError, match="of the package `acme` cannot be loaded") as caught:
        Recipe.from_dict({"data": {"path": "x"}, "backbone": {"name": "wide"}})
    assert said in str(caught.value) and "backbone.name in recipe" in str(caught.value)
    listed = CliRunner().invoke(app, ["list", "backbones", "--json"])
    assert listed.exit_code == 0
    rows = {row["name"]: row for row in json.loads(listed.stdout)}
    assert rows["wide"]["summary"].startswith("cannot be used: the backbone `wide` of the package `acme`")
    assert rows["wide"]["features"] == ""
    assert rows["mf"]["features"] == "each modality"


def test_what_is_no_backbone_names_its_package(install: Install) -> None:
    install("acme", {"graphrec.backbones": {"wide": "acme_nets:Unfinished"}}, acme_nets=NETS)
    with pytest.raises(ComponentError, match="`wide` of the package `acme` is no backbone"):
        backbones.get("wide")


def test_a_name_that_two_packages_offer_is_refused_with_both(install: Install) -> None:
    for package in ("acme", "bolt"):
        module = f"{package}_nets"
        install(package, {"graphrec.backbones": {"wide": f"{module}:Wide"}}, **{module: NETS})
    with pytest.raises(ComponentError, match="more than one package") as caught:
        backbones.get("wide")
    assert "`acme`, `bolt`" in str(caught.value)


def test_a_registry_without_a_group_looks_nowhere() -> None:
    assert Registry("fruit").group is None
    with pytest.raises(UnknownNameError, match="unknown fruit"):
        Registry("fruit").get("pear")
