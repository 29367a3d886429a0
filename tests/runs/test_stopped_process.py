"""Processes that are stopped while they train: what they say, and that the same command gives the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.trained_runs import MakeRecipe

from graphrec.runs.train import train

# `graphrec train`, with a checkpoint after each epoch, and a pause after one of them.
COMMAND = """
import sys, time
import graphrec.runs.train
from graphrec.cli import main
from graphrec.training.loop import Trainer

graphrec.runs.train.CHECKPOINT_SECONDS = -1.0
pause_after = int(sys.argv.pop(1))
ready = sys.argv.pop(1)
original = graphrec.runs.train.Checkpoint.on_epoch

def on_epoch(self, trainer):
    original(self, trainer)
    if trainer.state.epoch == pause_after:
        open(ready, "w").close()
        time.sleep(60)

graphrec.runs.train.Checkpoint.on_epoch = on_epoch
main()
"""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def start(recipe: Path, out: Path, *, pause_after: int = 0) -> subprocess.Popen[str]:
    ready = out.parent / "ready"
    if pause_after:
        ready.unlink(missing_ok=True)
    arguments = [str(pause_after), str(ready), "train", str(recipe), "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    until = time.monotonic() + 120
    while pause_after and not ready.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        time.sleep(0.05)
    return process


# `test_train.py` has the same with an interruption inside one process.
@pytest.mark.slow
def test_a_training_that_is_stopped_again_and_again_ends_with_the_bits_of_one_that_was_not(
    tiny_recipe: MakeRecipe, tmp_path: Path
) -> None:
    recipe = tiny_recipe("ct", "training.epochs=4")
    file, folder = tmp_path / "my.toml", tmp_path / "run"
    file.write_text(recipe.to_toml())
    for epoch, kill in enumerate((signal.SIGINT, signal.SIGTERM, signal.SIGKILL), 1):
        process = start(file, folder, pause_after=epoch)
        if kill == signal.SIGTERM:
            second = start(file, folder)
            text, _ = second.communicate(timeout=120)
            assert second.returncode == 2
            assert "another process works in this folder" in text and "--out" in text and "Traceback" not in text
        process.send_signal(kill)
        text, _ = process.communicate(timeout=60)
        assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[kill]
        assert "Traceback" not in text
        if epoch > 1:
            assert f"resuming after epoch {epoch - 1}" in text
        if kill != signal.SIGKILL:
            assert f"interrupted; the same command resumes after epoch {epoch}" in text
    # What a kill in the middle of a write leaves.
    (folder / ".weights.safetensors.4194305-0123abcd.part.safetensors").write_bytes(b"half")
    resumed, whole = train(recipe, folder), train(recipe, tmp_path / "whole")
    for name in ("weights.safetensors", "tables.safetensors"):
        assert (resumed.folder / name).read_bytes() == (whole.folder / name).read_bytes(), name
    assert {path.name for path in folder.iterdir()} == {path.name for path in whole.folder.iterdir()}
