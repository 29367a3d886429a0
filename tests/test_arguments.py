"""Arguments of a wrong type: each public call answers with an error of ours, never with one of Python's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphrec as gr
from graphrec.errors import ArgumentError, GraphrecError
from graphrec.runs.recipe import Recipe
from graphrec.runs.run import Run

WRONG: list[Any] = [3, None, True, 2.5, [3], ["x"], "x", "", {}, {"a": 1}, object(), b"x", np.zeros((2, 3)), [[1]],
                    (None,), "a\0b", Path("nowhere")]  # fmt: skip

OF_A_RUN: dict[str, Callable[[Run, Any], object]] = {
    "evaluate, estimands": lambda run, value: run.evaluate(value, split="valid"),
    "evaluate, split": lambda run, value: run.evaluate(split=value),
    "evaluate, reason": lambda run, value: run.evaluate("nothing", reason=value),
    "evaluate, causal_graph": lambda run, value: run.evaluate("nothing", causal_graph=value),
    "evaluate_truth, truth": lambda run, value: run.evaluate_truth(value),
    "evaluate_truth, target": lambda run, value: run.evaluate_truth("nowhere", target=value),
    "recommend, users": lambda run, value: run.recommend(value, estimand="nothing"),
    "recommend, k": lambda run, value: run.recommend("no user", value),
    "recommend, estimand": lambda run, value: run.recommend("no user", estimand=value),
    "recommend, seen": lambda run, value: run.recommend("no user", seen=value),
    "recommend, causal_graph": lambda run, value: run.recommend("no user", causal_graph=value),
    "explain, user": lambda run, value: run.explain(value, "no item"),
    "explain, item": lambda run, value: run.explain("0", value, estimands="nothing"),
    "explain, k": lambda run, value: run.explain("no user", "no item", k=value),
    "explain, estimands": lambda run, value: run.explain("0", "0", estimands=value),
    "export, out": lambda run, value: run.export(value, "no format"),
    "export, format": lambda run, value: run.export("nowhere", value),
    "choose": lambda run, value: run.choose(value),
    "results": lambda run, value: run.results[value],
    "results, estimand": lambda run, value: run.results["test", value],
    "compare, result_set": lambda run, value: gr.compare([run], value),
    "refute, checks": lambda run, value: gr.refute(run, checks=value),
    "write_report, out": lambda run, value: gr.write_report([run], value, split="nothing"),
    "write_report, split": lambda run, value: gr.write_report([run], "report.html", split=value),
    "train, recipe": lambda run, value: gr.train(value, "run"),
    "train, out": lambda run, value: gr.train(run.recipe.with_data_at("nowhere"), value),
    "train, callbacks": lambda run, value: gr.train(run.recipe.with_data_at("nowhere"), "run", callbacks=value),
    "tune, recipe": lambda run, value: gr.tune(value, "tuning"),
    "tune, out": lambda run, value: gr.tune(run.recipe, value, trials=0),
    "tune, trials": lambda run, value: gr.tune(run.recipe.with_data_at("nowhere"), "tuning", trials=value),
    "tune, sampler": lambda run, value: gr.tune(run.recipe, "tuning", sampler=value),
}
OF_NONE: dict[str, Callable[[Any], object]] = {
    "Run": gr.Run,
    "from_toml": Recipe.from_toml,
    "from_dict": Recipe.from_dict,
    "from_dict, overrides": lambda value: Recipe.from_dict({}, value),
    "load": gr.load,
    "save": lambda value: gr.save(value, "data"),
    "check": gr.check,
    "compare": gr.compare,
    "refute": gr.refute,
    "write_report": lambda value: gr.write_report(value, "report.html"),
    "simulate, world": lambda value: gr.simulate(value, "raw"),
    "simulate, out": lambda value: gr.simulate("tiktok", value, users="few"),
    "simulate, dataset": lambda value: gr.simulate("tiktok", "raw", dataset=value, users="few"),
    "prepare, source": lambda value: gr.prepare(value, "raw", "data"),
    "prepare, raw": lambda value: gr.prepare("tiktok", value, "data"),
    "prepare, out": lambda value: gr.prepare("tiktok", "nowhere", value),
    "parse_estimand": gr.parse_estimand,
    "CausalGraph, nodes": lambda value: gr.CausalGraph(value, [("I", "Y")], "I", "Y", ()),
    "CausalGraph, edges": lambda value: gr.CausalGraph({}, value, "I", "Y", ()),
}
# An empty list of estimands and the like asks for the default.
DEFAULTS = ({}, None, "")


@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_run_answers_an_argument_of_a_wrong_type_with_an_error_of_ours(
    own: Callable[[str], Run], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = own("ct")
    monkeypatch.chdir(tmp_path)
    refused = 0
    for value in WRONG:
        try:
            OF_A_RUN[name](run, value)
        except GraphrecError as error:
            assert str(error)
            refused += 1
    assert refused >= len(WRONG) - len(DEFAULTS)


@pytest.mark.parametrize("name", OF_NONE)
def test_a_function_answers_an_argument_of_a_wrong_type_with_an_error_of_ours(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for value in WRONG:
        with pytest.raises(GraphrecError):
            OF_NONE[name](value)
    assert list(tmp_path.iterdir()) == []


def test_the_error_names_the_argument_and_what_came(own: Callable[[str], Run]) -> None:
    with pytest.raises(ArgumentError) as caught:
        own("ct").evaluate([3], split="valid")  # type: ignore[list-item]
    assert caught.value.problem == "`estimands` is of a wrong type"
    assert "`3`, an int" in str(caught.value.got)


def test_numbers_of_numpy_and_paths_are_right(own: Callable[[str], Run], tmp_path: Path) -> None:
    run = own("ct")
    assert len(run.recommend(np.array(run.user_ids[:2]), np.int64(3))) == 6
    assert gr.Run(str(run.folder)).name == gr.Run(run.folder).name == "ct"
