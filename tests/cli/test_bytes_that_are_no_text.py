"""Arguments whose bytes are no UTF-8, wherever they stand, are a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import Call, refused

import graphrec as gr
from graphrec.errors import ArgumentError, RecipeError

BYTES = b"caf\xe9".decode(errors="surrogateescape")


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", BYTES, "--out", "run"],
        ["train", "recipe.toml", "--out", BYTES],
        ["train", "recipe.toml", "--out", "run", "--set", f"name={BYTES}"],
        ["prepare", BYTES, "--raw", "raw", "--out", "data"],
        ["prepare", "table", "--raw", "raw", "--out", "data", "--option", f"user={BYTES}"],
        ["recommend", "run", "--users", BYTES],
        ["compare", BYTES, "--out", BYTES],
        ["new", "backbone", BYTES],
        ["show", "recipe.toml", "--log-file", BYTES],
        [BYTES],
        [f"--{BYTES}"],
    ],
)
def test_bytes_that_are_no_text_are_a_message_in_every_command(call: Call, arguments: list[str]) -> None:
    refused(call(*arguments), "an argument is no text in UTF-8", r"caf\xe9", "next step")


def test_they_are_an_error_in_python_too(tmp_path: Path) -> None:
    for attempt in (
        lambda: gr.Run(BYTES),
        lambda: gr.load(BYTES),
        lambda: gr.prepare("table", BYTES, tmp_path / "out"),
    ):
        with pytest.raises(ArgumentError, match="a path"):
            attempt()


@pytest.mark.parametrize("value", [["x:"], ["x"], [], [1], "x:", {"a": 1}, [[]], [None]])
def test_every_form_of_a_setting_with_two_values_is_a_message(value: object) -> None:
    with pytest.raises(RecipeError):
        gr.Recipe.from_dict({"data": {"path": "data"}, "split": {"until": value}})
