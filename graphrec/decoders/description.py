"""The causal claims of a decoder: its causal graph and, for each estimand, the proof on it or the reason for none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from graphrec.causal import CausalGraph, Estimand, Identification, estimands, label, parse_estimand
from graphrec.decoders import Context, Decoder, decoders
from graphrec.errors import GraphrecError, IdentificationError
from graphrec.system.user_code import anchored, permit

NEUTRAL = Context(
    exposure=("visual",),
    content=("content",),
    embedding_size=8,
    widths={"visual": 4, "content": 4},
    categorical=("content",),
)
"""A dataset with one exposure and one content modality, which is all that the claims depend on."""


@dataclass(frozen=True)
class Claim:
    """One estimand on the causal graph: identified, with its proof, or not, with the reason.

    Args:
        estimand: the estimand.
        method: its published name, if it is one of the decoder's variants, else empty.
        proof: its identification, None where it is not identified.
        refusal: the error that says why it is not identified, else None.

    Example:
        >>> identified, refused = describe("hcr", ["front_door", "back_door"]).claims
        >>> identified.title, identified.proof.criterion
        ('HCR (front_door)', 'front-door')
        >>> refused.reason
        'needs a decoder whose outcome has factors: conditional; here: mediator, effect, confounded'
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
        """Why it is not identified, in a line: the path that breaks it, or the component that the decoder lacks."""
        error = self.refusal
        if isinstance(error, IdentificationError):
            return f"{error.problem} ({error.got})"
        return f"needs {error.expected}; here: {error.got}" if error else ""

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries and lists, for JSON."""
        proof = asdict(self.proof) if self.proof else {"refused": self.reason}
        return {"estimand": label(self.estimand), "method": self.method or None, "identified": not self.refusal} | proof


@dataclass(frozen=True)
class Description:
    """A decoder, the causal graph on which its claims are checked, and the claims.

    Example:
        >>> print(describe("ct", ["observational"]).to_text())  # doctest: +ELLIPSIS
        ct: CT: backbone and BPR on likes alone; ranks by P(like | user, item), confounding included.
        score: match
        ...
    """

    name: str
    summary: str
    formula: str
    graph: CausalGraph
    claims: tuple[Claim, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries and lists, for JSON; `CausalGraph.from_dict` reads `graph`."""
        return {
            "decoder": self.name,
            "summary": self.summary,
            "formula": self.formula,
            "graph": self.graph.to_dict(),
            "estimands": [claim.to_dict() for claim in self.claims],
        }

    def to_text(self) -> str:
        """Text for a terminal."""
        identified = [claim for claim in self.claims if claim.proof]
        broken = [claim for claim in self.claims if isinstance(claim.refusal, IdentificationError)]
        lacking = [claim for claim in self.claims if claim.refusal and claim not in broken]
        blocks = [[f"{self.name}: {self.summary}", f"score: {self.formula}"], [*_graph_lines(self.graph)]]
        blocks += [[claim.title, *_proof_lines(claim.proof)] for claim in identified if claim.proof]
        for heading, refused in (
            ("not identified on this graph", broken),
            ("not for this decoder, whatever the graph", lacking),
        ):
            if refused:
                blocks.append([heading, *(f"  {claim.title}: {claim.reason}" for claim in refused)])
        return "\n\n".join("\n".join(block) for block in blocks)


def describe(name: str, estimand_texts: Sequence[str] = (), graph: CausalGraph | None = None) -> Description:
    """A decoder's causal claims, by default for its variants and then for every other registered estimand.

    Args:
        name: the decoder's registered name or import path; it has its default settings.
        estimand_texts: only these estimands, as on the command line.
        graph: a custom causal graph, on which the claims are checked instead of the decoder's.

    Raises:
        UnknownNameError: no such decoder or estimand.
        RecipeError: a malformed estimand, or `graph` gives the decoder's causal roles to other variables.

    Example:
        >>> claims = describe("hcr", ["front_door", "back_door"]).claims
        >>> [(claim.title, claim.proof is not None) for claim in claims]
        [('HCR (front_door)', True), ('back_door', False)]
    """
    name, *estimand_texts = (anchored(text, Path.cwd()) for text in (name, *estimand_texts))
    permit([name, *estimand_texts])
    decoder = _neutral(name)
    outcome = decoder.outcome.with_graph(graph)
    variants = decoder.variants()
    names = {estimand: method for method, estimand in reversed(variants.items())}
    if estimand_texts:
        chosen = [estimand for text in estimand_texts for estimand in parse_estimand(text)]
    else:
        chosen = [*variants.values(), *_with_default_options()]
    claims = []
    for estimand in dict.fromkeys(chosen):
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
    with torch.random.fork_rng(devices=[]):  # a decoder draws initial weights: the caller's random state stays
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
