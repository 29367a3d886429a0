"""Small trained and evaluated runs on a tiny twin of Tiktok, which tests read and do not change."""

from __future__ import annotations

import pytest

from graphrec.carry_out import train
from graphrec.preparation import prepare
from graphrec.recipe import Recipe
from graphrec.simulation import simulate

HOSTILE = "<script>alert('a&b')</script> $x_1"
SWEEP = ("observational", "total_indirect_effect:strength=0,0.5,1")


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """A folder with `raw` (and its truth) and `prepared`."""
    folder = tmp_path_factory.mktemp("world")
    simulate("tiktok", folder / "raw", users=120, items=80, shown=60)
    prepare("tiktok", folder / "raw", folder / "prepared")
    return folder


@pytest.fixture(scope="session")
def hcr(world):
    """Two epochs, judged on test and by the truth; its name tries to break the page."""
    run = train(_recipe(world, HOSTILE, "hcr", epochs=2), world / "hcr")
    run.evaluate()
    run.evaluate_truth(world / "raw")
    return run


@pytest.fixture(scope="session")
def causalrec(world):
    """One epoch, judged on test and by the truth at three strengths."""
    run = train(_recipe(world, "causalrec", "causalrec", epochs=1), world / "causalrec")
    run.evaluate(SWEEP)
    run.evaluate_truth(world / "raw", SWEEP)
    return run


@pytest.fixture(scope="session")
def ct(world):
    """One epoch, judged on the validation part alone."""
    run = train(_recipe(world, "ct", "ct", epochs=1), world / "ct")
    run.evaluate(part="valid")
    return run


def _recipe(world, name, decoder, epochs):
    return Recipe.from_dict(
        {
            "name": name,
            "data": {"path": str(world / "prepared")},
            "backbone": {"name": "mmgcn", "embedding_size": 8},
            "decoder": {"name": decoder},
            "training": {"epochs": epochs, "batch_size": 4096},
            "evaluation": {"k": [20, 50]},
        }
    )
