"""lambda2 in CausalRec's tables and figures: how much of the visual bias is removed, and whether tuning chose it.

Tuning may choose any lambda2 of its grid (Qiu et al., section 5.5), 0 too, which is the model without causal inference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphrec.causal import TotalIndirectEffect
from graphrec.experiments.papers.scored import Scored

CAUSALREC = "CausalRec"
FULL = f"{CAUSALREC}, lambda2 = 1"


def with_full_removal(rows: Sequence[Scored]) -> list[Scored]:
    """The rows, and at their end CausalRec with lambda2 = 1 where its own is another.

    Example:
        >>> from graphrec.causal import TotalIndirectEffect
        >>> from graphrec.experiments.papers.causalrec_lambda2 import with_full_removal
        >>> from graphrec.experiments.papers.scored import Scored
        >>> rows = with_full_removal([Scored("CausalRec", estimand=TotalIndirectEffect(strength=0.4))])
        >>> [(row.name, row.estimand.strength) for row in rows]
        [('CausalRec', 0.4), ('CausalRec, lambda2 = 1', 1.0)]
    """
    extended = list(rows)
    for row in rows:
        if row.name == CAUSALREC and isinstance(row.estimand, TotalIndirectEffect) and row.estimand.strength != 1:
            extended.append(replace(row, name=FULL, estimand=row.estimand.model_copy(update={"strength": 1.0})))
    return extended


def about_lambda2(rows: Sequence[Scored], trials: int) -> str:
    """A caption's sentence: which lambda2 the rows have, and whether tuning chose it; empty where none has one.

    Args:
        trials: trainings that CausalRec was tuned with, 0 for none.

    Example:
        >>> from graphrec.causal import TotalIndirectEffect
        >>> from graphrec.experiments.papers.causalrec_lambda2 import about_lambda2
        >>> from graphrec.experiments.papers.scored import Scored
        >>> about_lambda2([Scored("CausalRec", estimand=TotalIndirectEffect(strength=0.4))], trials=10)
        ' CausalRec: lambda2 = 0.4, chosen on validation.'
    """
    names: dict[float, list[str]] = {}
    for row in rows:
        if isinstance(row.estimand, TotalIndirectEffect):
            names.setdefault(row.estimand.strength, []).append(row.name)
    if not names:
        return ""
    strengths = "; ".join(f"{', '.join(row_names)}: lambda2 = {value:g}" for value, row_names in names.items())
    chosen = "chosen on validation" if trials else "not tuned"
    nothing = " At lambda2 = 0 nothing is removed: that is the model without causal inference." if 0 in names else ""
    return f" {strengths}, {chosen}.{nothing}"
