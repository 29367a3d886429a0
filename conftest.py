"""The names that examples in docstrings use: `gr`, `raw`, `data`, `recipe` and `run`, as after the README's example.

The data is smaller than the README's, and is only made where an example asks for it. Each example works in an empty
folder.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from _pytest.doctest import DoctestItem


@pytest.fixture(scope="session")
def readme_names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By name, what the README's example leaves behind."""
    import graphrec as gr

    folder = tmp_path_factory.mktemp("readme")
    raw = gr.simulate("tiktok", folder / "raw", users=60, items=40, shown=20)
    data = gr.prepare("tiktok", raw, folder / "prepared")
    recipe = gr.Recipe.from_dict(
        {
            "data": {"path": str(data)},
            "backbone": {"embedding_size": 8},
            "decoder": {"name": "hcr"},
            "training": {"epochs": 2, "monitor": "ndcg@10"},
            "evaluation": {"k": [10]},
        }
    )
    return {"gr": gr, "raw": raw, "data": data, "recipe": recipe, "run": gr.train(recipe, folder / "hcr")}


@pytest.fixture(autouse=True)
def names_in_examples(request: pytest.FixtureRequest) -> None:
    """Give each example the names that it mentions, and a folder of its own; other tests are left alone."""
    if not isinstance(request.node, DoctestItem) or request.node.dtest is None:
        return
    request.getfixturevalue("monkeypatch").chdir(request.getfixturevalue("tmp_path"))
    source = " ".join(example.source for example in request.node.dtest.examples)
    if re.search(r"\b(gr|raw|data|recipe|run)\b", source):
        request.getfixturevalue("doctest_namespace").update(request.getfixturevalue("readme_names"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out examples in the docstrings of tests: some of them are wrong on purpose, for a contract to find."""
    tests = Path(__file__).parent / "tests"
    items[:] = [item for item in items if not (isinstance(item, DoctestItem) and item.path.is_relative_to(tests))]
