"""What each decoder claims: its causal graph, and what identification says of every estimand reported on it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from graphrec.causal import CausalGraph, parse_estimand
from graphrec.decoders import Decoder
from graphrec.errors import GraphrecError
from graphrec.evaluation.result_sets import TRUTH_SETS
from graphrec.report.page import RunPage
from graphrec.report.primitives.dag import draw_dag, role
from graphrec.report.section import Section
from graphrec.runs.results import EvaluationResult
from graphrec.runs.run import Run


class CausalSection(Section):
    """The graph of each decoder, and how each reported estimand is identified on it.

    >>> from graphrec.testing.small_run import small_page
    >>> (decoder,) = CausalSection().context(small_page())["decoders"]
    >>> decoder["name"], decoder["formula"], [estimand["titles"] for estimand in decoder["estimands"]]
    ('ct', 'match', [['CT (observational)']])
    """

    id = "causal"
    title = "Causal assumptions"
    template = "causal_claims.html"

    def context(self, page: RunPage) -> Mapping[str, Any]:
        return {"decoders": _causal_claims(page.first_runs, page.split)}


def _causal_claims(runs: Sequence[Run], split: str) -> list[dict[str, Any]]:
    """Each causal claim once: its graph, and what identification says of every estimand reported on it."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    for run in runs:
        decoder = run.untrained_decoder()
        graph = decoder.outcome.graph
        name = run.recipe.decoder["name"]
        group = groups.setdefault(
            (name, graph.to_json()),
            {
                "name": name,
                "summary": (type(decoder).__doc__ or "").strip().split("\n")[0],
                "formula": decoder.formula,
                "dag": _dag(graph, f"graph{len(groups)}"),
                "nodes": _nodes(graph),
                "estimands": {},
            },
        )
        for result in run.results:
            if result.result_set in (split, *TRUTH_SETS.values()):
                group["estimands"].setdefault(result.estimand, _identified(result, decoder))
    return [group | {"estimands": _merged(group["estimands"].values())} for group in groups.values()]


def _merged(blocks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One block for all estimands that differ in their caveats alone, as the strengths of a sweep do."""
    merged: dict[str, dict[str, Any]] = {}
    for block in blocks:
        terms = {key: value for key, value in block.items() if key not in ("title", "caveats")}
        # A dict cannot be a key. Its repr can, as all blocks have their entries in one order.
        first = merged.setdefault(repr(terms), terms | {"titles": [], "caveats": []})
        first["titles"].append(block["title"])
        first["caveats"] += [text for text in block["caveats"] if text not in first["caveats"]]
    return list(merged.values())


def _dag(graph: CausalGraph, key: str) -> Markup:
    """The drawing with unique ids, as two decoders may claim the same graph."""
    return Markup(re.sub(r"\bdag-(?=(?:title|desc)-[0-9a-f]{8}\b)", f"{key}-", draw_dag(graph)))


def _nodes(graph: CausalGraph) -> list[dict[str, str]]:
    rows = []
    for name, node in graph.nodes.items():
        causal_role = role(graph, name)
        observed = "observed" if node.observed else "hidden"
        rows.append(
            {
                "name": name,
                "meaning": node.meaning,
                "role": causal_role if causal_role != "hidden" else "",
                "kind": observed + (", fixed by its causes" if node.deterministic else ""),
            }
        )
    return rows


def _identified(result: EvaluationResult, decoder: Decoder) -> dict[str, Any]:
    estimand = parse_estimand(result.estimand)[0]
    method, text = result.method, result.estimand
    shown = {"kind": type(estimand).__qualname__, "title": method if method == text else f"{method} ({text})"}
    try:
        proof = estimand.identify(decoder.outcome)
    except GraphrecError as error:
        return shown | {"error": str(error), "caveats": ()}
    return shown | {
        "error": None,
        "criterion": proof.criterion,
        "formula": _formula(proof.formula),
        "adjustment": ", ".join(proof.adjustment),
        "assumptions": proof.assumptions,
        "untestable": proof.untestable,
        "caveats": proof.caveats,
        "blocked": proof.blocked,
    }


def _formula(text: str) -> Markup:
    """`sum_{z} P(z)` with a summation sign; everything else as it stands."""
    return Markup(re.sub(r"sum_\{([^}]*)\}", r"Σ<sub>\1</sub>", str(escape(text))))
