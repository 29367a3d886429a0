"""Identification on the papers' graphs, and by exact enumeration of small structural causal models."""

from __future__ import annotations

import numpy as np
import pytest

from graphrec.causal import (
    CausalGraph,
    Node,
    association,
    back_door,
    effect_of_mediators,
    effect_on_mediators,
    front_door,
    joint_intervention,
    mediation,
    natural_direct_effect,
    total_effect,
)
from graphrec.errors import IdentificationError, UnknownNameError


def test_hcr_is_identified_by_the_front_door(hcr):
    proof = front_door(hcr())
    assert proof.formula == ("P(L | do(I), U) = sum_{Z, C} P(Z, C | I, U) sum_{I'} P(L | I', Z, C, U) P(I' | U)")
    assert "I <- V -> L <- C (blocked by the collider L)" in proof.blocked
    assert "Z <- I <- V -> L (blocked by I)" in proof.blocked
    assert any("Z is a function of I, U" in line for line in proof.untestable)
    assert proof.assumptions == ("every value of C can occur under every I, U",)


@pytest.mark.parametrize(
    "edge, condition, path",
    [
        (("I", "L"), r"\(i\)", "I -> L"),
        (("V", "C"), r"\(ii\)", "I <- V -> C"),
    ],
)
def test_hcr_with_a_wrong_edge_is_refused_with_the_path(hcr, edge, condition, path):
    with pytest.raises(IdentificationError, match=condition) as caught:
        front_door(hcr(edge))
    assert caught.value.got == path


def test_front_door_condition_iii_shows_the_open_path():
    names = "UIMLH"
    nodes = {name: Node(name, observed=name != "H") for name in names}
    graph = CausalGraph(nodes, [("I", "M"), ("M", "L"), ("H", "M"), ("H", "L")], "I", "L", ("M",), ("U",))
    with pytest.raises(IdentificationError, match=r"\(iii\)") as caught:
        front_door(graph)
    assert caught.value.got == "M <- H -> L"


def test_front_door_wants_mediators_that_are_observed(hcr):
    graph = hcr()
    with pytest.raises(IdentificationError, match="needs mediators"):
        front_door(CausalGraph(graph.nodes, graph.edges, "I", "L", (), ("U",)))
    nodes = {**graph.nodes, "C": Node("click", observed=False)}
    with pytest.raises(IdentificationError, match="`C` observed"):
        front_door(CausalGraph(nodes, graph.edges, "I", "L", ("Z", "C"), ("U",)))


def test_each_half_of_the_front_door_needs_its_own_condition_only(hcr):
    direct = hcr(("I", "L"))
    assert effect_on_mediators(direct).formula == "P(Z, C | do(I), U) = P(Z, C | I, U)"
    assert effect_of_mediators(direct).adjustment == ("I", "U")
    with pytest.raises(IdentificationError, match="I <- V -> C"):
        effect_on_mediators(hcr(("V", "C")))
    with pytest.raises(IdentificationError, match="C <- V -> L"):
        effect_of_mediators(hcr(("V", "C")))


def test_what_nothing_hidden_may_cause_leaves_out_the_cause_that_the_graph_has(hcr):
    """V causes the item features, which make the match and the click, and it causes the like."""
    assert "nothing hidden causes both Z, C and L, save through I" in effect_of_mediators(hcr()).untestable
    assert any(
        line == "nothing hidden causes both I and Z, C, or both Z, C and L, save through I"
        for line in front_door(hcr()).untestable
    )
    assert "nothing hidden causes both I and Z, C" in effect_on_mediators(hcr()).untestable


@pytest.mark.parametrize("extra", [(), (("U", "Y"), ("I", "Y"))], ids=["CausalRec", "VBPR"])
def test_causalrec_identifies_its_indirect_effect(causalrec, extra):
    proof = mediation(causalrec(*extra), ("M",))
    assert proof.formula == "TIE(I, I*) = sum_{M} P(Y | I, M, U) [P(M | I, U) - P(M | I*, U)]"
    assert "V is a function of I without noise" in proof.assumptions
    assert any(line.startswith("cross-world") for line in proof.untestable)
    assert "M <- V -> N -> Y (blocked by V)" in proof.blocked


def test_a_hidden_cause_of_match_and_interaction_is_refused_with_the_path(causalrec):
    with pytest.raises(IdentificationError) as caught:
        mediation(causalrec(("H", "M"), ("H", "Y"), hidden=("H",)), ("M",))
    assert caught.value.got == "M <- H -> Y"


@pytest.mark.parametrize("effect, path", [("Y", "I <- H -> Y"), ("M", "I <- H -> M -> Y")])
def test_a_hidden_cause_of_the_treatment_is_refused_with_the_path(causalrec, effect, path):
    with pytest.raises(IdentificationError) as caught:
        mediation(causalrec(("H", "I"), ("H", effect), hidden=("H",)), ("M",))
    assert caught.value.got == path


def test_a_recanting_witness_with_noise_is_refused_and_counting_it_as_mediator_mends_it(causalrec):
    noisy = causalrec(picture=False)
    with pytest.raises(IdentificationError, match="recanting witness") as caught:
        mediation(noisy, ("M",))
    assert caught.value.got == "I -> V, V -> M and V -> N -> Y"
    mediation(noisy, ("V", "M"))


def test_mediation_says_when_the_mediator_is_not_logged(causalrec):
    graph = causalrec()
    nodes = {**graph.nodes, "M": Node("match", observed=False)}
    proof = mediation(CausalGraph(nodes, graph.edges, "I", "Y", ("M",), ("U",)), ("M",))
    assert any("M is not logged" in line for line in proof.untestable)


def test_mediation_wants_mediators_between_treatment_and_outcome(causalrec):
    graph = causalrec()
    with pytest.raises(IdentificationError, match="needs a mediator"):
        mediation(graph, ())
    with pytest.raises(IdentificationError, match="`U` is not a mediator"):
        mediation(graph, ("U",))
    with pytest.raises(UnknownNameError):
        mediation(graph, ("X",))


def test_association_is_always_there_and_tells_its_confounding(hcr, causalrec):
    proof = association(hcr())
    assert proof.formula == "P(L | I, U)"
    assert proof.caveats == ("I <- V -> L is open: P(L | I, U) is not P(L | do(I), U)",)
    clean = association(causalrec())
    assert clean.formula == "P(Y | do(I), U) = P(Y | I, U)"
    assert clean.caveats == ()


def test_total_and_direct_effect_state_their_formulas(causalrec):
    assert total_effect(causalrec()).formula == "TE(I, I*) = P(Y | I, U) - P(Y | I*, U)"
    direct = natural_direct_effect(causalrec(), ("M",))
    assert direct.formula == "NDE(I, I*) = sum_{M} [P(Y | I, M, U) - P(Y | I*, M, U)] P(M | I*, U)"
    assert direct.untestable == mediation(causalrec(), ("M",)).untestable


def test_the_total_effect_is_refused_only_for_confounding_of_treatment_and_outcome(causalrec, hcr):
    total_effect(causalrec(("H", "M"), ("H", "Y"), hidden=("H",)))
    total_effect(causalrec(picture=False))
    for graph in (hcr(), causalrec(("H", "I"), ("H", "M"), hidden=("H",))):
        with pytest.raises(IdentificationError, match="<- "):
            total_effect(graph)


def backdoor_graph(edges: str, hidden: str = "", conditioned: str = "", deterministic: str = "") -> CausalGraph:
    names = sorted({name for edge in edges.split() for name in edge.split("-")})
    nodes = {name: Node(name, name not in hidden, name in deterministic) for name in names}
    return CausalGraph(nodes, [tuple(edge.split("-")) for edge in edges.split()], "I", "L", (), tuple(conditioned))


@pytest.mark.parametrize(
    "graph, smallest",
    [
        (backdoor_graph("I-L"), ()),
        (backdoor_graph("A-I A-L I-L"), ("A",)),
        (backdoor_graph("A-I A-B B-L I-L"), ("A",)),
        (backdoor_graph("A-I B-A B-L I-L", hidden="B"), ("A",)),
        (backdoor_graph("A-I A-C B-C B-L I-L"), ()),
        (backdoor_graph("A-I A-C B-C B-L I-L C-I"), ("B",)),
        (backdoor_graph("A-I A-C B-C B-L I-L C-I C-L", hidden="B"), ("A", "C")),
        (backdoor_graph("A-I A-L B-I B-L I-L", conditioned="B"), ("A",)),
    ],
)
def test_a_smallest_adjustment_set_is_found(graph, smallest):
    proof = back_door(graph)
    assert proof.adjustment == (*smallest, *graph.conditioned)
    assert back_door(graph, smallest) == proof


@pytest.mark.parametrize(
    "graph, path",
    [
        (backdoor_graph("H-I H-L I-L", hidden="H"), "I <- H -> L"),
        (backdoor_graph("A-I A-L H-I H-L I-L", hidden="H"), "I <- H -> L"),
        (backdoor_graph("C-I H-C H-L K-C K-I I-L", hidden="HK"), "I <- K -> C <- H -> L"),
    ],
)
def test_no_adjustment_set_is_refused_with_an_open_path(graph, path):
    with pytest.raises(IdentificationError, match="no set of observed variables") as caught:
        back_door(graph)
    assert caught.value.got == path


def test_an_adjustment_set_must_block_be_observed_and_leave_the_treatment_alone():
    graph = backdoor_graph("A-I A-L H-I I-M M-L", hidden="H")
    for wrong, got in ((("M",), "I -> M"), (("H",), "H is hidden"), ((), "I <- A -> L"), (("I",), "I")):
        with pytest.raises(IdentificationError) as caught:
            back_door(graph, wrong)
        assert caught.value.got == got
    with pytest.raises(UnknownNameError):
        back_door(graph, ("X",))


def test_what_fixes_the_treatment_leaves_nothing_to_compare():
    graph = backdoor_graph("A-I A-L B-A B-L I-L", deterministic="I")
    with pytest.raises(IdentificationError, match="nothing of I is left to vary"):
        back_door(graph, ("A",))
    with pytest.raises(IdentificationError, match="undetermined"):
        back_door(graph)


# Arithmetic. A model is {variable: (parents, table [*parents, values])} in causal order.

LETTERS = "UIVHEMNCL"


def joint(model, do=None) -> tuple[str, np.ndarray]:
    """The joint distribution over all variables, in the model's order, after the interventions `do`."""
    order = "".join(model)
    terms = []
    for name, (parents, table) in model.items():
        if do and name in do:
            parents, table = "", np.eye(table.shape[-1])[do[name]]
        terms += [table, [LETTERS.index(letter) for letter in parents + name]]
    return order, np.einsum(*terms, [LETTERS.index(letter) for letter in order])


def marginal(model, names: str, do=None) -> np.ndarray:
    order, table = joint(model, do)
    return np.einsum(table, [LETTERS.index(letter) for letter in order], [LETTERS.index(letter) for letter in names])


def conditional(model, of: str, conditioned: str) -> np.ndarray:
    """P(of | conditioned), the axes of what is conditioned on first."""
    table = marginal(model, conditioned + of)
    return table / table.sum(axis=tuple(range(len(conditioned), table.ndim)), keepdims=True)


def random_table(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.dirichlet(np.full(shape[-1], 0.7), size=shape[:-1]) * 0.98 + 0.02 / shape[-1]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("users_choose_items", [False, True])
def test_the_front_door_formula_equals_the_interventional_truth(seed, users_choose_items):
    rng = np.random.default_rng(seed)
    items = ("UV", random_table(rng, 2, 2, 3)) if users_choose_items else ("V", random_table(rng, 2, 3))
    model = {
        "U": ("", random_table(rng, 2)),
        "V": ("", random_table(rng, 2)),
        "I": items,
        "M": ("UI", random_table(rng, 2, 3, 2)),
        "L": ("UMV", random_table(rng, 2, 2, 2, 2)),
    }
    nodes = {name: Node(name, observed=name != "V") for name in model}
    edges = [(parent, name) for name, (parents, _) in model.items() for parent in parents]
    front_door(CausalGraph(nodes, edges, "I", "L", ("M",), ("U",)))

    formula = np.einsum(
        "uim,ujml,uj->uil",
        conditional(model, "M", "UI"),
        conditional(model, "L", "UIM"),
        conditional(model, "I", "U"),
    )
    truth = np.empty_like(formula)
    for i in range(3):
        table = marginal(model, "UL", do={"I": i})
        truth[:, i] = table / table.sum(1, keepdims=True)
    assert np.allclose(formula, truth, atol=1e-12)
    assert np.abs(conditional(model, "L", "UI") - truth).max() > 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_where_the_like_factorises_h2_sums_out_even_with_a_deterministic_mediator(seed):
    """HCR Eq. 11: P(c|u,i) h1(u, z(u,i)) ranks as P(l | u, do(i)); the observed P(l | u, i) does not."""
    rng = np.random.default_rng(seed)
    users, items = 2, 5
    click = rng.uniform(0.1, 0.9, (users, items))  # P(c=1 | u, z), z = z(u, i) one to one
    h1 = rng.uniform(0.1, 0.9, (users, items))  # by z
    quality = rng.uniform(0.1, 1.0, (users, 2))
    like = np.zeros((users, items, 2, 2, 2))  # P(l | u, z, c, v); no like without a click
    like[:, :, 1, :, 1] = h1[:, :, None] * quality[:, None, :]
    like[..., 0] = 1 - like[..., 1]
    model = {
        "U": ("", random_table(rng, users)),
        "V": ("", random_table(rng, 2)),
        "I": ("V", random_table(rng, 2, items)),
        "C": ("UI", np.stack([1 - click, click], axis=-1)),
        "L": ("UICV", like),
    }
    truth = np.empty((users, items))
    for i in range(items):
        table = marginal(model, "UL", do={"I": i})
        truth[:, i] = table[:, 1] / table.sum(1)
    ratio = truth / (click * h1)
    assert np.allclose(ratio, ratio[:, :1], atol=1e-12)
    observed = conditional(model, "L", "UI")[..., 1] / (click * h1)
    assert np.abs(observed / observed[:, :1] - 1).max() > 1e-2


def indirect_effect(rng: np.random.Generator, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """(formula, truth) of P(Y=1 under (i, M of i*)) for CausalRec's graph, [U, I, I*].

    The picture is v(i), flipped with probability `noise` by an error E that both worlds share.
    """
    picture = np.array([0, 1, 1])
    flipped = np.zeros((3, 2, 2))
    for i in range(3):
        for e in range(2):
            flipped[i, e, (picture[i] + e) % 2] = 1
    errors = np.array([1 - noise, noise])
    match = random_table(rng, 2, 3, 2, 2)
    notice = random_table(rng, 2, 2, 2)
    like = random_table(rng, 2, 2, 2)
    model = {
        "U": ("", random_table(rng, 2)),
        "I": ("U", random_table(rng, 2, 3)),
        "E": ("", errors),
        "V": ("IE", flipped),
        "M": ("UIV", match),
        "N": ("UV", notice),
        "L": ("MN", like),
    }
    formula = np.einsum("uim,ujm->uij", conditional(model, "L", "UIM")[..., 1], conditional(model, "M", "UI"))
    # Twin worlds: one E, the picture v of item i for the notice, the picture w of item j for the match.
    truth = np.einsum("e,iev,jew,ujwm,uvn,mnl->uijl", errors, flipped, flipped, match, notice, like)[..., 1]
    return formula, truth


@pytest.mark.parametrize("seed", range(5))
def test_the_mediation_formula_equals_the_counterfactual_truth_where_the_picture_is_a_function(seed):
    formula, truth = indirect_effect(np.random.default_rng(seed), noise=0.0)
    assert np.allclose(formula, truth, atol=1e-12)
    naive = np.einsum("uii->ui", formula)[:, None, :]
    assert np.abs(naive - truth).max() > 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_total_effect_and_its_two_parts_equal_the_counterfactual_truth(seed):
    formula, truth = indirect_effect(np.random.default_rng(seed), noise=0.0)
    own = np.einsum("uii->ui", formula)
    direct, indirect = formula - own[:, None, :], own[:, :, None] - formula
    factual = np.einsum("uii->ui", truth)
    assert np.allclose(direct, truth - factual[:, None, :], atol=1e-12)
    assert np.allclose(direct + indirect, factual[:, :, None] - factual[:, None, :], atol=1e-12)
    assert np.abs(direct).max() > 1e-3


@pytest.mark.parametrize("seed", range(5))
def test_the_back_door_formula_equals_the_interventional_truth(seed):
    """Popularity C decides what is shown and what is clicked; users' tastes are independent of it, or not."""
    rng = np.random.default_rng(seed)
    model = {
        "U": ("", random_table(rng, 2)),
        "C": ("U", random_table(rng, 2, 3)),
        "I": ("UC", random_table(rng, 2, 3, 3)),
        "L": ("UIC", random_table(rng, 2, 3, 3, 2)),
    }
    edges = [(parent, name) for name, (parents, _) in model.items() for parent in parents]
    graph = CausalGraph({name: Node(name) for name in model}, edges, "I", "L", (), ("U",))
    assert back_door(graph).adjustment == ("C", "U")
    given_all = conditional(model, "L", "UIC")
    formula = np.einsum("uicl,uc->uil", given_all, conditional(model, "C", "U"))
    truth = np.empty_like(formula)
    for i in range(3):
        table = marginal(model, "UL", do={"I": i})
        truth[:, i] = table / table.sum(1, keepdims=True)
    assert np.allclose(formula, truth, atol=1e-12)
    assert np.abs(conditional(model, "L", "UI") - truth).max() > 1e-3
    joint_intervention(graph, ("C",))
    for i, c in np.ndindex(3, 3):
        table = marginal(model, "UL", do={"I": i, "C": c})
        assert np.allclose(table / table.sum(1, keepdims=True), given_all[:, i, c], atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_the_mediation_formula_is_wrong_where_the_recanting_witness_has_noise(seed):
    formula, truth = indirect_effect(np.random.default_rng(seed), noise=0.4)
    assert np.abs(formula - truth).max() > 1e-4
