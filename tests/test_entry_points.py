"""Components that an installed package offers by name, complete and broken."""

from __future__ import annotations

import importlib
import json
import sys

import pytest
from support.packages import GROUPS, Install, registry_of
from typer.testing import CliRunner

from graphrec.backbones import backbones
from graphrec.cli import app
from graphrec.cli.components import REGISTRIES, Kind
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
    ("value", "message"),
    [
        ("acme_gone:Wide", "ModuleNotFoundError"),
        ("acme_nets:Missing", "AttributeError"),
        ("acme_broken:Wide", "ZeroDivisionError"),
        ("not a reference", "AttributeError"),
    ],
)
def test_what_cannot_be_loaded_names_its_package_and_breaks_no_list(install: Install, value: str, message: str) -> None:
    install("acme", {"graphrec.backbones": {"wide": value}}, acme_nets=NETS, acme_broken="1 / 0\n")
    with pytest.raises(ComponentError, match="of the package `acme` cannot be loaded") as caught:
        Recipe.from_dict({"data": {"path": "x"}, "backbone": {"name": "wide"}})
    assert message in str(caught.value) and "backbone.name in recipe" in str(caught.value)
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


SHOP = '''
from graphrec.causal import Observational
from graphrec.data.splitters import Random
from graphrec.evaluation.metrics import metrics
from graphrec.refutation import SubsetStability
from graphrec.report.section import Section
from graphrec.simulation import CoatWorld
from graphrec.training.callbacks import Callback


class Watch(Callback):
    """A callback, from another package."""


def look(dataset):
    """A check, from another package."""
    return []


class Score(Observational):
    """An estimand, from another package."""


class Hits(metrics.get("recall")):
    """A metric, from another package."""


class Stability(SubsetStability):
    """A refutation check, from another package."""


class Page(Section):
    """A report section, from another package."""

    id = title = template = "shop"

    def context(self, page):
        return {}


class Dice(Random):
    """A splitter, from another package."""


class Shop(CoatWorld):
    """A world, from another package."""
'''
OFFERED = {
    "graphrec.callbacks": "Watch",
    "graphrec.checks": "look",
    "graphrec.estimands": "Score",
    "graphrec.metrics": "Hits",
    "graphrec.refutations": "Stability",
    "graphrec.report_sections": "Page",
    "graphrec.splitters": "Dice",
    "graphrec.worlds": "Shop",
}


@pytest.mark.parametrize("group", OFFERED)
def test_every_other_axis_is_open_to_packages_and_listed(install: Install, group: str) -> None:
    kind = {"graphrec.report_sections": "sections"}.get(group, group.partition(".")[2])
    install("shop", {group: {"shop_own": f"shop_parts:{OFFERED[group]}"}}, shop_parts=SHOP)
    assert registry_of(group).get("shop_own").__module__ == "shop_parts"
    listed = CliRunner().invoke(app, ["list", kind, "--json"])
    assert listed.exit_code == 0, listed.output
    rows = {row["name"]: row["summary"] for row in json.loads(listed.stdout)}
    assert rows["shop_own"].endswith("from another package."), rows["shop_own"]


def test_the_list_command_shows_every_axis() -> None:
    kinds = {*REGISTRIES, Kind.backbones}
    assert kinds == set(Kind) and len(kinds) == len(GROUPS)
    for module, name in REGISTRIES.values():
        assert getattr(importlib.import_module(module), name).group in GROUPS
