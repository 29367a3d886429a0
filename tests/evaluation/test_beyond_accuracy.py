"""Coverage, popularity and intra-list similarity, against PyG's, a slow computation, and lists made to be alike."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from scipy import sparse
from torch_geometric.metrics import LinkPredAveragePopularity, LinkPredCoverage

from graphrec.data.dataset import Feature
from graphrec.evaluation.beyond_accuracy import describe_lists
from graphrec.evaluation.intra_list_similarity import IntraListSimilarity
from graphrec.evaluation.metrics import describe as column_of
from graphrec.evaluation.metrics import metrics
from graphrec.evaluation.scorer import TableScorer

USERS, ITEMS = 30, 25


def problem(seed: int) -> tuple[torch.Tensor, np.ndarray]:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.integers(0, 5, (USERS, ITEMS)).astype(float)), np.argwhere(
        rng.random((USERS, ITEMS)) < 0.2
    )


def describe(scores: torch.Tensor, clicks: np.ndarray, features: dict[str, Feature], cutoffs: tuple[int, ...]):
    return describe_lists(TableScorer(scores, bytes_per_user=2**25), clicks, features, cutoffs)


@pytest.mark.parametrize("k", [1, 4])
def test_coverage_and_popularity_agree_with_pyg(k: int) -> None:
    scores, clicks = problem(k)
    table, whole = describe(scores, clicks, {}, (k,))
    scores[clicks[:, 0], clicks[:, 1]] = -torch.inf
    order = scores.sort(dim=1, descending=True, stable=True).indices
    counts = torch.from_numpy(np.bincount(clicks[:, 1], minlength=ITEMS))
    coverage, popular = LinkPredCoverage(k, ITEMS), LinkPredAveragePopularity(k, counts)
    for metric in (coverage, popular):
        metric.update(order, None)
    assert whole[f"coverage@{k}"] == pytest.approx(coverage.compute().item())
    assert table[f"popularity@{k}"].mean() == pytest.approx(popular.compute().item())
    assert table["user"].tolist() == list(range(USERS))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_a_modality_that_no_item_has_has_no_similarity(kind: str) -> None:
    values = np.zeros((ITEMS, 6), dtype=np.float32)
    feature = Feature(sparse.csr_array(values) if kind == "sparse" else values, np.zeros(ITEMS, dtype=bool))
    scores, clicks = problem(0)
    table, _ = describe(scores, clicks, {"visual": feature}, (4,))
    assert table["intra_list_similarity_visual@4"].isna().all() and table["popularity@4"].notna().all()


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_similarity_is_the_mean_cosine_of_all_pairs(kind: str) -> None:
    rng = np.random.default_rng(1)
    values = (rng.random((ITEMS, 6)) * (rng.random((ITEMS, 6)) < 0.5) + 0.1 * rng.random((ITEMS, 1))).astype(np.float32)
    mask = np.arange(ITEMS) % 4 != 0
    values[~mask] = 0
    feature = Feature(sparse.csr_array(values) if kind == "sparse" else values, mask)
    lists = np.array([rng.permutation(ITEMS)[:8] for _ in range(12)])
    listed = np.arange(8) < rng.integers(0, 9, (12, 1))
    centred = values.astype(float) - values[mask].astype(float).mean(0)
    similarity = IntraListSimilarity(feature).of(lists, listed)
    for row in range(12):
        items = [item for item, real in zip(lists[row], listed[row]) if real and mask[item]]
        cosines = [
            centred[a] @ centred[b] / np.linalg.norm(centred[a]) / np.linalg.norm(centred[b])
            for a, b in combinations(items, 2)
        ]
        if cosines:
            assert similarity[row] == pytest.approx(np.mean(cosines), abs=1e-5)
        else:
            assert np.isnan(similarity[row])


def test_lists_of_one_style_are_concentrated_and_random_lists_are_not() -> None:
    rng = np.random.default_rng(2)
    styles = rng.standard_normal((5, 16))
    style = np.arange(ITEMS) % 5
    values = (5.0 + styles[style] + 0.01 * rng.standard_normal((ITEMS, 16))).astype(np.float32)
    alike = torch.from_numpy((style[None, :] == (np.arange(USERS) % 5)[:, None]).astype(float))
    at_random = torch.from_numpy(rng.random((USERS, ITEMS)))
    nothing = np.empty((0, 2), dtype=np.int64)
    features = {"visual": Feature(values, np.ones(ITEMS, dtype=bool))}
    concentrated, mixed = (
        describe(s, nothing, features, (5,))[0]["intra_list_similarity_visual@5"].mean() for s in (alike, at_random)
    )
    assert concentrated > 0.99
    assert abs(mixed) < 0.1, "the 5 that all features share is no likeness"


def test_items_that_fill_a_list_beyond_the_candidates_do_not_count() -> None:
    clicks = np.array([(user, item) for user in range(USERS) for item in range(ITEMS - 2)])
    table, whole = describe(torch.zeros(USERS, ITEMS), clicks, {}, (10,))
    assert whole["coverage@10"] == 2 / ITEMS
    assert (table["popularity@10"] == 0).all()


def test_a_resample_of_users_covers_no_more_and_on_average_less() -> None:
    """Why coverage has no bootstrap interval: it would be below the value itself."""
    scores, clicks = problem(2)
    _, whole = describe(scores, clicks, {}, (1,))
    rng = np.random.default_rng(0)
    seen = [clicks[clicks[:, 0] == user, 1] for user in range(USERS)]
    resampled = []
    for _ in range(50):
        users = rng.integers(0, USERS, USERS)
        drawn = np.concatenate(
            [np.column_stack([np.full(len(seen[user]), row), seen[user]]) for row, user in enumerate(users)]
        )
        resampled.append(describe(scores[users], drawn, {}, (1,))[1]["coverage@1"])
    assert max(resampled) <= whole["coverage@1"]
    assert np.mean(resampled) < 0.95 * whole["coverage@1"]


def test_results_and_recipes_may_have_a_metric_under_its_earlier_name() -> None:
    assert metrics.get("concentration") is metrics.get("intra_list_similarity")
    assert column_of("concentration_visual@50").label == "Intra-list similarity visual@50"
    assert column_of("concentrations@50").metric.__name__ == "UnregisteredMetric"
