"""Runs: what is read, evaluated and recommended, and that the numbers are those of the values of users."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
import torch
from support.stopped import content
from support.trained_runs import MakeRecipe

import graphrec as gr
import graphrec.runs.results
import graphrec.runs.train
from graphrec.causal import Observational, parse_estimand
from graphrec.cli.errors import in_shell
from graphrec.data.split import Split
from graphrec.data.store import load, save
from graphrec.errors import (
    DamagedFileError,
    DataError,
    GraphrecError,
    RecipeError,
    RunError,
    UnknownIdError,
    UnknownNameError,
)
from graphrec.runs.compare import compare
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.system.owned_folder import write_own_json
from graphrec.training.checkpoint import load_weights, save_weights

VARIANTS = {
    "ct": ["CT"],
    "esmm": ["ESMM"],
    "hcr": ["HCR", "HCR-T", "HCR-S1", "HCR-S2"],
    "causalrec": ["CausalRec", "CausalRec w/o CI"],
}


def test_a_run_folder_holds_what_its_module_says(tiny_runs: dict[str, Run]) -> None:
    for run in tiny_runs.values():
        files = {name.split("/")[0] for name in content(run.folder)}
        assert files >= {"recipe.toml", "run.json", "history.jsonl", "weights.safetensors", "tables.safetensors",
                        "users.parquet", "items.parquet"}  # fmt: skip
        assert "training.safetensors" not in files
        assert not any(name.startswith(".") for name in files)


# Opening a run


def test_a_run_of_another_version_is_refused_with_the_way_out(own: Callable[[str], Run]) -> None:
    folder = own("ct").folder
    manifest = json.loads((folder / "run.json").read_text())
    write_own_json(folder / "run.json", manifest | {"schema": 1})
    with pytest.raises(RunError, match=r"another version of graphrec[\s\S]*train the recipe in its recipe\.toml again"):
        Run(folder)


@pytest.mark.parametrize("file", ["weights.safetensors", "tables.safetensors", "users.parquet", "items.parquet"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_damaged_run_is_named(own: Callable[[str], Run], file: str, damage: str) -> None:
    run = own("hcr")
    path = run.folder / file
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(RunError) as caught:
        run.recommend([*load(Path(run.recipe.data.path)).user_ids[:1]])
    assert caught.value.where == path


@pytest.mark.parametrize("lacking", ["train_pairs", "/item"])
def test_a_readable_file_that_lacks_a_table_is_named(own: Callable[[str], Run], lacking: str) -> None:
    run = own("hcr")
    path = run.folder / "tables.safetensors"
    tables, _ = load_weights(path)
    save_weights(path, {name: tensor for name, tensor in tables.items() if not name.endswith(lacking)})
    with pytest.raises(RunError, match=f"damaged[\\s\\S]*no tensor .*{lacking}") as caught:
        run.recommend(["0"])
    assert caught.value.where == path


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run folder"):
        Run(tmp_path)
    (tmp_path / "run.json").write_text("[]")
    with pytest.raises(RunError, match="damaged"):
        Run(tmp_path)


# Evaluation


@pytest.mark.parametrize("name", VARIANTS)
def test_a_run_is_evaluated_under_all_its_variants_without_training(
    own: Callable[[str], Run], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.runs.train, "Trainer", pytest.fail)
    run = own(name)
    before = (run.folder / "weights.safetensors").read_bytes()
    table = run.evaluate()
    assert list(table["method"]) == VARIANTS[name]
    assert table["ndcg@20"].between(0, 1).all()
    assert (table["ndcg@20_low"] <= table["ndcg@20"]).all()
    assert (table["ndcg@20"] <= table["ndcg@20_high"]).all()
    assert (run.folder / "weights.safetensors").read_bytes() == before
    pd.testing.assert_frame_equal(run.evaluate(), table)


def test_the_values_of_users_average_to_the_reported_mean(own: Callable[[str], Run]) -> None:
    run = own("hcr")
    run.evaluate()
    entries = json.loads((run.folder / "metrics.json").read_text())
    assert len(entries) == 4
    for entry in entries.values():
        users = run.results["test", entry["estimand"]].per_user
        assert set(users["user"]) <= set(run.user_ids)
        for metric, value in entry["metrics"].items():
            assert value["mean"] == pytest.approx(users[metric].mean(), abs=1e-12)
            assert value["users"] == len(users)


def test_the_results_of_two_processes_at_once_are_all_written(
    own: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, write = own("hcr"), graphrec.runs.results.write_own_json
    other = Thread(target=Run(run.folder).evaluate, kwargs={"split": "valid"})

    def write_late(path: Path, value: dict) -> None:
        monkeypatch.setattr(graphrec.runs.results, "write_own_json", write)
        other.start()
        other.join(2)  # waits, or else writes what is then lost
        write(path, value)

    monkeypatch.setattr(graphrec.runs.results, "write_own_json", write_late)
    run.evaluate(["front_door"], split="valid")
    other.join()
    assert {result.method for result in run.results} == set(VARIANTS["hcr"])


def test_results_of_an_earlier_training_are_not_written_as_the_new_ones(own: Callable[[str], Run]) -> None:
    run = own("ct")
    assert run.model.num_users
    again = train(run.recipe, run.folder, resume=False)
    with pytest.raises(RunError, match="trained again while it was evaluated"):
        run.evaluate(split="valid")
    assert not again.results and not (run.folder / "per_user").exists()
    assert len(again.evaluate(split="valid")) == 1


def test_values_of_users_that_are_damaged_or_not_accounted_for_are_refused(own: Callable[[str], Run]) -> None:
    run = own("ct")
    run.evaluate(split="valid")
    (path,) = (run.folder / "per_user").iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DamagedFileError, match="changed after") as caught:
        _ = run.results["valid", "observational"].per_user
    assert caught.value.where == path and caught.value.next_step == "remove the file, then evaluate the run again"
    path.unlink()
    run.evaluate(split="valid")
    assert len(run.results["valid", "observational"].per_user)
    write_own_json(run.folder / "metrics.json", {})
    with pytest.raises(RunError, match="not evaluated yet"):
        _ = run.results["valid", "observational"].per_user


def test_the_users_are_those_with_a_held_out_like(own: Callable[[str], Run]) -> None:
    run = own("ct")
    run.evaluate(split="valid")
    held = run.split().valid
    users = run.results["valid", "observational"].per_user
    assert list(users["user"]) == list(run.user_ids[np.unique(held[:, 0])])
    assert users["positives"].sum() == len(held)


def test_each_opening_of_the_test_part_is_a_line_in_the_ledger(own: Callable[[str], Run]) -> None:
    run = own("ct")
    ledger = run.folder / "ledger.jsonl"
    run.evaluate(split="valid")
    assert not ledger.exists()
    run.evaluate()
    run.evaluate(reason="again, for the table")
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [line["reason"] for line in lines] == ["evaluate", "again, for the table"]
    assert all(line["split"] == run.manifest["split_hash"] for line in lines)


@pytest.mark.parametrize(
    ("name", "estimand"),
    [("ct", "front_door"), ("hcr", "total_indirect_effect"), ("hcr", "nonsense"),
     ("causalrec", "total_indirect_effect:strength=-1"), ("causalrec", "total_indirect_effect:strenth=1")],
)  # fmt: skip
def test_an_estimand_that_does_not_fit_is_refused_before_the_test_part_opens(
    own: Callable[[str], Run], name: str, estimand: str
) -> None:
    run = own(name)
    with pytest.raises(GraphrecError) as caught:
        run.evaluate(["observational", estimand])
    assert caught.value.expected or caught.value.got
    assert not (run.folder / "ledger.jsonl").exists()
    assert not run.results


def test_an_unknown_split_or_result_set_is_refused(own: Callable[[str], Run]) -> None:
    run = own("ct")
    with pytest.raises(UnknownNameError, match="did you mean `test`"):
        run.evaluate(split="tset")
    with pytest.raises(UnknownNameError, match="unknown result set") as refusal:
        compare([run], result_set="train")
    assert "where: `result_set`" in str(refusal.value)
    assert "where: --result-set" in refusal.value.worded(in_shell)


def test_an_estimand_may_be_passed_without_a_list(own: Callable[[str], Run]) -> None:
    run = own("hcr")
    for estimand in ("observational", Observational()):
        table = run.evaluate(estimand, split="valid")
        assert table["estimand"].tolist() == ["observational"] and "ndcg@10" in table


def test_a_sweep_is_labelled_in_order_and_ends_in_the_variants(own: Callable[[str], Run]) -> None:
    run = own("causalrec")
    table = run.evaluate(["total_indirect_effect:strength=0,0.25,0.5,1", "observational"])
    strengths = [parse_estimand(text)[0].strength for text in table["estimand"][:4]]
    assert strengths == sorted(strengths) == [0.0, 0.25, 0.5, 1.0]
    assert list(table["method"][3:]) == ["CausalRec", "CausalRec w/o CI"]
    # Nothing taken away is the observational score, for every user.
    metrics = run.results["test", table["estimand"][0]].per_user
    pd.testing.assert_frame_equal(metrics, run.results["test", "observational"].per_user)


def test_the_recipe_chooses_what_is_reported(tiny_recipe: MakeRecipe, tmp_path: Path) -> None:
    run = train(tiny_recipe("hcr", 'evaluation.estimands=["effect_on_mediator"]'), tmp_path / "run")
    assert list(run.evaluate()["method"]) == ["HCR-S1"]
    user = run.user_ids[:1]
    chosen, front_door = (run.recommend(user, estimand=estimand) for estimand in ("effect_on_mediator", "front_door"))
    assert not chosen.equals(front_door)
    pd.testing.assert_frame_equal(run.recommend(user), chosen)
    why = run.explain(user[0], chosen["item"][0])
    assert why.explained.method == "HCR-S1" and why.explained.rank == 1
    assert [ranking.method for ranking in why.rankings] == ["HCR-S1", "HCR", "HCR-T", "HCR-S2"]


@pytest.mark.parametrize(
    ("decoder", "named", "shown"),
    [
        ("causalrec", ["total_indirect_effect:strength=0"], ["CausalRec"]),
        ("causalrec", ["total_indirect_effect:strength=0.4", "observational"], ["CausalRec", "CausalRec w/o CI"]),
        (
            "causalrec",
            ["total_indirect_effect:strength=0.4,1"],
            ["total_indirect_effect:strength=0.4", "CausalRec"],
        ),
        ("macr", ["total_indirect_effect:strength=0.5"], ["total_indirect_effect:strength=0.5"]),  # another reference
        ("pda", ["back_door:level=forecast"], ["PDA"]),
    ],
)
def test_numbers_that_a_recipe_chose_leave_a_variant_its_name(
    decoder: str, named: list[str], shown: list[str], own: Callable[[str], Run], tiny_recipe: MakeRecipe
) -> None:
    run = own("causalrec")
    run.recipe = tiny_recipe(decoder, f"evaluation.estimands={json.dumps(named)}")
    assert list(run.variants()) == shown
    assert list(run.variants().values()) == [estimand for text in named for estimand in parse_estimand(text)]


def test_the_name_that_a_chosen_strength_has_is_no_others(own: Callable[[str], Run], tiny_recipe: MakeRecipe) -> None:
    run = own("causalrec")
    run.recipe = tiny_recipe("causalrec", 'evaluation.estimands=["total_indirect_effect:strength=0.4"]')
    assert list(run.choose(["total_indirect_effect:strength=0.4,1"])) == ["CausalRec", "total_indirect_effect"]


def test_other_data_is_refused(
    tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path, own: Callable[[str], Run]
) -> None:
    shutil.copytree(tiny_prepared, tmp_path / "data")
    run = train(tiny_recipe("ct", f"data.path={tmp_path / 'data'}"), tmp_path / "run")
    dataset = load(tmp_path / "data")
    object.__setattr__(dataset, "interactions", dataset.interactions.iloc[5:].reset_index(drop=True))
    save(dataset, tmp_path / "data")
    with pytest.raises(RunError, match="not what this run was trained on"):
        run.evaluate()
    assert not (run.folder / "ledger.jsonl").exists()
    shutil.rmtree(tmp_path / "data")
    with pytest.raises(DataError, match="no prepared data"):
        run.evaluate()


def test_evaluation_by_the_truth_does_not_open_the_test_split(
    own: Callable[[str], Run], tiny_world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Split, "open_test", lambda *a, **k: pytest.fail("the test split was opened"))
    run = own("hcr")
    table = run.evaluate_truth(tiny_world)
    assert table["regret_do@50"].between(0, 1).all()
    assert table["ndcg_do@50"].between(0, 1).all()
    assert table["rank_correlation_do"].between(-1, 1).all()
    assert table["leakage_do"].between(-1, 1).all()
    assert {result.result_set for result in run.results} == {"truth"}


def test_satisfaction_is_another_result_set_than_likes(own: Callable[[str], Run], tiny_world: Path) -> None:
    run = own("hcr")
    likes, satisfaction = run.evaluate_truth(tiny_world), run.evaluate_truth(tiny_world, target="satisfaction")
    assert (likes["regret_do@50"] != satisfaction["regret_do@50"]).all()
    for part, table in (("truth", likes), ("satisfaction", satisfaction)):
        pd.testing.assert_frame_equal(compare([run], part).drop(columns="run"), table)
        assert run.results[part, "front_door"].per_user["regret_do@50"].mean() == pytest.approx(
            table["regret_do@50"][0]
        )
    with pytest.raises(UnknownNameError, match="did you mean `like`"):
        run.evaluate_truth(tiny_world, target="likes")


def test_the_truth_of_another_world_is_refused(own: Callable[[str], Run], tiny_world: Path, tmp_path: Path) -> None:
    run = own("hcr")
    other = gr.simulate("tiktok", tmp_path / "other", users=120, items=80, shown=40, seed=1)
    with pytest.raises(DataError, match="of another world than the dataset"):
        run.evaluate_truth(other)
    renamed = Path(shutil.copytree(tiny_world / "truth", tmp_path / "renamed"))
    description = json.loads((renamed / "world.json").read_text())
    description["user_ids"] = [f"other{user}" for user in description["user_ids"]]
    (renamed / "world.json").write_text(json.dumps(description))
    with pytest.raises(DataError, match="of another world than the dataset"):
        run.evaluate_truth(renamed)
    assert not run.results


# Recommendation


@pytest.mark.parametrize("name", VARIANTS)
def test_recommendations_are_the_ranking_by_score_without_what_was_seen(tiny_runs: dict[str, Run], name: str) -> None:
    run = tiny_runs[name]
    users = np.array([3, 0, 7])
    recommended = run.recommend(run.user_ids[users], k=6)
    estimand = next(iter(run.model.decoder.variants().values()))
    scores = run.model.scorer(estimand)(torch.from_numpy(users)).numpy()
    assert list(recommended["user"]) == list(np.repeat(run.user_ids[users], 6))
    for row, user in enumerate(users):
        seen = run.train_interactions[run.train_interactions[:, 0] == user, 1]
        scores[row, seen] = -np.inf
        best = sorted(range(len(run.item_ids)), key=lambda item: (-scores[row, item], item))[:6]
        mine = recommended[recommended["user"] == run.user_ids[user]]
        assert list(mine["item"]) == list(run.item_ids[best])
        assert list(mine["rank"]) == [1, 2, 3, 4, 5, 6]
        np.testing.assert_array_equal(mine["score"], scores[row, best])
        assert not set(mine["item"]) & set(run.item_ids[seen])


def test_a_batch_gives_what_its_members_give_singly(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["hcr"]
    users = list(run.user_ids[:5])
    together = run.recommend(users, k=4)
    singly = pd.concat([run.recommend([user], k=4) for user in users], ignore_index=True)
    pd.testing.assert_frame_equal(together.drop(columns="score"), singly.drop(columns="score"))
    np.testing.assert_allclose(together["score"], singly["score"], rtol=1e-5)


def test_a_single_id_is_one_user_not_its_characters(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["ct"]
    user = next(user_id for user_id in run.user_ids if len(user_id) > 1 and set(user_id) <= set(run.user_ids))
    pd.testing.assert_frame_equal(run.recommend(user, k=3), run.recommend([user], k=3))


def test_a_list_ends_where_the_unseen_items_end(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["ct"]
    seen = (run.train_interactions[:, 0] == 0).sum()
    assert seen > 0
    assert len(run.recommend(run.user_ids[:1], k=10_000)) == len(run.item_ids) - seen
    assert len(run.recommend(run.user_ids[:1], k=10_000, seen=True)) == len(run.item_ids)


def test_unknown_users_are_all_named(tiny_runs: dict[str, Run]) -> None:
    run = tiny_runs["ct"]
    with pytest.raises(UnknownIdError) as caught:
        run.recommend([run.user_ids[0], "nobody", "no one"])
    assert caught.value.got == "nobody, no one"


def test_an_impossible_list_is_refused(tiny_runs: dict[str, Run]) -> None:
    with pytest.raises(RunError, match="too short"):
        tiny_runs["ct"].recommend(["1"], k=0)
    with pytest.raises(RecipeError, match="one list is made under one estimand"):
        tiny_runs["causalrec"].recommend(["1"], estimand="total_indirect_effect:strength=0,1")


def test_scoring_and_export_need_nothing_but_the_run_folder(
    tiny_recipe: MakeRecipe, tiny_prepared: Path, tmp_path: Path
) -> None:
    shutil.copytree(tiny_prepared, tmp_path / "data")
    trained = train(tiny_recipe("hcr", f"data.path={tmp_path / 'data'}"), tmp_path / "run")
    expected = trained.recommend(trained.user_ids[:3])
    shutil.rmtree(tmp_path / "data")
    shutil.move(tmp_path / "run", tmp_path / "moved")
    run = Run(tmp_path / "moved")
    pd.testing.assert_frame_equal(run.recommend(run.user_ids[:3]), expected)
    assert run.export(tmp_path / "out").is_dir()


@pytest.mark.parametrize("name", VARIANTS)
def test_scoring_twice_gives_the_same_bits(tiny_runs: dict[str, Run], name: str) -> None:
    run = tiny_runs[name]
    users = torch.arange(10)
    for estimand in (*run.model.decoder.variants().values(), Observational()):
        scorer = run.model.scorer(estimand)
        assert torch.equal(scorer(users), scorer(users))
