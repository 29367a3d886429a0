"""The names that examples in docstrings use: `gr`, `raw`, `data`, `recipe` and `run`, as after the README's example.

The data is smaller than the README's, and is only made where an example asks for it. Each example works in an empty
folder. No test reaches the network.
"""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import pytest
from _pytest.doctest import DoctestItem

LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True, scope="session")
def no_network() -> None:
    """Refuse every connection but to this machine, and every look-up of another name: nothing here may need them."""
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def refusing_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(LOOPBACK):
            raise RuntimeError(f"a test connects to {address}")
        connect(self, address)

    def refusing_look_up(host: Any, *arguments: Any, **options: Any) -> Any:
        if host is not None and not str(host).startswith(LOOPBACK):
            raise RuntimeError(f"a test looks up {host}")
        return look_up(host, *arguments, **options)

    # Not undone: it holds to the end of the process.
    socket.socket.connect = refusing_connect  # type: ignore[method-assign,assignment]
    socket.getaddrinfo = refusing_look_up


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
