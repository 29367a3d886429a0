"""A mistake on the command line: a message that says what to do next, status 2, and nothing left behind."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from safetensors import SafetensorError
from support.command_line import Call, refused
from support.trained_runs import as_of_an_earlier_version

import graphrec.runs.train
from graphrec.runs.run import Run
from graphrec.system.owned_folder import write_own_json
from graphrec.training.loop import Trainer


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.epoch=3", "did you mean `epochs`?"),
        ("decoder.name=hrc", "did you mean `hcr`?"),
        ("training.epochs=-1", "recipe key `training.epochs` has a wrong value"),
        ("training.batch_size=0", "greater than or equal to 1"),
        ("training.monitor=ndcg@7", "unknown validation metric"),
        ("training.device=nowhere", "cannot be used here"),
        ("split.name=foo", "unknown split"),
        ("data.path=nowhere", "no prepared data here"),
        ('data.feedback.like=["thumb_up"]', "did you mean `thumbs_up`?"),
        ("data.roles.visul=content", "did you mean `visual`?"),
        ("training.learning_rate=1e30", "lower the learning rate"),
        ("epochs", "an override is KEY.SUB=VALUE"),
    ],
)
def test_a_mistake_in_a_recipe(call: Call, recipe_file: Path, tmp_path: Path, override: str, message: str) -> None:
    refused(call("train", recipe_file, "--out", tmp_path / "run", "--set", override), message)


def test_a_damaged_dataset(call: Call, recipe_file: Path, tiny_prepared: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_prepared, tmp_path / "data"))
    with open(folder / "interactions.parquet", "ab") as stream:
        stream.write(b"x")
    overridden = ["--set", f"data.path={folder}"]
    answer = call("train", recipe_file, "--out", tmp_path / "run", *overridden)
    refused(answer, "was changed after", str(folder / "interactions.parquet"))
    as_of_an_earlier_version(folder)
    (folder / "manifest.json").write_text("{")
    refused(call("check", folder), "not a JSON file")


def run_mistakes() -> Sequence[tuple[list[str], str]]:
    return [
        (["evaluate", "{nowhere}"], "not a run folder"),
        (["evaluate", "{hcr}", "--estimand", "front_dor"], "did you mean `front_door`?"),
        (["evaluate", "{hcr}", "--estimand", "total_indirect_effect"], "does not fit this decoder"),
        (["evaluate", "{hcr}", "--split", "tset"], "did you mean `test`?"),
        (["evaluate", "{hcr}", "--truth", "{hcr}"], "there is no truth here"),
        (["evaluate", "{hcr}", "--target", "like"], "a target without a truth"),
        (["recommend", "{hcr}", "--users", "nobody"], "user ids are unknown"),
        (["recommend", "{hcr}", "--users", " , "], "no user ids"),
        (["recommend", "{hcr}", "--users", "1", "--k", "0"], "at least 1 item"),
        (["export", "{hcr}", "--out", "{nowhere}", "--format", "parket"], "did you mean `parquet`?"),
        (["export", "{hcr}", "--out", "{hcr}"], "will not write an export into what is there"),
        (["compare", "{hcr}"], "not evaluated on test yet"),
        (["refute", "{hcr}", "--check", "placebo"], "unknown refutation check `placebo`"),
        (
            ["refute", "{hcr}", "--seeds", "1"],
            "too few seeds for a refutation\n  expected: at least 2\n  got: 1\n  where: --seeds",
        ),
        (["check", "{nowhere}"], "no prepared data here"),
        (["show", "{nowhere}"], "no such recipe"),
        (["list", "foo"], "unknown kind `foo`\n  expected: one of backbones, callbacks"),
        (["list", "backbone"], "unknown kind `backbone`; did you mean `backbones`?"),
        (["new", "metrics", "own_net", "--out", "{nowhere}"], "unknown kind `metrics`; did you mean `metric`?"),
        (["new", "backbone", "own-net", "--out", "{nowhere}"], "next step: choose another name, such as own_net"),
        (["simulate", "tikok", "--out", "{nowhere}"], "did you mean `tiktok`?"),
        (["simulate", "tiktok", "--out", "{nowhere}", "--users", "0"], "has a wrong value"),
        (["simulate", "tiktok", "--out", "{nowhere}", "--set", "usrs=3"], "did you mean `users`?"),
        (["simulate", "tiktok", "--out", "{nowhere}", "--set", "dataset=x"], "expected: --from DATASET"),
        (["simulate", "tiktok", "--out", "{nowhere}", "--set", "out=x"], "expected: --out FOLDER"),
        (["prepare", "tiktokk", "--raw", "{hcr}", "--out", "{nowhere}"], "did you mean `tiktok`?"),
        (["prepare", "tiktok", "--raw", "{nowhere}", "--out", "{nowhere}"], "no such raw data"),
    ]


@pytest.mark.parametrize(("arguments", "message"), run_mistakes(), ids=lambda value: str(value)[:50])
def test_a_mistake_leaves_nothing_behind(
    call: Call, own: Callable[[str], Run], tmp_path: Path, arguments: list[str], message: str
) -> None:
    folders = {"hcr": own("hcr").folder, "nowhere": tmp_path / "nowhere"}
    before = sorted(tmp_path.rglob("*"))
    refused(call(*(argument.format(**folders) for argument in arguments)), message)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_unfinished_run(call: Call, own: Callable[[str], Run]) -> None:
    folder = own("ct").folder
    manifest = json.loads((folder / "run.json").read_text())
    write_own_json(folder / "run.json", {**manifest, "status": "training"})
    refused(call("evaluate", folder), "has not finished", "train again with the same recipe and --out")


def test_a_run_of_another_recipe(call: Call, own: Callable[[str], Run], recipe_file: Path) -> None:
    answer = call("train", recipe_file, "--out", own("ct").folder, "--set", "seed=9")
    refused(answer, "a run of another recipe", "choose another --out")


def test_an_interrupted_training_says_how_to_resume(
    call: Call, recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphrec.runs.train, "CHECKPOINT_SECONDS", -1.0)

    def press_control_c(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("graphrec.training.loop.Trainer._end_lap", press_control_c)
        answer = call("train", recipe_file, "--out", tmp_path / "run")
    assert answer.status == 130
    assert "there is no checkpoint yet: the same command starts from the first epoch" in answer.err
    assert "Traceback" not in answer.err

    keep_best = graphrec.runs.train.Trainer._keep_best

    def press_in_the_second_epoch(trainer: Trainer, metrics: dict[str, float]) -> None:
        if trainer.state.epoch == 2:
            raise KeyboardInterrupt
        keep_best(trainer, metrics)

    with monkeypatch.context() as patch:
        patch.setattr("graphrec.training.loop.Trainer._keep_best", press_in_the_second_epoch)
        answer = call("train", recipe_file, "--out", tmp_path / "run")
        assert answer.status == 130 and "the same command resumes after epoch 1 and 2 steps" in answer.err
        answer = call("train", recipe_file, "--out", tmp_path / "run", "--no-resume")
        assert answer.status == 130 and "without --no-resume it resumes after epoch 1 and 2 steps" in answer.err
    answer = call("train", recipe_file, "--out", tmp_path / "run")
    assert answer.status == 0 and [row["epoch"] for row in Run(tmp_path / "run").history] == [1, 2]
    assert "nothing was done" not in answer.out
    assert (
        "the run in this folder is complete, nothing was done"
        in call("train", recipe_file, "--out", tmp_path / "run").out
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "weights"), "make room"),
        (PermissionError(errno.EACCES, "Permission denied", "weights"), "choose a folder that you may read and write"),
        (OSError("Error writing bytes to file"), "check that path"),
        (SafetensorError("Error while serializing: I/O error: No space left"), "No space left"),
    ],
)  # fmt: skip
def test_what_the_system_refuses_is_a_message(
    call: Call,
    own: Callable[[str], Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    message: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("graphrec.export.embeddings.write_own_json", refuse)
    answer = call("export", own("ct").folder, "--out", tmp_path / "out")
    refused(answer, "the system refused to read or write a file", message)
    assert not (tmp_path / "out").exists()


def test_a_path_through_a_file_is_a_message(call: Call, recipe_file: Path) -> None:
    refused(call("train", recipe_file, "--out", recipe_file / "run"))
    refused(call("simulate", "tiktok", "--users", 20, "--items", 20, "--set", "shown=9", "--out", recipe_file / "x"))


def test_a_folder_in_place_of_a_file_is_named(call: Call, tmp_path: Path) -> None:
    answer = call("causal", "hcr", "--svg", tmp_path)
    assert answer.status == 2 and f"where: {tmp_path}\n" in answer.err


def test_a_bug_keeps_its_traceback(call: Call, own: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphrec.runs.run.Run.export", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call("export", own("ct").folder, "--out", "x")


def test_a_warning_is_a_line_without_source_code(call: Call, recipe_file: Path, tmp_path: Path) -> None:
    answer = call("train", recipe_file, "--out", tmp_path / "run", "--set", "split.seed=4")
    assert answer.status == 0
    assert "warning: split.seed is ignored by the split `chronological`" in answer.err
    assert "warnings.warn" not in answer.err
