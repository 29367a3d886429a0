"""The causal graphs of the two papers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn.functional import logsigmoid

from graphrec.causal import CausalGraph, Node, Outcome

Build = Callable[..., CausalGraph]


def _arrows(text: str) -> list[tuple[str, str]]:
    return [(edge[0], edge[2]) for edge in text.split()]


@pytest.fixture
def hcr() -> Build:
    """HCR figure 3: V confounds item features and like, unseen; mediators Z = z(u, i) and the click C."""

    def build(*extra: tuple[str, str]) -> CausalGraph:
        return CausalGraph(
            nodes={
                "U": Node("user"),
                "I": Node("item features"),
                "V": Node("hidden confounder, such as quality", observed=False),
                "Z": Node("matched user and item features", deterministic=True),
                "C": Node("click"),
                "L": Node("like"),
            },
            edges=[*_arrows("V-I V-L U-Z I-Z Z-C Z-L C-L"), *extra],
            treatment="I",
            outcome="L",
            mediators=("Z", "C"),
            conditioned=("U",),
        )

    return build


@pytest.fixture
def causalrec() -> Build:
    """CausalRec figure 4: the picture V acts through the match M and, directly, through the notice N."""

    def build(*extra: tuple[str, str], picture: bool = True, hidden: tuple[str, ...] = ()) -> CausalGraph:
        nodes = {
            "U": Node("user"),
            "I": Node("item"),
            "V": Node("picture of the item", deterministic=picture),
            "M": Node("match"),
            "N": Node("visual notice"),
            "Y": Node("interaction"),
        }
        return CausalGraph(
            nodes={**nodes, **{name: Node("hidden cause", observed=False) for name in hidden}},
            edges=[*_arrows("I-V U-M I-M V-M U-N V-N M-Y N-Y"), *extra],
            treatment="I",
            outcome="Y",
            mediators=("M",),
            conditioned=("U",),
        )

    return build


@pytest.fixture
def causalrec_outcome(causalrec):
    names = ("match", "match_visual", "notice")
    return Outcome(
        score=lambda z: sum(logsigmoid(z[name]) for name in names),
        log=True,
        mediated=("match", "match_visual"),
        graph=causalrec(),
    )


@pytest.fixture
def vbpr_outcome(causalrec):
    graph = causalrec(("U", "Y"), ("I", "Y"))
    return Outcome(score=lambda z: z["match"] + z["notice"], log=False, mediated=("match",), graph=graph)


@pytest.fixture(params=[True, False], ids=["log", "raw"])
def hcr_outcome(request, hcr):
    """HCR's like score f h1 h2, in log space or as a plain product."""
    names = {"mediator": "f", "effect": "h1", "confounded": "h2"}
    if request.param:
        factors = {role: lambda z, name=name: logsigmoid(z[name]) for role, name in names.items()}
        return Outcome(score=lambda z: sum(f(z) for f in factors.values()), log=True, factors=factors, graph=hcr())
    factors = {role: lambda z, name=name: torch.sigmoid(z[name]) for role, name in names.items()}
    score = lambda z: factors["mediator"](z) * factors["effect"](z) * factors["confounded"](z)  # noqa: E731
    return Outcome(score=score, log=False, factors=factors, graph=hcr())


@pytest.fixture(params=[True, False], ids=["log", "raw"])
def pda_outcome(request):
    """PDA: the click is a factor of the match times one of popularity Z, which also decides what is shown."""
    nodes = {"U": Node("user"), "I": Node("item"), "Z": Node("popularity"), "C": Node("click")}
    edges = _arrows("Z-I Z-C U-C I-C")
    graph = CausalGraph(nodes, edges, "I", "C", mediators=(), conditioned=("U",), adjustment=("Z",))
    link = logsigmoid if request.param else torch.sigmoid
    factors = {"conditional": lambda z: link(z["interest"]), "forecast": lambda z: link(z["later"])}

    def score(z):
        match, popularity = link(z["interest"]), link(z["now"])
        return match + popularity if request.param else match * popularity

    return Outcome(score=score, log=request.param, factors=factors, graph=graph)
