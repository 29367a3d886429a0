"""What each paper trains: its methods by the names that its tables have, each as settings of a recipe."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass

from graphrec.runs.recipe import Recipe


@dataclass(frozen=True)
class Method:
    """A method of a paper.

    Args:
        name: as the paper's tables have it.
        settings: what it changes in the benchmark's recipe, as `overrides` takes them.
        of: the method whose tuned settings it takes, for an ablation, which differs in what is ablated alone; by
            default it is tuned itself.
        core: whether a quick benchmark trains it.

    Example:
        >>> from graphrec.experiments.papers.methods import Method
        >>> ablation = Method("HCR-NS", ("decoder.share_embeddings=false",), of="HCR").recipe(recipe)
        >>> ablation.name, ablation.decoder["share_embeddings"], ablation.training == recipe.training
        ('HCR-NS', False, True)
    """

    name: str
    settings: tuple[str, ...]
    of: str = ""
    core: bool = True

    def recipe(self, base: Recipe) -> Recipe:
        """The recipe with this method's settings in place, and its name."""
        return Recipe.from_dict(tomllib.loads(base.to_toml()), [f"name={self.name}", *self.settings])


def _decoder(name: str, decoder: str, *, core: bool = True) -> Method:
    return Method(name, (f"decoder.name={decoder}",), core=core)


HCR_METHODS = (
    _decoder("CT", "ct"),
    _decoder("ESMM", "esmm"),
    _decoder("CR", "cr"),
    _decoder("Multi-IPW", "multi_ipw", core=False),
    _decoder("Multi-DR", "multi_dr", core=False),
    _decoder("DCF", "dcf", core=False),
    _decoder("HCR", "hcr"),
)
"""HCR's Table 2, in its order."""

HCR_NS = Method("HCR-NS", ("decoder.share_embeddings=false",), of="HCR")
BETAS = (1, 2, 3, 5)
"""HCR's grid of the like task's weight."""


def with_beta(beta: int) -> Method:
    """HCR with another weight of the like task.

    Example:
        >>> from graphrec.experiments.papers.methods import with_beta
        >>> with_beta(5)
        Method(name='HCR beta 5', settings=('decoder.beta=5',), of='HCR', core=False)
    """
    return Method(f"HCR beta {beta}", (f"decoder.beta={beta}",), of="HCR", core=False)


HCR_ALL = (*HCR_METHODS, HCR_NS, *map(with_beta, BETAS))

CAUSALREC_METHODS = (
    _decoder("BPR", "bpr"),
    _decoder("VBPR", "vbpr"),
    _decoder("AMR", "amr"),
    Method("DeepStyle", ("decoder.name=deepstyle", "data.modalities=['visual', 'main_category']"), core=False),
    _decoder("DVBPR", "dvbpr", core=False),
    Method("CausalRec", ("decoder.name=causalrec", "decoder.tanh_layers=0", "backbone.centre_items=false")),
)
"""CausalRec's Table 2, in its order; DeepStyle and DVBPR, which the paper describes and leaves out, stand before it.
CausalRec is the published model, without T; see `decoders/causalrec.py`."""

FUSIONS = (
    Method("CausalRec-A", ("decoder.fusion=add", "decoder.multitask=false"), of="CausalRec"),
    Method("CausalRec-M", ("decoder.multitask=false",), of="CausalRec"),
    Method("CausalRec-AML", ("decoder.fusion=add",), of="CausalRec"),
)
"""CausalRec's Figure 6; its MML is CausalRec itself."""

CAUSALREC_ALL = (*CAUSALREC_METHODS, *FUSIONS)


def chosen(methods: Sequence[Method], *, every: bool) -> tuple[Method, ...]:
    """All methods, or the core ones.

    Example:
        >>> from graphrec.experiments.papers.methods import HCR_METHODS, chosen
        >>> [method.name for method in chosen(HCR_METHODS, every=False)]
        ['CT', 'ESMM', 'CR', 'HCR']
    """
    return tuple(method for method in methods if every or method.core)
