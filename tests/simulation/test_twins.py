"""Every twin: its source reads what was drawn, its truth fits, and the same seed writes the same bytes."""

import hashlib

import numpy as np
import pytest

from graphrec.causal import CausalGraph
from graphrec.data.dataset import InteractionDataset
from graphrec.data.prepare import prepare
from graphrec.data.readers.raw_files import SIMULATED
from graphrec.data.sources import sources
from graphrec.data.store import load
from graphrec.simulation import Truth, oracle_gap, simulate, worlds
from graphrec.simulation.coat import CoatConfig, draw_random_test
from graphrec.simulation.log import draw_log
from graphrec.simulation.world import draw_latents

SMALL = {"users": 40, "items": 60, "shown": 20, "missing": 0.2, "seed": 3}
MORE = {"kwai": {"width": 12}, "tiktok": {"vocabulary": 30}}


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """By world its raw folder and the dataset prepared from it."""
    made: dict[str, tuple] = {}
    for name, _ in worlds.summaries():
        folder = tmp_path_factory.mktemp(name)
        raw = simulate(name, folder / "raw", **SMALL, **MORE.get(name, {}))
        made[name] = raw, load(prepare(name, raw, folder / "prepared"))
    return made


def pairs(dataset: InteractionDataset, truth: Truth, role: str) -> set[tuple[int, int]]:
    """Pairs of a role in the world's own rows."""
    events = dataset.pairs(role)
    aligned = truth.align(dataset.user_ids, dataset.item_ids)
    return set(zip(aligned.user_rows[events["user"]], aligned.item_rows[events["item"]]))


@pytest.mark.parametrize("name", ["tiktok", "kwai", "taobao", "amazon"])
def test_the_source_reads_the_clicks_and_likes_that_were_drawn(twins, name):
    raw, dataset = twins[name]
    truth = Truth.load(raw)
    config = worlds.get(name).Config(**SMALL, **MORE.get(name, {}))
    log = draw_log(config, draw_latents(config))
    assert pairs(dataset, truth, "click") == set(zip(log.user, log.item))
    assert pairs(dataset, truth, "like") == set(zip(log.user[log.like], log.item[log.like]))
    first = dataset.pairs("click")["timestamp"].to_numpy()
    assert len(np.unique(first)) > 5


@pytest.mark.parametrize(
    ("name", "modality"),
    [("tiktok", "textual"), ("kwai", "visual"), ("taobao", "brand"), ("amazon", "visual"), ("coat", "color")],
)
def test_what_users_see_first_is_exposure_and_is_missing_as_often_as_asked(twins, name, modality):
    _, dataset = twins[name]
    assert dataset.roles[modality] == "exposure"
    assert dataset.features[modality].mask.mean() == pytest.approx(0.8, abs=0.15)


@pytest.mark.parametrize("name", [name for name, _ in worlds.summaries()])
def test_a_twin_is_marked_as_simulated_and_comes_with_graph_and_equations(twins, name):
    raw, dataset = twins[name]
    simulated = dataset.provenance["simulated"]
    assert simulated["world"] == name and simulated["config"]["seed"] == 3
    assert {feature.encoder for feature in dataset.features.values()} <= {"", SIMULATED}, (
        "no network saw these pictures"
    )
    graph = CausalGraph.from_file(raw / "truth" / "dag.json")
    assert graph.treatment == "I"
    words = (raw / "truth" / "README.md").read_text()
    assert "P(like | click)" in words and len(worlds.get(name).data_notes(worlds.get(name).Config())) >= 1


@pytest.mark.parametrize("name", [name for name, _ in worlds.summaries()])
def test_the_same_seed_writes_the_same_bytes_and_another_others(twins, name, tmp_path):
    def digests(folder):
        files = (file for file in folder.rglob("*") if file.is_file())
        return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}

    settings = SMALL | MORE.get(name, {})
    assert digests(simulate(name, tmp_path / "again", **settings)) == digests(twins[name][0])
    assert digests(simulate(name, tmp_path / "other", **settings | {"seed": 4})) != digests(twins[name][0])


@pytest.mark.parametrize("name", [name for name, _ in worlds.summaries()])
def test_each_worlds_own_question_can_be_seen_at_its_default_settings(name):
    world = worlds.get(name)
    config = world.Config(**({} if name == "coat" else {"users": 200}))
    truth = Truth(config, draw_latents(config), *world.ids(config), np.arange(config.users), np.arange(config.items))
    assert oracle_gap(truth, None, target=world.target).loss > 0.15


def test_the_labels_of_taobao_tell_the_confounder_to_some_degree(tmp_path):
    raw = simulate("taobao", tmp_path / "raw", users=300)
    dataset = load(prepare("taobao", raw, tmp_path / "prepared"))
    v = Truth.load(raw).align(dataset.user_ids, dataset.item_ids).confounder()
    brand = np.asarray(dataset.features["brand"].values.argmax(1)).ravel()
    share = np.bincount(brand, weights=v) / np.bincount(brand).clip(1)
    assert share.max() > 0.4 and np.average(share, weights=np.bincount(brand)) < 0.15


def test_coats_test_part_is_random_and_rated_as_if_clicked(twins):
    raw, dataset = twins["coat"]
    parts = dataset.interactions[["user", "item", "part"]].drop_duplicates()
    assert (parts[parts["part"] == "test"].groupby("user").size() == 16).all()
    assert not parts.duplicated(["user", "item"]).any()
    assert dataset.provenance["randomised_exposure"] == "test"
    config = CoatConfig(users=600, items=300, strength=4.0)
    latents = draw_latents(config)
    ratings = draw_random_test(config, latents, np.zeros((600, 300), dtype=bool))
    users, items = np.nonzero(ratings)
    truth = Truth.load(raw)
    whole = Truth(config, latents, truth.user_ids, truth.item_ids, np.arange(600), np.arange(300))
    chance = whole.like_given_click(np.arange(600), intervene=False)[users, items]
    liked = ratings[users, items] >= 4
    assert liked.sum() == pytest.approx(chance.sum(), abs=4 * np.sqrt((chance * (1 - chance)).sum()))
    assert abs((latents.exposure_taste[users] * latents.exposure[items]).sum(1).mean()) < 0.05


def test_kwai_logs_what_was_shown_and_not_clicked(twins):
    raw, _ = twins["kwai"]
    lines = [line.split("\t") for line in (raw / "train_interaction.txt").read_text().splitlines()]
    assert len(lines) == SMALL["users"] * SMALL["shown"]
    assert {line[2] for line in lines} == {"0", "1"}
    assert all(line[2] == "1" for line in lines if "1" in line[3:5])


def test_every_world_has_a_source_of_its_name():
    for name, _ in worlds.summaries():
        assert sources.get(name)
