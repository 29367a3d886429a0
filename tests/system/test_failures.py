"""Failed allocations: a typed error with the bytes and the setting, wherever they happen; ranking goes on in halves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.command_line import Call, refused
from support.trained_runs import MakeRecipe

import graphrec as gr
from graphrec.errors import OutOfMemoryError
from graphrec.evaluation import ranking
from graphrec.evaluation.ranking import evaluate
from graphrec.evaluation.scorer import TableScorer
from graphrec.runs.run import Run
from graphrec.system.failures import bytes_of_failure, typed_allocations
from graphrec.system.memory import available_bytes

TORCH = (
    "[enforce fail at alloc_cpu.cpp] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 8000 bytes."
)


@pytest.mark.parametrize(
    ("request_too_much", "size"),
    [
        (lambda: torch.empty(10**13), 4 * 10**13),
        (lambda: np.empty(10**14), 8 * 10**14),
        (lambda: torch.empty(2**62, 2**62), 0),
        (lambda: np.empty((2**62, 2**62)), 0),
        (lambda: [0] * 10**15, 0),
        (lambda: bytearray(10**16), 0),
    ],
)
def test_every_way_in_which_an_allocation_fails_is_known(request_too_much: Callable[[], object], size: int) -> None:
    with pytest.raises(Exception) as raised:
        request_too_much()
    assert bytes_of_failure(raised.value) == pytest.approx(size, rel=0.01)
    with (
        pytest.raises(OutOfMemoryError, match="not enough memory for the work"),
        typed_allocations("the work", "k", "x"),
    ):
        request_too_much()


@pytest.mark.parametrize("error", [ValueError("a wrong value"), RuntimeError("sizes differ"), OverflowError("math")])
def test_other_errors_stay_what_they_are(error: Exception) -> None:
    assert bytes_of_failure(error) is None
    with pytest.raises(type(error)), typed_allocations("the work", "k", "x"):
        raise error


def test_a_ranking_whose_block_does_not_fit_goes_on_in_halves_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    draw = np.random.default_rng(0)
    scores = draw.normal(size=(50, 30)).astype(np.float32)
    positives = np.stack([np.repeat(np.arange(50), 3), draw.integers(30, size=150)], axis=1)
    nothing = np.empty((0, 2), dtype=int)
    whole = evaluate(TableScorer(scores), positives, nothing)
    for largest in (20, 7, 1):

        class Narrow(TableScorer):
            def __call__(self, users: torch.Tensor, largest: int = largest) -> torch.Tensor:
                if len(users) > largest:
                    raise RuntimeError(TORCH)
                return super().__call__(users)

        with caplog.at_level("INFO", logger=ranking.__name__):
            narrow = evaluate(Narrow(scores), positives, nothing)
        assert narrow.equals(whole)
        assert "ranked in two halves" in caplog.text

    class Full(TableScorer):
        def __call__(self, users: torch.Tensor) -> torch.Tensor:
            raise RuntimeError(TORCH)

    with pytest.raises(OutOfMemoryError, match="the scores of one user"):
        evaluate(Full(scores), positives, nothing)


@pytest.mark.parametrize("size", [10**6, 10**9, 10**15])
def test_a_model_that_cannot_fit_is_refused_before_anything_is_written(
    tiny_recipe: MakeRecipe, tmp_path: Path, size: int
) -> None:
    for backbone in ("mf", "lightgcn", "mmgcn"):
        recipe = gr.Recipe.from_dict(
            {
                "data": tiny_recipe("ct").data.model_dump(),
                "backbone": {"name": backbone, "embedding_size": size * 100},
                "decoder": {"name": "ct"},
            }
        )
        with pytest.raises(OutOfMemoryError, match="not enough memory") as caught:
            gr.train(recipe, tmp_path / "run")
        assert caught.value.where == "backbone.embedding_size"
    assert not (tmp_path / "run").exists()


def test_a_step_that_does_not_fit_names_the_settings(
    tiny_recipe: MakeRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(TORCH)

    monkeypatch.setattr("graphrec.training.loop.loss_of", fail)
    with pytest.raises(OutOfMemoryError, match="a step of training") as caught:
        gr.train(tiny_recipe("ct"), tmp_path / "run")
    assert caught.value.where == "training.batch_size" and "8,000 bytes" in str(caught.value.got)


def test_a_command_ends_with_a_message_wherever_memory_ends(
    call: Call, own: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 3.00 TiB for an array with shape (9,) and data type float64")

    monkeypatch.setattr("graphrec.runs.run.Run.choose", fail)
    refused(call("evaluate", own("ct").folder), "not enough memory for this command", "3,072.0 GiB")


def test_the_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limit, used = tmp_path / "max", tmp_path / "current"
    limit.write_text("3000000\n")
    used.write_text("1000000\n")
    monkeypatch.setattr("graphrec.system.memory._CGROUPS", ((limit, used),))
    assert available_bytes() == 2_000_000
    limit.write_text("max\n")
    free = available_bytes()
    assert free is not None and free > 10_000_000
