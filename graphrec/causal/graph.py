"""Causal graphs: which quantities cause which, as a decoder declares it.

Paths are written as people read them, `I <- V -> L`, because a refusal is only useful when it shows the path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import networkx as nx
from pydantic import BaseModel, ConfigDict, StrictBool, StrictStr, ValidationError

from graphrec.errors import Call, Phrase, RecipeError, UnknownNameError

MOST_PATHS = 200
"""As many paths are listed at most."""


@dataclass(frozen=True)
class Node:
    """One variable of a causal graph.

    Args:
        meaning: what it stands for, in words.
        observed: False for a hidden variable.
        deterministic: True where the parents fix the value, with no noise (an item's picture given the item).

    >>> from graphrec.causal import Node
    >>> Node("the item's picture", deterministic=True)
    Node(meaning="the item's picture", observed=True, deterministic=True)
    """

    meaning: str
    observed: bool = True
    deterministic: bool = False


class _WrittenNode(BaseModel):
    model_config = ConfigDict(extra="forbid")
    meaning: StrictStr
    observed: StrictBool = True
    deterministic: StrictBool = False


class _Written(BaseModel):
    """What `CausalGraph.to_dict` writes: text is not taken for a list of letters, nor "false" for true."""

    model_config = ConfigDict(extra="forbid")
    nodes: dict[StrictStr, _WrittenNode]
    edges: list[tuple[StrictStr, StrictStr]]
    treatment: StrictStr
    outcome: StrictStr
    mediators: list[StrictStr]
    conditioned: list[StrictStr] = []
    adjustment: list[StrictStr] = []


@dataclass(frozen=True)
class CausalGraph:
    """A directed acyclic graph with the causal roles that an estimand needs.

    Args:
        nodes: the variables by name.
        edges: (cause, effect) pairs.
        treatment: what recommending intervenes on, the item.
        outcome: what the recommendation is for, such as the like.
        mediators: the variables through which an estimand takes the treatment to act: the front-door set
            (HCR), or the variables that the total indirect effect goes through (CausalRec). Empty if none is
            declared.
        conditioned: what every statement is conditional on. Items are ranked for a given user, so this is the
            user.
        adjustment: the variables that a back-door adjustment sums over (PDA's popularity). Empty if none is
            declared.

    Raises:
        UnknownNameError: an edge or a causal role names a node that is not declared.
        RecipeError: a cycle, a node in two causal roles, a deterministic node without parents, or a conditioned node
            that is hidden or an effect of the treatment.

    A hidden trait of the item causes the item to be shown and to be liked:

    >>> graph = CausalGraph(
    ...     nodes={"I": Node("item"), "V": Node("hidden trait", observed=False), "L": Node("like")},
    ...     edges=[("V", "I"), ("V", "L"), ("I", "L")],
    ...     treatment="I", outcome="L", mediators=(),
    ... )
    >>> graph.open_paths("I", "L")
    ['I -> L', 'I <- V -> L']
    >>> graph.d_separated("I", "L", without_outgoing_of=["I"])
    False
    """

    nodes: Mapping[str, Node]
    edges: Iterable[tuple[str, str]]
    treatment: str
    outcome: str
    mediators: tuple[str, ...]
    conditioned: tuple[str, ...] = ()
    adjustment: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # The dataclass is frozen, hence `object.__setattr__`. Copies are stored, so that the graph does not change with
        # a caller's list.
        if not isinstance(self.nodes, Mapping):
            raise RecipeError("the nodes are of a wrong type", expected="Nodes by name", got=f"`{self.nodes!r}`")
        try:
            edges = tuple(dict.fromkeys((a, b) for a, b in self.edges))
        except (TypeError, ValueError):
            raise RecipeError(
                "the edges are of a wrong type", expected="(cause, effect) pairs of names", got=f"`{self.edges!r}`"
            ) from None
        object.__setattr__(self, "nodes", dict(self.nodes))
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "mediators", tuple(self.mediators))
        object.__setattr__(self, "conditioned", tuple(self.conditioned))
        object.__setattr__(self, "adjustment", tuple(self.adjustment))
        self._check()

    def to_networkx(self) -> nx.DiGraph:
        """The graph as networkx knows it; each node has the attributes `meaning`, `observed`, `deterministic`."""
        graph = nx.DiGraph()
        graph.add_nodes_from((name, asdict(node)) for name, node in self.nodes.items())
        graph.add_edges_from(self.edges)
        return graph

    def causal_role(self, name: str) -> str:
        """What the estimands take a node for: treatment, outcome, mediator, given, adjusted, or nothing.

        >>> graph = CausalGraph({"I": Node("item"), "Y": Node("click")}, [("I", "Y")], "I", "Y", mediators=())
        >>> graph.causal_role("I")
        'treatment'
        """
        names_by_role = {
            "treatment": (self.treatment,),
            "outcome": (self.outcome,),
            "mediator": self.mediators,
            "given": self.conditioned,
            "adjusted": self.adjustment,
        }
        return next((word for word, names in names_by_role.items() if name in names), "")

    def directed_paths(self, a: str, b: str) -> list[str]:
        """The paths from `a` to `b` that follow the arrows, shortest first, at most `MOST_PATHS`, as `I -> M -> L`."""
        self._known(a, b)
        graph = self.to_networkx()
        if a == b or not nx.has_path(graph, a, b):
            return []
        return _in_order(" -> ".join(path) for path in islice(nx.shortest_simple_paths(graph, a, b), MOST_PATHS))

    def determined(self, conditioning: Iterable[str]) -> frozenset[str]:
        """`conditioning` and every deterministic node whose value it fixes.

        Parents are those of the whole graph, also where a path search cuts edges: a cut edge stands for a
        value that is held fixed, not for a cause that does not exist.
        """
        determined = set(conditioning)
        graph = self.to_networkx()
        # In topological order one pass is enough: each node comes after its parents.
        for name in nx.topological_sort(graph):
            if self.nodes[name].deterministic and set(graph.predecessors(name)) <= determined:
                determined.add(name)
        return frozenset(determined)

    def open_paths(
        self, x: str, y: str, conditioning: Iterable[str] = (), *, without_outgoing_of: Iterable[str] = ()
    ) -> list[str]:
        """The paths between `x` and `y` along which dependence flows once `conditioning` is known, shortest first.

        Empty if and only if there is none. A dense graph has more paths than anybody reads: beyond `MOST_PATHS` of them
        the search ends as soon as an open one is found.

        D-separation (Geiger, Verma and Pearl, "Identifying independence in Bayesian networks", Networks
        1990): a chain or fork is blocked by a node that `conditioning` determines, a collider unless it or a
        descendant is given.

        Args:
            without_outgoing_of: drop the arrows that leave these nodes, which leaves their back-door paths.

        Raises:
            UnknownNameError: a name that is not a node.
        """
        return [path for path, blocker in self._paths(x, y, conditioning, without_outgoing_of) if blocker is None]

    def blocked_paths(
        self, x: str, y: str, conditioning: Iterable[str] = (), *, without_outgoing_of: Iterable[str] = ()
    ) -> list[str]:
        """The complement of `open_paths`, each path with what blocks it; of very many the shortest."""
        paths = self._paths(x, y, conditioning, without_outgoing_of)
        return [f"{path} ({blocker})" for path, blocker in paths if blocker is not None]

    def d_separated(
        self, x: str, y: str, conditioning: Iterable[str] = (), *, without_outgoing_of: Iterable[str] = ()
    ) -> bool:
        """Whether `x` and `y` are independent given `conditioning` in every distribution that fits this graph."""
        conditioning, cut = tuple(conditioning), tuple(without_outgoing_of)
        self._known(x, y, *conditioning, *cut)
        closed = self.determined(conditioning)
        # A fixed variable depends on nothing, and networkx refuses sets that overlap.
        if x in closed or y in closed:
            return True
        return bool(nx.is_d_separator(self._cut(cut), {x}, {y}, set(closed)))

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and strings, as JSON wants them."""
        return {
            "nodes": {name: asdict(node) for name, node in self.nodes.items()},
            "edges": [list(edge) for edge in self.edges],
            "treatment": self.treatment,
            "outcome": self.outcome,
            "mediators": list(self.mediators),
            "conditioned": list(self.conditioned),
            "adjustment": list(self.adjustment),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> CausalGraph:
        """The graph that `to_dict` wrote.

        Raises:
            RecipeError: a key is missing, unknown, or of another type.
        """
        try:
            written = _Written.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise RecipeError(
                "not a causal graph",
                expected=f"what CausalGraph.to_dict writes ({first['msg'].partition(' or instance of')[0]})",
                got=repr(first["input"])[:80],
                where=key or None,
                next_step=Phrase("{} gives one", Call("CausalGraph.to_dict()", "causal", "DECODER", json=True)),
            ) from None
        nodes = {name: Node(**dict(node)) for name, node in written.nodes.items()}
        return cls(**{**dict(written), "nodes": nodes})

    def to_json(self) -> str:
        """`to_dict` as indented JSON text."""
        return json.dumps(self.to_dict(), indent=2)

    @classmethod
    def from_json(cls, text: str) -> CausalGraph:
        """The graph that `to_json` wrote; raises RecipeError otherwise."""
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            raise RecipeError("not a causal graph", expected="JSON", got=str(error)) from None
        return cls.from_dict(value)

    @classmethod
    def from_file(cls, path: str | Path) -> CausalGraph:
        """The graph in a JSON file as `to_json` writes it.

        Raises:
            RecipeError: no such file, or not a causal graph.
            UnknownNameError: an edge or a causal role names a node that is not declared.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(
                "no causal graph can be read",
                expected="a JSON file",
                got=getattr(error, "strerror", None) or str(error),
                where=path,
                next_step=Phrase("{} gives one", Call("CausalGraph.to_dict()", "causal", "DECODER", json=True)),
            ) from None
        try:
            return cls.from_json(text)
        except (RecipeError, UnknownNameError) as error:
            error.where = f"{path}, {error.where}" if error.where else path
            raise

    def with_roles_of(self, other: CausalGraph) -> CausalGraph:
        """This graph, if treatment, outcome and all other causal roles are of the same variables as in `other`.

        A decoder's branches and factors stand for the variables in its own graph's causal roles. On another graph
        an estimand still speaks of those variables.

        Raises:
            RecipeError: a causal role differs.
        """
        for role in ("treatment", "outcome", "mediators", "conditioned", "adjustment"):
            mine, theirs = (_names(getattr(graph, role)) for graph in (self, other))
            if set(mine) != set(theirs):
                raise RecipeError(
                    f"the causal graph gives the causal role `{role}` to other variables than the decoder",
                    expected=", ".join(theirs) or "none",
                    got=", ".join(mine) or "none",
                    where=role,
                    next_step="keep the decoder's causal roles; change nodes and edges around them",
                )
        return self

    def _paths(
        self, x: str, y: str, conditioning: Iterable[str], without_outgoing_of: Iterable[str]
    ) -> list[tuple[str, str | None]]:
        """Paths between `x` and `y`, shortest first, with what blocks each, None where nothing does.

        All of them, up to `MOST_PATHS`; beyond, until an open one is among them where d-separation says there is one.
        """
        conditioning = set(conditioning)
        cut = tuple(without_outgoing_of)
        self._known(x, y, *conditioning, *cut)
        graph = self._cut(cut)
        closed = self.determined(conditioning)
        blocker_of: dict[str, str | None] = {}
        undirected = graph.to_undirected()
        if not nx.has_path(undirected, x, y):
            return []
        separated = self.d_separated(x, y, conditioning, without_outgoing_of=cut)
        for path in nx.shortest_simple_paths(undirected, x, y):
            if len(blocker_of) >= MOST_PATHS and (separated or None in blocker_of.values()):
                break
            blockers = [f"{end} is determined" for end in (x, y) if end in closed]
            for before, node, after in zip(path, path[1:], path[2:]):
                if graph.has_edge(before, node) and graph.has_edge(after, node):
                    # `conditioning` and not `closed`: a collider that is only determined has determined parents, and
                    # they block the path already. So this agrees with `d_separated`.
                    if not ({node} | nx.descendants(graph, node)) & conditioning:
                        blockers.append(f"blocked by the collider {node}")
                elif node in closed:
                    blockers.append(f"blocked by {node}")
            blocker_of[_written(graph, path)] = blockers[-1] if blockers else None
        return [(path, blocker_of[path]) for path in _in_order(blocker_of)]

    def _cut(self, without_outgoing_of: Iterable[str]) -> nx.DiGraph:
        graph = self.to_networkx()
        graph.remove_edges_from([edge for edge in self.edges if edge[0] in set(without_outgoing_of)])
        return graph

    def _known(self, *names: str, where: str | None = None) -> None:
        for name in names:
            if name not in self.nodes:
                raise UnknownNameError("causal variable", name, self.nodes, where=where)

    def _check(self) -> None:
        for a, b in self.edges:
            self._known(a, b, where=f"edge {a} -> {b}")
        self._known(self.treatment, where="treatment")
        self._known(self.outcome, where="outcome")
        self._known(*self.mediators, where="mediators")
        self._known(*self.conditioned, where="conditioned")
        self._known(*self.adjustment, where="adjustment")
        roles = [self.treatment, self.outcome, *self.mediators, *self.conditioned, *self.adjustment]
        for name in roles:
            if roles.count(name) > 1:
                raise RecipeError(
                    f"causal variable `{name}` is listed in two roles",
                    expected="treatment, outcome, mediators, conditioned and adjustment share no variable",
                    got=", ".join(roles),
                )
        graph = self.to_networkx()
        if not nx.is_directed_acyclic_graph(graph):
            cycle = nx.find_cycle(graph)
            raise RecipeError(
                "the causal graph has a cycle",
                expected="a directed acyclic graph",
                got=" -> ".join([cycle[0][0], *(b for _, b in cycle)]),
                next_step="remove the edge that runs against time",
            )
        for name, node in self.nodes.items():
            if node.deterministic and not graph.pred[name]:
                raise RecipeError(
                    f"deterministic variable `{name}` has no parents",
                    expected="at least one edge into it, from what determines it",
                    got="none",
                )
        for name in self.conditioned:
            if not self.nodes[name].observed:
                raise RecipeError(f"cannot condition on `{name}`", expected="an observed variable", got="a hidden one")
            if name in nx.descendants(graph, self.treatment):
                raise RecipeError(
                    f"cannot condition on `{name}` for the effect of `{self.treatment}`",
                    expected="a variable that the treatment does not change",
                    got=self.directed_paths(self.treatment, name)[0],
                )


def _names(role: str | tuple[str, ...]) -> tuple[str, ...]:
    return (role,) if isinstance(role, str) else role


def _written(graph: nx.DiGraph, path: list[str]) -> str:
    text = path[0]
    for a, b in pairwise(path):
        text += f" -> {b}" if graph.has_edge(a, b) else f" <- {b}"
    return text


def _in_order(paths: Iterable[str]) -> list[str]:
    # An edge writes two spaces, so this is by length and then by name, independent of the search.
    return sorted(paths, key=lambda path: (path.count(" "), path))
