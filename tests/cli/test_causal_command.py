"""`graphrec causal`, and custom causal graphs for `evaluate` and `recommend`."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.paths import ROOT
from typer.testing import CliRunner, Result

from graphrec.causal import CausalGraph, Node, estimands, parse_estimand
from graphrec.cli import app
from graphrec.decoders import decoders
from graphrec.decoders.description import describe
from graphrec.errors import ComponentError, GraphrecError, IdentificationError, RecipeError, UnknownNameError
from graphrec.runs.run import Run


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def written(graph: CausalGraph, folder: Path) -> Path:
    path = folder / "graph.json"
    path.write_text(graph.to_json())
    return path


def confounded(decoder: str, effect: str) -> CausalGraph:
    """The decoder's graph, and a hidden trend behind the item and `effect`."""
    graph = describe(decoder).graph
    nodes = graph.nodes | {"T": Node("a trend", observed=False)}
    return replace(graph, nodes=nodes, edges=[*graph.edges, ("T", "I"), ("T", effect)])


@pytest.mark.parametrize("decoder", list(decoders))
def test_every_decoder_is_described(decoder: str) -> None:
    answer = call("causal", decoder)
    assert answer.exit_code == 0, answer.output
    described = describe(decoder)
    assert answer.stdout.rstrip("\n") == described.to_text()
    for name, node in described.graph.nodes.items():
        assert f"  {name} " in answer.stdout and node.meaning in answer.stdout
    for cause, effect in described.graph.edges:
        assert f"{cause} -> {effect}" in answer.stdout
    for claim in described.claims:
        assert claim.title in answer.stdout
        assert (claim.proof is None) != (claim.refusal is None)
        assert (claim.proof.formula if claim.proof else claim.reason) in answer.stdout
    assert described.claims[0].method and described.claims[0].proof, "the method itself holds on its own graph"


def test_a_proof_is_printed_in_full_and_a_missing_component_in_a_line() -> None:
    text = call("causal", "hcr").stdout
    for line in (
        "V  hidden cause",
        "mediator, observed, deterministic",
        "HCR (front_door)",
        "criterion         front-door",
        "adjusts for       Z, C, U",
        "cannot be tested  I changes L only through Z, C",
        "Z <- I <- V -> L (blocked by I)",
        "caveat            I <- V -> L is open",
        "decoder whose outcome has mediated branches",
    ):
        assert line in text, line


@pytest.mark.parametrize("decoder", ["hcr", "causalrec"])
def test_json_holds_a_graph_that_can_be_read_back_and_labels_that_can_be_parsed(decoder: str, tmp_path: Path) -> None:
    description = json.loads(call("causal", decoder, "--json").stdout)
    graph = CausalGraph.from_dict(description["graph"])
    assert graph == describe(decoder).graph
    for claim in description["estimands"]:
        (estimand,) = parse_estimand(claim["estimand"])
        assert claim["identified"] == ("formula" in claim) != ("refused" in claim), estimand
    again = call("causal", decoder, "--json", "--graph", written(graph, tmp_path))
    assert again.exit_code == 0 and json.loads(again.stdout) == description


def test_the_drawing_is_written_next_to_the_text(tmp_path: Path) -> None:
    answer = call("causal", "causalrec", "--svg", tmp_path / "new" / "dag.svg", "--json")
    assert json.loads(answer.stdout)["decoder"] == "causalrec"
    root = ElementTree.parse(tmp_path / "new" / "dag.svg").getroot()
    drawn = {node.get("data-node") for node in root.iter() if node.get("data-node")}
    assert drawn == set(describe("causalrec").graph.nodes)


def test_a_custom_graph_refuses_what_it_breaks_with_the_path(tmp_path: Path) -> None:
    answer = call("causal", "hcr", "--graph", written(confounded("hcr", "C"), tmp_path))
    assert answer.exit_code == 2, "the method itself is refused"
    refused = answer.stdout[answer.stdout.index("not identified on this graph") :]
    refused, lacking = refused.split("not for this decoder, whatever the graph")
    assert "total_effect" in lacking and "front_door" not in lacking
    assert "HCR (front_door)" in refused and "I <- T -> C" in refused
    assert "HCR-S2 (effect_of_mediator)" in refused and "C <- T -> I <- V -> L" in refused
    assert "HCR-T (observational)" not in refused


def test_the_status_tells_whether_what_was_asked_for_holds(tmp_path: Path) -> None:
    path = written(confounded("hcr", "C"), tmp_path)
    for text, status in (("observational", 0), ("effect_on_mediator", 2)):
        answer = call("causal", "hcr", "--graph", path, "--estimand", text)
        assert answer.exit_code == status, answer.stdout
        assert len(json.loads(call("causal", "hcr", "--json", "--estimand", text).stdout)["estimands"]) == 1
    assert call("causal", "hcr", "--estimand", "observational", "--estimand", "back_door").exit_code == 2
    assert call("causal", "hcr", "--graph", written(describe("hcr").graph, tmp_path)).exit_code == 0


def test_options_of_an_estimand_are_described() -> None:
    description = json.loads(
        call("causal", "causalrec", "--json", "--estimand", "total_indirect_effect:strength=0.5,1").stdout
    )
    half, whole = description["estimands"]
    assert half["caveats"] and not whole["caveats"]
    assert (half["method"], whole["method"]) == (None, "CausalRec")


def test_mistakes_are_typed(tmp_path: Path) -> None:
    graph = describe("hcr").graph
    other_roles = written(replace(graph, mediators=("C",)), tmp_path)
    for arguments, kind in (
        (["causal", "hrc"], UnknownNameError),
        (["causal", "graphrec.causal:CausalGraph"], ComponentError),
        (["causal", "hcr", "--estimand", "fromt_door"], UnknownNameError),
        (["causal", "hcr", "--graph", tmp_path / "none.json"], RecipeError),
        (["causal", "hcr", "--graph", other_roles], RecipeError),
    ):
        error = call(*arguments).exception
        assert isinstance(error, kind) and isinstance(error, GraphrecError), arguments


def test_a_runs_estimands_are_checked_on_a_custom_graph(own: Callable[[str], Run], tmp_path: Path) -> None:
    run = own("hcr")
    folder, ledger = run.folder, run.folder / "ledger.jsonl"
    openings = ledger.read_text() if ledger.exists() else ""
    user = run.user_ids[0]
    path = written(confounded("hcr", "C"), tmp_path)
    for arguments in (["evaluate", folder], ["recommend", folder, "--users", user]):
        error = call(*arguments, "--graph", path).exception
        assert isinstance(error, IdentificationError) and error.got == "I <- T -> C"
    assert (ledger.read_text() if ledger.exists() else "") == openings, "the test split stays closed"
    observed = call("evaluate", folder, "--graph", path, "--estimand", "observational", "--split", "valid", "--json")
    plain = call("evaluate", folder, "--estimand", "observational", "--split", "valid", "--json")
    assert observed.exit_code == 0 and json.loads(observed.stdout) == json.loads(plain.stdout)
    listed = call(
        "recommend", folder, "--users", user, "--k", 3, "--graph", path, "--estimand", "observational", "--json"
    )
    assert len(json.loads(listed.stdout)) == 3


def test_by_the_truth_too_only_what_the_graph_identifies_is_evaluated(
    tiny_runs: dict[str, Run], tiny_world: Path, tmp_path: Path
) -> None:
    run = tiny_runs["hcr"]
    before = list(run.results)
    with pytest.raises(IdentificationError, match="I <- T -> C"):
        run.evaluate_truth(tiny_world, causal_graph=confounded("hcr", "C"))
    assert list(run.results) == before


def test_the_documents_custom_graph_is_refused_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = (ROOT / "docs" / "causality.md").read_text()
    code = next(block for block in re.findall(r"```python\n(.*?)```", document, re.DOTALL) if "mine.json" in block)
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    printed = capsys.readouterr().out
    assert "HCR (front_door) | the front-door criterion fails in condition (ii)" in printed
    assert "I <- T -> C" in printed and "HCR-T (observational) | association" in printed
    assert call("causal", "hcr", "--graph", tmp_path / "mine.json").exit_code == 2
    for name in estimands:
        assert f"| `{name}` |" in document, name
