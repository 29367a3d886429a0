"""The properties of each backbone by which to choose one, for `graphrec list backbones`."""

from __future__ import annotations

from dataclasses import dataclass

from graphrec.backbones.base import backbones
from graphrec.errors import ComponentError

HEADERS = ["name", "what it is", "features", "auxiliary losses", "multiply-adds"]
WIDTHS = {"features": 13, "auxiliary losses": 15, "multiply-adds": 25}
"""Columns that wrap on a terminal, with their widths, so that 100 characters have room for the summary."""
FEATURES = {"none": "ids alone", "fused": "in fused", "per_modality": "each modality"}
"""`Backbone.modality_support` in words."""
FEATURE_LEGEND = (
    "Features: `each modality` has user and item vectors for every modality; `in fused` has one vector for all "
    "together; `ids alone` has none, and a decoder that asks for a modality gets a linear map of the item features. "
    "`needs one` is refused on data without a modality."
)
"""The meaning of the words in that column."""
SYMBOLS = (
    "Multiply-adds of one forward pass in training, over all edges, that gives `fused`: E training pairs, N users and "
    "items, U users, I items, M modalities, D feature width, P projected feature width, d embedding width, L layers, "
    "K neighbours, B pairs a batch; any other number is that of the class's defaults. The gradient costs about twice "
    "as much again."
)
"""The meaning of the letters in `Backbone.cost`."""


@dataclass(frozen=True)
class BackboneRow:
    """One row of the list of backbones.

    Args:
        name: the registered name.
        summary: the first line of the class's docstring, or the reason why the class cannot be loaded. All following
            fields are then empty.
        features: its use of item features, in words.
        auxiliary_losses: their names under the default settings.
        cost: multiply-adds, in the letters of `SYMBOLS`.
        more_cost: further multiply-adds.
        modality_users: whether users have vectors of each modality.

    Example:
        >>> BackboneRow("mf", "Matrix factorisation.", "each modality", ("contrast",), "M I D d", "2 B^2 d").cells()
        ('mf', 'Matrix factorisation.', 'each modality', 'contrast', 'M I D d; 2 B^2 d')
    """

    name: str
    summary: str
    features: str = ""
    auxiliary_losses: tuple[str, ...] = ()
    cost: str = ""
    more_cost: str = ""
    modality_users: bool = False

    def cells(self) -> tuple[str, ...]:
        """The cells of the row, in the order of `HEADERS`."""
        cost = f"{self.cost}; {self.more_cost}" if self.more_cost else self.cost
        return self.name, self.summary, self.features, ", ".join(self.auxiliary_losses), cost


def list_backbones() -> list[BackboneRow]:
    """Every backbone by name. One of another package that cannot be loaded is listed with the reason.

    Example:
        >>> next(row.features for row in list_backbones() if row.name == "lightgcn")
        'ids alone'
    """
    return [_row(name, summary) for name, summary in backbones.summaries()]


def _row(name: str, summary: str) -> BackboneRow:
    try:
        kind = backbones.get(name)
    except ComponentError:
        return BackboneRow(name, summary)
    features = FEATURES[kind.modality_support] + (", needs one" if kind.needs_modalities else "")
    return BackboneRow(
        name,
        summary,
        features,
        kind.auxiliary_losses,
        kind.cost,
        kind.more_cost,
        modality_users=kind.modality_support == "per_modality",
    )
