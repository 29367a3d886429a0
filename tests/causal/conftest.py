"""The causal graphs of the two papers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from graphrec.causal import CausalGraph, Node

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
