"""Metrics: one class each, in a registry.

`metrics` holds them by name, `describe` tells what a column of a result table holds, `select` chooses those that are
computed. Every mean is over the users for whom the metric is defined. Those of held-out likes are over the users with
at least one positive. docs/metrics.md has the tables.
"""

from graphrec.evaluation.metrics.average_precision import AveragePrecision
from graphrec.evaluation.metrics.base import (
    ABOUT_USERS,
    DEFAULT_K,
    Direction,
    Metric,
    MetricRegistry,
    RatioMetric,
    metrics,
)
from graphrec.evaluation.metrics.beyond_accuracy import AveragePopularity, Coverage, ListSimilarity
from graphrec.evaluation.metrics.by_truth import TruthBlock, TruthMetric
from graphrec.evaluation.metrics.columns import MetricColumn, better, bounds, describe
from graphrec.evaluation.metrics.hit_ratio import HitRatio
from graphrec.evaluation.metrics.interventional import InterventionalNDCG, Leakage, RankCorrelation, Regret
from graphrec.evaluation.metrics.list_contents import CatalogueMetric, ItemCatalogue, ListBlock, ListMetric
from graphrec.evaluation.metrics.ndcg import NDCG
from graphrec.evaluation.metrics.off_policy import IPS, SNIPS, DoublyRobust, ShownBlock
from graphrec.evaluation.metrics.precision import Precision
from graphrec.evaluation.metrics.ranked_hits import RankedHits, RankingMetric
from graphrec.evaluation.metrics.recall import Recall
from graphrec.evaluation.metrics.reciprocal_rank import ReciprocalRank
from graphrec.evaluation.metrics.selection import DEFAULT_METRICS, MetricNames, monitors, resolve, select
from graphrec.evaluation.metrics.slices import Drop, GroupBlock, NormalisedRecall

__all__ = [
    "ABOUT_USERS",
    "DEFAULT_K",
    "DEFAULT_METRICS",
    "IPS",
    "NDCG",
    "SNIPS",
    "AveragePopularity",
    "AveragePrecision",
    "CatalogueMetric",
    "Coverage",
    "Direction",
    "DoublyRobust",
    "Drop",
    "GroupBlock",
    "HitRatio",
    "InterventionalNDCG",
    "ItemCatalogue",
    "Leakage",
    "ListBlock",
    "ListMetric",
    "ListSimilarity",
    "Metric",
    "MetricColumn",
    "MetricNames",
    "MetricRegistry",
    "NormalisedRecall",
    "Precision",
    "RankCorrelation",
    "RankedHits",
    "RankingMetric",
    "RatioMetric",
    "Recall",
    "ReciprocalRank",
    "Regret",
    "ShownBlock",
    "TruthBlock",
    "TruthMetric",
    "better",
    "bounds",
    "describe",
    "metrics",
    "monitors",
    "resolve",
    "select",
]
