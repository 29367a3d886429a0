"""What a decoder claims: its causal graph and, for each estimand, the proof on that graph or why there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from graphrec.causal import CausalGraph, Estimand, Identification, estimands, label, parse_estimand
from graphrec.decoders import Context, Decoder, decoders
from graphrec.errors import GraphrecError, IdentificationError

NEUTRAL = Context(
    exposure=("looks",),
    content=("content",),
    embedding_size=8,
    widths={"looks": 4, "content": 4},
    categorical=("content",),
)
"""Data of which nothing is known but that some of it is seen before the click and some after: claims need no more."""


@dataclass(frozen=True)
class Claim:
    """One estimand on the graph: identified, with its proof, or not, with the reason.

    Args:
        method: the published name, where the estimand is one of the decoder's variants.
    """

    estimand: Estimand
    method: str
    proof: Identification | None
    refusal: GraphrecError | None

    @property
    def title(self) -> str:
        text = label(self.estimand)
        return f"{self.method} ({text})" if self.method else text

    @property
    def reason(self) -> str:
        """Why it is not identified, in a line: the path that breaks it, or the part that the decoder lacks."""
        error = self.refusal
        if isinstance(error, IdentificationError):
            return f"{error.problem} ({error.got})"
        return f"wants {error.expected}; here: {error.got}" if error else ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON wants it."""
        proof = asdict(self.proof) if self.proof else {"refused": self.reason}
        return {"estimand": label(self.estimand), "method": self.method or None, "identified": not self.refusal} | proof


@dataclass(frozen=True)
class Description:
    """A decoder, the causal graph its claims are checked on, and the claims."""

    name: str
    summary: str
    formula: str
    graph: CausalGraph
    claims: tuple[Claim, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON wants it; `graph` is what `CausalGraph.from_dict` reads."""
        return {
            "decoder": self.name,
            "summary": self.summary,
            "formula": self.formula,
            "graph": self.graph.to_dict(),
            "estimands": [claim.to_dict() for claim in self.claims],
        }

    def to_text(self) -> str:
        """For reading on a terminal."""
        held = [claim for claim in self.claims if claim.proof]
        broken = [claim for claim in self.claims if isinstance(claim.refusal, IdentificationError)]
        lacking = [claim for claim in self.claims if claim.refusal and claim not in broken]
        blocks = [[f"{self.name}: {self.summary}", f"score: {self.formula}"], [*_graph_lines(self.graph)]]
        blocks += [[claim.title, *_proof_lines(claim.proof)] for claim in held if claim.proof]
        for heading, refused in (
            ("not identified on this graph", broken),
            ("not for this decoder, whatever the graph", lacking),
        ):
            if refused:
                blocks.append([heading, *(f"  {claim.title}: {claim.reason}" for claim in refused)])
        return "\n\n".join("\n".join(block) for block in blocks)


def describe(name: str, estimand_texts: Sequence[str] = (), graph: CausalGraph | None = None) -> Description:
    """A decoder's causal claims, by default its variants and then every other registered estimand.

    Args:
        name: registered name or import path; its settings are the defaults.
        estimand_texts: only these, as on the command line.
        graph: a causal graph of one's own, on which the claims are checked instead.

    Raises:
        UnknownNameError: no such decoder or estimand.
        RecipeError: a malformed estimand, or `graph` gives the decoder's roles to other variables.
    """
    decoder = _neutral(name)
    outcome = decoder.outcome.with_graph(graph)
    variants = decoder.variants()
    names = {estimand: method for method, estimand in reversed(variants.items())}
    if estimand_texts:
        asked = [one for text in estimand_texts for one in parse_estimand(text)]
    else:
        asked = [*variants.values(), *_with_default_options()]
    claims = []
    for estimand in dict.fromkeys(asked):
        proof = refusal = None
        try:
            proof = estimand.identify(outcome)
        except GraphrecError as error:
            refusal = error
        claims.append(Claim(estimand, names.get(estimand, ""), proof, refusal))
    summary = (type(decoder).__doc__ or "").strip().split("\n")[0]
    return Description(name, summary, decoder.formula, outcome.graph, tuple(claims))


def _with_default_options() -> list[Estimand]:
    """Each known estimand with its options at their defaults; those of a package may have options without."""
    kinds = [kind for _, kind in estimands.available()]
    return [kind() for kind in kinds if not any(option.is_required() for option in kind.model_fields.values())]


def _neutral(name: str) -> Decoder:
    kind = decoders.get(name)
    with torch.random.fork_rng(devices=[]):
        return kind(kind.Config(), NEUTRAL)


def _graph_lines(graph: CausalGraph) -> Iterator[str]:
    yield "variables"
    widths = [max(map(len, column)) for column in zip(*((n, node.meaning) for n, node in graph.nodes.items()))]
    for name, node in graph.nodes.items():
        words = ["observed" if node.observed else "hidden", "deterministic" if node.deterministic else ""]
        kind = ", ".join(word for word in (graph.causal_role(name), *words) if word)
        yield f"  {name:{widths[0]}}  {node.meaning:{widths[1]}}  {kind}"
    yield "edges"
    yield "  " + ", ".join(f"{a} -> {b}" for a, b in graph.edges)


def _proof_lines(proof: Identification) -> Iterator[str]:
    for title, lines in (
        ("formula", (proof.formula,)),
        ("criterion", (proof.criterion,)),
        ("adjusts for", (", ".join(proof.adjustment) or "nothing",)),
        ("assumes", proof.assumptions),
        ("cannot be tested", proof.untestable),
        ("blocked", proof.blocked),
        ("caveat", proof.caveats),
    ):
        for number, line in enumerate(lines):
            yield f"  {title if number == 0 else '':16}  {line}"
