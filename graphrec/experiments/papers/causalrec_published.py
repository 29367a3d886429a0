"""What CausalRec's paper published in its Tables 1 and 2 (Qiu et al., ACM MM 2021), category by category."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

METRICS = ("mrr", "ndcg@50", "hr@50")
NAMES = {
    "Baby": "Baby",
    "Beauty": "Beauty",
    "Clothing_Shoes_and_Jewelry": "Clothing",
    "Grocery_and_Gourmet_Food": "Grocery",
    "Office_Products": "Office",
    "Sports_and_Outdoors": "Sports",
    "Tools_and_Home_Improvement": "Tools",
    "Toys_and_Games": "Toys",
}
"""Amazon's names of the categories, as its files have them, and the paper's."""


@dataclass(frozen=True)
class Published:
    """A category of the paper: its sizes, and MRR, NDCG@50 and HR@50 of each method.

    Example:
        >>> from graphrec.experiments.papers.causalrec_published import PUBLISHED
        >>> PUBLISHED["Office"].users, PUBLISHED["Office"].figure("CausalRec", "hr@50")
        (6913, 0.1537)
        >>> PUBLISHED["Office"].figure("DeepStyle", "hr@50") is None
        True
    """

    users: int
    items: int
    interactions: int
    figures: Mapping[str, tuple[float, float, float]]

    def figure(self, method: str, metric: str) -> float | None:
        """None where the paper does not have it."""
        return self.figures[method][METRICS.index(metric)] if method in self.figures else None


def _row(users: int, items: int, interactions: int, *figures: tuple[float, float, float]) -> Published:
    return Published(users, items, interactions, dict(zip(("BPR", "VBPR", "AMR", "CausalRec"), figures)))


PUBLISHED = {
    "Baby": _row(
        19822, 7776, 163856,
        (0.0146, 0.0271, 0.0983), (0.0112, 0.0215, 0.0726), (0.0070, 0.0135, 0.0462), (0.0172, 0.0320, 0.1047),
    ),
    "Beauty": _row(
        25837, 16893, 227920,
        (0.0071, 0.0137, 0.0476), (0.0160, 0.0315, 0.1048), (0.0102, 0.0201, 0.0690), (0.0192, 0.0384, 0.1254),
    ),
    "Clothing": _row(
        58197, 44310, 422474,
        (0.0038, 0.0065, 0.0216), (0.0065, 0.0125, 0.0417), (0.0036, 0.0068, 0.0235), (0.0088, 0.0172, 0.0528),
    ),
    "Grocery": _row(
        16318, 11581, 165893,
        (0.0140, 0.0281, 0.0981), (0.0209, 0.0414, 0.1376), (0.0147, 0.0307, 0.1068), (0.0250, 0.0475, 0.1541),
    ),
    "Office": _row(
        6913, 4775, 68306,
        (0.0152, 0.0296, 0.1040), (0.0164, 0.0340, 0.1222), (0.0145, 0.0291, 0.1021), (0.0223, 0.0445, 0.1537),
    ),
    "Sports": _row(
        40358, 24766, 334238,
        (0.0078, 0.0140, 0.0460), (0.0086, 0.0168, 0.0563), (0.0047, 0.0087, 0.0291), (0.0147, 0.0258, 0.0792),
    ),
    "Tools": _row(
        20134, 14774, 163451,
        (0.0110, 0.0181, 0.0537), (0.0085, 0.0162, 0.0556), (0.0048, 0.0089, 0.0324), (0.0134, 0.0244, 0.0775),
    ),
    "Toys": _row(
        24314, 18906, 209281,
        (0.0056, 0.0106, 0.0370), (0.0106, 0.0200, 0.0663), (0.0074, 0.0141, 0.0478), (0.0153, 0.0305, 0.1024),
    ),
}  # fmt: skip
