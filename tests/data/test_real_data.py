"""All commands on each real dataset: prepare, check, train, evaluate, recommend, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import graphrec as gr

RATINGS = {
    "header": "false",
    "delimiter": ",",
    "user": "0",
    "item": "1",
    "rating": "2",
    "timestamp": "3",
    "like_at": "4",
}
CASES = {
    "alibaba": ("alibaba", "alibaba_ecomm", {}, {"name": "chronological"}),
    "tiktok": ("tiktok", "tiktok_hkuds", {}, {"name": "given"}),
    "toys": ("table", "amazon_cornac/amazon_toy_rating.zip", RATINGS, {"name": "chronological"}),
}


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_prepare_check_train_evaluate_recommend_and_export(
    case: str, realdata: Callable[[str], Path], tmp_path: Path
) -> None:
    source, path, options, split = CASES[case]
    folder, _, file = path.partition("/")
    data = gr.prepare(source, realdata(folder) / file, tmp_path / "prepared", options)
    assert not [finding for finding in gr.check(gr.load(data)) if finding.severity == "error"]
    settings: dict[str, Any] = {
        "data": {"path": str(data)},
        "split": split,
        "backbone": {"word_size": 16, "projection": 16, "embedding_size": 16},
        "decoder": {"name": "hcr"},
        "training": {"epochs": 1, "batch_size": 32768},
    }
    run = gr.train(gr.Recipe.from_dict(settings), tmp_path / "run")
    table = run.evaluate()
    assert list(table["method"]) == ["HCR", "HCR-T", "HCR-S1", "HCR-S2"]
    assert (table["recall@100"] > 0).all()
    assert len(run.recommend(run.user_ids[:3], k=10)) == 30
    assert (run.export(tmp_path / "out", "npz") / "tables.npz").is_file()
