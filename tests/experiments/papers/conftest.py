"""What a benchmark on the tiny world measured, for the paper tables to show."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.trained_runs import MakeRecipe, copied

from graphrec.experiments.benchmark import BenchmarkResult
from graphrec.runs.run import Run
from graphrec.runs.train import train

CR_FAILED = "CR needs to know what the user sees; expected a title; got none"


@pytest.fixture(scope="session")
def result(tiny_runs: dict[str, Run], tiny_world: Path, tmp_path_factory: pytest.TempPathFactory) -> BenchmarkResult:
    """CT, ESMM and HCR trained, CR failed, the others not run; copies, as paper tables evaluate what is missing."""
    folder = tmp_path_factory.mktemp("paper_tables")
    trained = {}
    for name in ("CT", "ESMM", "HCR"):
        trained[name] = [copied(tiny_runs[name.lower()], folder / name)]
    return BenchmarkResult.of_runs(trained, failed={"CR": CR_FAILED}, truth=tiny_world)


@pytest.fixture(scope="session")
def visual(tiny_recipe: MakeRecipe, tmp_path_factory: pytest.TempPathFactory) -> BenchmarkResult:
    """BPR, VBPR and CausalRec without a graph, CausalRec for two seeds; AMR failed, on data without a truth at hand."""
    folder = tmp_path_factory.mktemp("visual")

    def trained(decoder: str, seed: int = 0) -> Run:
        settings = ("backbone.name=mf", "backbone.embedding_size=8", "evaluation.k=[20, 50]", f"seed={seed}")
        return train(tiny_recipe(decoder, *settings), folder / f"{decoder}-{seed}")

    runs = {name: [trained(name.lower(), seed) for seed in (0, 1)] for name in ("BPR", "VBPR", "CausalRec")}
    return BenchmarkResult.of_runs(runs, failed={"AMR": "it diverged; got NaN"})
