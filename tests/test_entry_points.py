"""Components that an installed package offers by name, complete and broken."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

import pytest
from support.command_line import Call, refused
from support.packages import GROUPS, Install, registry_of
from typer.testing import CliRunner

from graphrec.backbones import backbones
from graphrec.cli import app
from graphrec.cli.components import REGISTRIES, Kind
from graphrec.data.sources import sources
from graphrec.data.split import SplitConfig, make_split
from graphrec.data.store import load
from graphrec.decoders import decoders
from graphrec.errors import ComponentError, UnknownNameError
from graphrec.registry import Registry
from graphrec.runs.recipe import Recipe
from graphrec.runs.train import train
from graphrec.simulation import Truth
from graphrec.training.callbacks import callbacks_named

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


OWN = '''
from graphrec.checks.findings import Finding
from graphrec.data.splitter import RawSplit, Splitter
from graphrec.simulation import World
from graphrec.training.callbacks import Callback


class Clicks(World):
    """A world of clicks alone."""

    @classmethod
    def write_raw(cls, config, world, folder):
        pairs = zip(world.user_ids[world.log.user], world.item_ids[world.log.item])
        (folder / "clicks.csv").write_text("user,item\\n" + "".join(f"{user},{item}\\n" for user, item in pairs))

    @classmethod
    def data_notes(cls, config):
        return ["a line is a click"]


class NoSettings(Clicks):
    Config = dict


class Joy(Clicks):
    target = "joy"


class Thirds(Splitter):
    """The likes of every third user are valid, those of the next third are test."""

    @classmethod
    def divide(cls, dataset, config):
        likes = dataset.pairs("like")[["user", "item"]]
        held = [likes[likes["user"] % 3 == rest] for rest in (0, 1)]
        away = {tuple(pair) for pairs in held for pair in pairs.to_numpy().tolist()}
        events = dataset.interactions
        train = events[[pair not in away for pair in zip(events["user"], events["item"])]]
        return RawSplit(train, *(pairs.to_numpy() for pairs in held))


class Nothing(Splitter):
    @classmethod
    def divide(cls, dataset, config):
        return None


class Epochs(Callback):
    """Writes the last epoch into a file."""

    def on_epoch(self, trainer):
        open("epochs.txt", "w").write(str(trainer.state.epoch))


class Needy(Callback):
    def __init__(self, epochs):
        self.epochs = epochs


def few(dataset):
    """Whether there are few users."""
    if dataset.num_users < 1000:
        yield Finding("few_users", "info", dataset.num_users, "users are few")


def broken(dataset):
    return 1 / 0


def silent(dataset):
    return ["users are few"]


def grave(dataset):
    return [Finding("few_users", "fatal", 1, "users are few")]
'''


def own_package(install: Install, group: str, *classes: str) -> None:
    install("own", {group: {name.lower(): f"own_parts:{name}" for name in classes}}, own_parts=OWN)


@pytest.mark.parametrize("name", ["clicks", "own_parts:Clicks"])
def test_a_world_of_a_package_is_simulated_by_name_and_by_path(
    install: Install, call: Call, tmp_path: Path, name: str
) -> None:
    own_package(install, "graphrec.worlds", "Clicks")
    raw = tmp_path / "raw"
    answer = call("simulate", name, "--out", raw, "--users", 10, "--items", 20, "--set", "shown=5")
    assert answer.status == 0, answer.err
    about = json.loads((raw / "world.json").read_text())
    assert about["world"] == name, "the world itself, not a class that it derives from"
    assert len((raw / "clicks.csv").read_text().splitlines()) == about["clicks"] + 1
    assert Truth.load(raw).num_users == 10


@pytest.mark.parametrize(("name", "attribute"), [("NoSettings", "Config"), ("Joy", "target")])
def test_a_world_that_cannot_be_used_is_refused_before_it_is_drawn(
    install: Install, call: Call, tmp_path: Path, name: str, attribute: str
) -> None:
    own_package(install, "graphrec.worlds", name)
    refused(
        call("simulate", name.lower(), "--out", tmp_path / "raw"), f"has a wrong `{attribute}`", f"own_parts:{name}"
    )
    assert not (tmp_path / "raw").exists()


def test_a_splitter_of_a_package_divides_and_one_that_does_not_is_refused(install: Install, tiny_prepared) -> None:
    own_package(install, "graphrec.splitters", "Thirds", "Nothing")
    split = make_split(load(tiny_prepared), SplitConfig(name="thirds"))
    valid, test = set(split.valid[:, 0]), set(split.open_test("a test")[:, 0])
    assert valid and test and not valid & test
    with pytest.raises(ComponentError, match="`nothing` does not give a split") as caught:
        make_split(load(tiny_prepared), SplitConfig(name="nothing"))
    assert "thirds" in str(caught.value.next_step)


def test_a_callback_of_a_package_watches_a_training_and_one_with_arguments_is_refused(
    install: Install, tiny_recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_package(install, "graphrec.callbacks", "Epochs", "Needy")
    monkeypatch.chdir(tmp_path)
    watched = tiny_recipe("ct", 'training.callbacks=["epochs"]')
    train(watched, tmp_path / "run")
    assert (tmp_path / "epochs.txt").read_text() == "2"
    with pytest.raises(ComponentError, match="`needy` cannot be made without arguments") as caught:
        callbacks_named(["needy"])
    assert "missing a required argument: 'epochs'" in str(caught.value)


def test_a_check_of_a_package_runs_and_one_that_fails_is_a_warning_that_says_why(
    install: Install, call: Call, tiny_prepared
) -> None:
    own_package(install, "graphrec.checks", "few", "broken", "silent", "grave")
    findings = json.loads(call("check", tiny_prepared, "--json").out)["findings"]
    assert "few_users" in {row["code"] for row in findings}
    messages = [row["message"] for row in findings if row["code"] == "unusable_check"]
    assert len(messages) == 3 and all("`own_parts:" in message for message in messages)
    assert any("failed with ZeroDivisionError: division by zero" in message for message in messages)
    refused(call("check", tiny_prepared, "--check", "own_parts:broken"), "ZeroDivisionError", "own_parts.py:")
    refused(call("check", tiny_prepared, "--check", "own_parts:silent"), "something else than findings", "Finding")
    refused(call("check", tiny_prepared, "--check", "own_parts:grave"), "severity error, warning, info")


def test_the_list_command_shows_every_axis() -> None:
    kinds = {*REGISTRIES, Kind.backbones}
    assert kinds == set(Kind) and len(kinds) == len(GROUPS)
    for module, name in REGISTRIES.values():
        assert getattr(importlib.import_module(module), name).group in GROUPS
