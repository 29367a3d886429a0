"""What there is to know of each backbone before choosing one: for `graphrec list backbones`."""

from __future__ import annotations

from dataclasses import dataclass

from graphrec.backbones.base import backbones
from graphrec.errors import PartError

HEADERS = ["name", "what it is", "features", "auxiliary losses", "multiply-adds"]
WIDTHS = {"features": 13, "auxiliary losses": 15, "multiply-adds": 25}
"""Where columns wrap on a terminal, so that a hundred characters leave a sentence its room."""
SYMBOLS = (
    "Multiply-adds of one forward pass in training, over all edges, that gives `fused`: E training pairs, N users and "
    "items, U users, I items, M modalities, D feature width, P projected feature width, d embedding width, L layers, "
    "K neighbours."
)
"""What the letters of `Backbone.cost` mean."""
FEATURES = {"ids": "ids alone", "fused": "in fused", "each": "each modality"}
"""`Backbone.gives` in words."""


@dataclass(frozen=True)
class Listed:
    """One backbone.

    Args:
        summary: the first line of the class's docstring, or why the class cannot be used.
        features: what it makes of them; empty where the class cannot be used, as are those that follow.
        auxiliary_losses: by default.
        cost: multiply-adds, in the letters of `SYMBOLS`.
    """

    name: str
    summary: str
    features: str = ""
    auxiliary_losses: tuple[str, ...] = ()
    cost: str = ""

    def cells(self) -> tuple[str, ...]:
        """As a row of the table under `HEADERS`."""
        return self.name, self.summary, self.features, ", ".join(self.auxiliary_losses), self.cost


def list_backbones() -> list[Listed]:
    """Every backbone, by name; one that a package offers and that cannot be loaded is listed with the reason."""
    return [_listed(name, summary) for name, summary in backbones.summaries()]


def _listed(name: str, summary: str) -> Listed:
    try:
        kind = backbones.get(name)
    except PartError:
        return Listed(name, summary)
    features = FEATURES[kind.gives] + (", needs one" if kind.needs_modalities else "")
    return Listed(name, summary, features, kind.auxiliary_losses, kind.cost)
