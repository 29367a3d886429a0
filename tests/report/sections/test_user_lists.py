"""Users' lists side by side, with items in words; hostile words stay words."""

from __future__ import annotations

from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from scipy import sparse
from support.trained_runs import copied

from graphrec.data.dataset import Feature
from graphrec.data.store import load, save
from graphrec.report.run_page import write_report
from graphrec.report.sections.user_lists import Catalogue, user_lists
from graphrec.runs.recipe import Recipe
from graphrec.runs.train import train

HOSTILE = "<script>alert('id')</script>"


def lists_of(*runs):
    return user_lists(runs, {run.folder: run.name for run in runs})


def test_each_estimand_is_a_column_of_the_items_that_the_run_recommends(hcr):
    lists = lists_of(hcr)
    assert len(lists["users"]) == 3
    clicks = [user["clicks"] for user in lists["users"]]
    assert clicks == sorted(clicks) and lists["dense"] == ["visual", "acoustic"]
    user = lists["users"][1]
    (shown,) = user["runs"]
    assert [method for method, _ in shown["columns"]] == list(hcr.variants())
    for column, estimand in enumerate(hcr.variants().values()):
        recommended = hcr.recommend([user["user"]], 10, estimand=estimand)["item"].tolist()
        assert [row[column]["item"] for row in shown["rows"]] == recommended
    assert shown["columns"][0][1] == "" and shown["columns"][1][1].endswith("of 10 also by HCR")


def test_a_like_is_marked_only_where_it_is_held_out_for_validation(hcr):
    split = hcr.split()
    liked = {(split.dataset.user_ids[user], split.dataset.item_ids[item]) for user, item in split.valid}
    for user in lists_of(hcr)["users"]:
        for row in user["runs"][0]["rows"]:
            assert all(cell["liked"] == ((user["user"], cell["item"]) in liked) for cell in row)


def test_an_item_is_described_by_its_words_its_features_and_its_clicks(hcr):
    split = hcr.split()
    dataset = split.dataset
    visual = np.zeros((dataset.num_items, 2), dtype=np.float32)
    words = sparse.csr_array(np.eye(dataset.num_items, 4, dtype=np.float32) + 0.5)
    profile = Catalogue(split).profile(dataset.user_ids[0])
    visual[profile.items] = [1, 0]
    mask = np.ones(dataset.num_items, dtype=bool)
    mask[1] = False
    features = {"visual": Feature(visual, mask), "words": Feature(words, mask, columns=("a", "b", "c", "d"))}
    catalogue = Catalogue(replace(split, dataset=replace(dataset, features=features)))
    profile = catalogue.profile(dataset.user_ids[0])
    alike, other = profile.items[profile.items > 3][0], np.setdiff1d(np.arange(4, 80), profile.items)[0]
    count = int((split.train_pairs("click")[:, 1] == alike).sum())
    text = catalogue.about(profile, dataset.item_ids[alike])["text"]
    assert text.startswith("words: a, b, c and 1 more; visual +1.00; ") and f"{count} clicks" in text
    assert "visual -1.00" in catalogue.about(profile, dataset.item_ids[other])["text"]
    assert catalogue.about(profile, dataset.item_ids[1])["text"].startswith("no words; no visual")
    assert "words: c, a, b and 1 more" in catalogue.about(profile, dataset.item_ids[2])["text"]
    dated = dataset.pairs("click").query("user == 0")["item"].tolist()
    assert [item for item, _ in catalogue.history(profile)] == [dataset.item_ids[index] for index in dated[::-1][:5]]


@pytest.mark.usefixtures("undrawn")
def test_without_the_data_the_lists_stand_undescribed(hcr, tmp_path):
    run = copied(hcr, tmp_path / "run")
    run.recipe = run.recipe.model_copy(
        update={"data": run.recipe.data.model_copy(update={"path": str(tmp_path / "x")})}
    )
    lists = lists_of(run)
    assert lists["problem"] and lists["users"][0]["history"] == []
    assert lists["users"][0]["runs"][0]["rows"][0][0]["text"] == ""
    assert "The items are not described" in write_report([run], tmp_path / "a.html").read_text()


def test_of_many_runs_one_of_each_decoder_comes_first(hcr, hcr_beta, causalrec, ct):
    shown = [run["name"] for run in lists_of(hcr, hcr_beta, causalrec, ct)["users"][0]["runs"]]
    assert shown == [hcr.name, causalrec.name, ct.name]


@pytest.fixture(scope="module")
def hostile(world, tmp_path_factory):
    """A run on data whose ids and words try to break the page."""
    folder = tmp_path_factory.mktemp("hostile")
    dataset = load(world / "prepared")
    items = np.array([f"{HOSTILE}{n}" for n in range(dataset.num_items)], dtype=object)
    users = np.array([f"{HOSTILE}{n}" for n in range(dataset.num_users)], dtype=object)
    bag = sparse.csr_array(np.ones((dataset.num_items, 1), dtype=np.float32))
    words = Feature(bag, np.ones(dataset.num_items, dtype=bool), columns=(f"{HOSTILE} word",))
    features = {"visual": dataset.features["visual"], "textual": words}
    roles = {"visual": "exposure", "textual": "content"}
    save(
        replace(dataset, name=HOSTILE, item_ids=items, user_ids=users, features=features, roles=roles), folder / "data"
    )
    recipe = {
        "name": HOSTILE,
        "data": {"path": str(folder / "data")},
        "backbone": {"name": "mf", "embedding_size": 4},
        "decoder": {"name": "bpr"},
        "training": {"epochs": 1, "batch_size": 4096},
    }
    run = train(Recipe.from_dict(recipe), folder / "run")
    run.evaluate(split="valid")
    return run


@pytest.mark.usefixtures("undrawn")
def test_ids_and_words_from_outside_are_shown_and_never_obeyed(hostile, tmp_path):
    text = write_report([hostile], tmp_path / "a.html", split="valid").read_text(encoding="utf-8")
    assert "<script" not in text
    shown = unescape(text.replace("<wbr>", ""))
    for word in (hostile.item_ids[0], hostile.user_ids[0], f"{HOSTILE} word"):
        assert word[:-1] in shown
