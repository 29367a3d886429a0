"""What a world says of itself agrees with what it draws, and the decoders' claims hold on its graph."""

import pytest

from graphrec.causal import CausalGraph
from graphrec.decoders.description import describe
from graphrec.simulation.equations import equations, hidden_confounder_graph, visual_bias_graph
from graphrec.simulation.world import WorldConfig

ALL = WorldConfig(exposure_bias=1.0, popularity_tail=0.5, activity_tail=0.7, drift=2.0)


def test_only_the_confounder_and_the_mediators_lead_to_the_like():
    graph = hidden_confounder_graph(ALL)
    assert {cause for cause, effect in graph.edges if effect == "L"} == {"V", "Z", "C"}
    assert ("V", "I") in graph.edges and not graph.nodes["V"].observed


@pytest.mark.parametrize(
    ("config", "graph", "there", "gone"),
    [
        (WorldConfig(), hidden_confounder_graph, {("V", "L"), ("I", "C")}, {("U", "S"), ("I", "S")}),
        (WorldConfig(strength=0), hidden_confounder_graph, set(), {("V", "L")}),
        (WorldConfig(attraction_scale=0, exposure_bias=1), hidden_confounder_graph, set(), {("U", "C"), ("U", "S")}),
        (WorldConfig(popularity_tail=1), hidden_confounder_graph, {("I", "S")}, {("U", "S")}),
        (WorldConfig(exposure_bias=1), visual_bias_graph, {("I", "S"), ("U", "S"), ("H", "L")}, set()),
        (WorldConfig(strength=0), visual_bias_graph, {("V", "N"), ("N", "Y"), ("M", "L")}, {("H", "L"), ("N", "L")}),
    ],
)
def test_an_edge_is_there_where_its_parameter_is_set(config, graph, there, gone):
    edges = set(graph(config).edges)
    assert there <= edges and not gone & edges


@pytest.mark.parametrize(
    ("decoder", "graph", "claim"),
    [
        ("hcr", hidden_confounder_graph(ALL), "front_door"),
        ("causalrec", visual_bias_graph(WorldConfig(strength=0, exposure_bias=1)), "total_indirect_effect"),
    ],
)
def test_the_decoders_estimand_is_proved_on_the_worlds_graph(decoder, graph, claim):
    read = CausalGraph.from_json(graph.to_json())
    (proved,) = describe(decoder, [claim], read).claims
    assert proved.refusal is None and proved.proof is not None


def test_the_equations_name_the_coefficients_that_are_drawn_with():
    text = "\n".join(equations(ALL.model_copy(update={"strength": 5.5, "like_intercept": -3.25})))
    for part in ("5.5", "-3.25", "exp(0.5 a_i + 1 attraction_ui)", "g(t) = 5.5 - 2 (", "log sd 0.7"):
        assert part in text
    assert "uniformly at random" in "\n".join(equations(WorldConfig()))
