"""A run that is trained and evaluated in a second or two: what the tests of report sections show."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from graphrec.data.prepare import prepare
from graphrec.report.page import RunPage
from graphrec.report.trained_method import methods_of
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run
from graphrec.runs.train import train
from graphrec.simulation import simulate

# Removed when Python exits.
_FOLDER = TemporaryDirectory(prefix="graphrec-testing-", ignore_cleanup_errors=True)


@cache
def small_run() -> Run:
    """One epoch of CT on a simulated twin of Tiktok with 40 users and 30 items, evaluated on test.

    It is made once for each process. Who changes its folder changes it for all tests.

    >>> small_run().recipe.decoder["name"], [(result.result_set, result.estimand) for result in small_run().results]
    ('ct', [('test', 'observational')])
    """
    folder = Path(_FOLDER.name)
    raw = simulate("tiktok", folder / "raw", users=40, items=30, shown=20)
    recipe = Recipe.from_dict(
        {
            "data": {"path": str(prepare("tiktok", raw, folder / "prepared"))},
            "backbone": {"embedding_size": 8},
            "decoder": {"name": "ct"},
            "training": {"epochs": 1, "batch_size": 512, "monitor": "ndcg@10"},
            "evaluation": {"k": [10]},
        }
    )
    run = train(recipe, folder / "run")
    run.evaluate()
    return run


def small_page() -> RunPage:
    """What the sections of that run's page are made of.

    >>> page = small_page()
    >>> [method.name for method in page.methods], page.split
    (['ct'], 'test')
    """
    return RunPage(tuple(methods_of([small_run()], None)), "test", Path(_FOLDER.name) / "page.html")
