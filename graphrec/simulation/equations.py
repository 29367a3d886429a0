"""What describes a world: its structural equations in words, and its causal graph."""

from __future__ import annotations

from graphrec.causal import CausalGraph, Node
from graphrec.simulation.world import WorldConfig

SHOWN = Node("shown to the user", observed=False)


def equations(config: WorldConfig) -> list[str]:
    """The structural equations with this world's coefficients, a line each.

    >>> for line in equations(WorldConfig(activity_tail=0.5))[1::7]:
    ...     print(line)
    v_i ~ Bernoulli(0.1), hidden
    items shown to a user: about 180, lognormal over users with log sd 0.5, uniformly at random, without replacement
    """
    c = config
    number = f"about {c.shown}, lognormal over users with log sd {c.activity_tail:g}" if c.activity_tail else c.shown
    return [
        f"p_u, s_u ~ N(0, 1 / {c.latent_width}), q_i, e_i ~ N(0, 1) in {c.latent_width} dimensions",
        f"v_i ~ Bernoulli({c.prevalence:g}), hidden",
        *responses(c),
        f"items shown to a user: {number}, {order_of_showing(c)}, without replacement",
    ]


def order_of_showing(config: WorldConfig) -> str:
    """In which order a user is shown items, in words.

    >>> order_of_showing(WorldConfig())
    'uniformly at random'
    >>> order_of_showing(WorldConfig(popularity_tail=0.5))
    'one after another in proportion to exp(0.5 a_i), a_i ~ N(0, 1)'
    """
    weights = []
    if config.popularity_tail:
        weights.append(f"{config.popularity_tail:g} a_i")
    if config.exposure_bias:
        weights.append(f"{config.exposure_bias:g} attraction_ui")
    drawn = ", a_i ~ N(0, 1)" if config.popularity_tail else ""
    return f"one after another in proportion to exp({' + '.join(weights)}){drawn}" if weights else "uniformly at random"


def responses(config: WorldConfig) -> list[str]:
    """How tastes, contents and the confounder come to clicks and likes, a line each: the same in every world.

    >>> print(responses(WorldConfig(strength=4.0))[2])
    P(like | click) = s(match_ui + 4 v_i -4)
    """
    c = config
    strength = f"{c.strength:g}"
    if c.drift:
        strength = f"g(t), g(t) = {c.strength:g} - {c.drift:g} (share of the log's time still to come),"
    return [
        f"match_ui = {c.match_scale:g} <p_u, q_i>;  attraction_ui = {c.attraction_scale:g} <s_u, e_i>",
        f"P(click | shown) = s(match_ui + attraction_ui {c.click_intercept:+g}),  s(x) = 1 / (1 + exp(-x))",
        f"P(like | click) = s(match_ui + {strength} v_i {c.like_intercept:+g})",
        f"P(like | u, do(i)) = P(click | shown) ({c.prevalence:g} s(match_ui + {c.strength:g} {c.like_intercept:+g}) "
        f"+ {1 - c.prevalence:g} s(match_ui {c.like_intercept:+g}))",
        "true match without notice: P(like | u, do(i is clicked)), the factor in brackets alone",
        "every probability is given that the item is shown, and of the end of the log",
    ]


def hidden_confounder_graph(config: WorldConfig) -> CausalGraph:
    """HCR's graph (section 3) with what this world adds: a click by attraction, and who is shown what.

    Roles and names are those of the decoder `hcr`, whose claims can be checked on it.

    >>> graph = hidden_confounder_graph(WorldConfig())
    >>> [cause for cause, effect in graph.edges if effect == "L"]
    ['Z', 'C', 'V']
    >>> [cause for cause, effect in hidden_confounder_graph(WorldConfig(strength=0)).edges if effect == "L"]
    ['Z', 'C']
    """
    # S leads to the click even where showing depends on nothing: what is not shown is not clicked.
    edges = [("V", "I"), ("U", "Z"), ("I", "Z"), ("Z", "C"), ("Z", "L"), ("C", "L"), ("S", "C")]
    if _confounded(config):
        edges.append(("V", "L"))
    if config.attraction_scale:
        edges += [("U", "C"), ("I", "C")]
    return CausalGraph(
        nodes={
            "U": Node("user"),
            "I": Node("item with all its features"),
            "V": Node("hidden trait of the item that shows in its exposure features", observed=False),
            "S": SHOWN,
            "Z": Node("match of user and item", deterministic=True),
            "C": Node("click"),
            "L": Node("like"),
        },
        edges=[*edges, *_showing(config)],
        treatment="I",
        outcome="L",
        mediators=("Z", "C"),
        conditioned=("U",),
    )


def visual_bias_graph(config: WorldConfig) -> CausalGraph:
    """CausalRec's graph (Figure 3) with the like that follows.

    Visual features draw the interaction, the match alone the like. Causal roles and names are those of the decoder
    `causalrec`, whose claims can be checked on it.

    >>> graph = visual_bias_graph(WorldConfig(strength=0))
    >>> [cause for cause, effect in graph.edges if effect == "Y"]
    ['M', 'S', 'N']
    >>> [cause for cause, effect in graph.edges if effect == "L"]
    ['M', 'Y']
    """
    nodes = {
        "U": Node("user"),
        "I": Node("item with all its features"),
        "V": Node("visual features: the item's exposure features", deterministic=True),
        "M": Node("match: true preference", observed=False, deterministic=True),
        "N": Node("notice: attraction by the visual features alone", observed=False, deterministic=True),
        "S": SHOWN,
        "Y": Node("interaction"),
        "L": Node("like"),
    }
    edges = [("I", "V"), ("U", "M"), ("I", "M"), ("M", "Y"), ("S", "Y"), ("M", "L"), ("Y", "L")]
    if config.attraction_scale:
        edges += [("U", "N"), ("V", "N"), ("N", "Y")]
    else:
        del nodes["N"]
    if _confounded(config):
        nodes["H"] = Node("hidden trait of the item that shows in its visual features", observed=False)
        edges += [("H", "I"), ("H", "L")]
    return CausalGraph(
        nodes, [*edges, *_showing(config)], treatment="I", outcome="Y", mediators=("M",), conditioned=("U",)
    )


def _confounded(config: WorldConfig) -> bool:
    return bool(config.strength or config.drift)


def _showing(config: WorldConfig) -> list[tuple[str, str]]:
    """What showing depends on."""
    biased = bool(config.exposure_bias and config.attraction_scale)
    edges = [("U", "S")] if biased or config.activity_tail else []
    return [*edges, ("I", "S")] if biased or config.popularity_tail else edges
