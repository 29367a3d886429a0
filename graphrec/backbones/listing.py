"""What there is to know of each backbone before choosing one: for `graphrec list backbones`."""

from __future__ import annotations

from dataclasses import dataclass

from graphrec.backbones.base import backbones
from graphrec.errors import ComponentError

HEADERS = ["name", "what it is", "features", "auxiliary losses", "multiply-adds"]
WIDTHS = {"features": 13, "auxiliary losses": 15, "multiply-adds": 25}
"""Where columns wrap on a terminal, so that a hundred characters leave a sentence its room."""
FEATURES = {"ids": "ids alone", "fused": "in fused", "each": "each modality"}
"""`Backbone.modality_support` in words."""
OF_FEATURES = (
    "Features: with `each modality`, users and items have vectors for each; with `in fused`, one for all together, "
    "users too; with `ids alone`, users have none and items a linear map of theirs, where a decoder asks. What `needs "
    "one` is refused on data without any."
)
"""What the words of that column mean."""
SYMBOLS = (
    "Multiply-adds of one forward pass in training, over all edges, that gives `fused`: E training pairs, N users and "
    "items, U users, I items, M modalities, D feature width, P projected feature width, d embedding width, L layers, "
    "K neighbours, B pairs a batch; any other number is that of the class's defaults. The gradient costs about twice "
    "as much again."
)
"""What the letters of `Backbone.cost` mean."""


@dataclass(frozen=True)
class Listed:
    """One backbone.

    Args:
        summary: the first line of the class's docstring, or why the class cannot be used.
        features: what it makes of them; empty where the class cannot be used, as are those that follow.
        auxiliary_losses: by default.
        cost: multiply-adds, in the letters of `SYMBOLS`.
        more_cost: what comes on top.
        modality_users: whether users have vectors of each modality.
    """

    name: str
    summary: str
    features: str = ""
    auxiliary_losses: tuple[str, ...] = ()
    cost: str = ""
    more_cost: str = ""
    modality_users: bool = False

    def cells(self) -> tuple[str, ...]:
        """As a row of the table under `HEADERS`."""
        cost = f"{self.cost}; {self.more_cost}" if self.more_cost else self.cost
        return self.name, self.summary, self.features, ", ".join(self.auxiliary_losses), cost


def list_backbones() -> list[Listed]:
    """Every backbone, by name; one that a package offers and that cannot be loaded is listed with the reason."""
    return [_listed(name, summary) for name, summary in backbones.summaries()]


def _listed(name: str, summary: str) -> Listed:
    try:
        kind = backbones.get(name)
    except ComponentError:
        return Listed(name, summary)
    features = FEATURES[kind.modality_support] + (", needs one" if kind.needs_modalities else "")
    return Listed(
        name,
        summary,
        features,
        kind.auxiliary_losses,
        kind.cost,
        kind.more_cost,
        modality_users=kind.modality_support == "per_modality",
    )
