"""What a recipe's data must be before anything is trained on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import graphrec as gr
from graphrec.data.dataset import dataset_from_events
from graphrec.errors import DataError, SplitError
from graphrec.runs.build import load_data, prepare_split
from graphrec.runs.recipe import Recipe


def spoil_item(dataset: gr.InteractionDataset) -> gr.InteractionDataset:
    table = dataset.interactions.copy()
    table.loc[0, "item"] = 9_999
    return replace(dataset, interactions=table)


def spoil_user(dataset: gr.InteractionDataset) -> gr.InteractionDataset:
    table = dataset.interactions.copy()
    table.loc[0, "user"] = -1
    return replace(dataset, interactions=table)


def spoil_feature(dataset: gr.InteractionDataset) -> gr.InteractionDataset:
    visual = dataset.features["visual"]
    values = np.array(visual.values)
    values[3, 0] = np.nan
    return replace(dataset, features={**dataset.features, "visual": replace(visual, values=values)})


@pytest.mark.parametrize("spoil", [spoil_item, spoil_user, spoil_feature])
def test_data_that_check_calls_wrong_is_not_trained_on(
    spoil: Callable[[gr.InteractionDataset], gr.InteractionDataset],
    tiny_prepared: Path,
    tiny_recipe: Callable[..., Recipe],
    tmp_path: Path,
) -> None:
    gr.save(spoil(gr.load(tiny_prepared)), tmp_path / "spoilt")
    with pytest.raises(DataError, match="not fit for training"):
        load_data(tiny_recipe("ct", f"data.path={tmp_path / 'spoilt'}"))


@pytest.mark.parametrize("decoder", ["ct", "esmm", "hcr"])
def test_a_training_part_without_likes_is_refused(decoder: str, tmp_path: Path) -> None:
    events = pd.DataFrame(
        {
            "user": ["a", "a", "a", "b", "b", "a", "a", "b", "b"],
            "item": ["1", "2", "3", "1", "2", "4", "5", "4", "5"],
            "behaviour": ["click"] * 5 + ["like"] * 4,
            "timestamp": [1, 1, 1, 1, 1, 9, 10, 9, 10],
        }
    )
    late = dataset_from_events("late", events, feedback={"click": ("click",), "like": ("like",)}, provenance={})
    gr.save(late, tmp_path / "late")
    settings = {
        "data": {"path": str(tmp_path / "late")},
        "split": {"train": 0.5, "unseen": "keep"},
        "decoder": {"name": decoder},
    }
    with pytest.raises(SplitError, match="no likes"):
        prepare_split(Recipe.from_dict(settings))
