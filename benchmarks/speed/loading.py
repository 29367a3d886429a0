"""Seconds to load prepared data of the full size of Tiktok's twin: 1.5 million clicks, 34,756 items with features.

    python benchmarks/speed/loading.py [--runs N]

Users, items and events are drawn at random in the published size of CR's Tiktok, with two dense modalities of width 128
and a bag of words. Printed: seconds of `load` (hashes checked), of hashing alone, and of pandas reading the event table
alone, the least that any loader needs. Files lie in the page cache, as after `prepare`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from scipy import sparse

from graphrec.data.dataset import Feature, InteractionDataset
from graphrec.data.store import load, read_manifest, save
from graphrec.system.files import sha256

USERS, ITEMS, EVENTS, WORDS = 18_855, 34_756, 1_500_000, 6_820


def draw(seed: int = 0) -> InteractionDataset:
    random = np.random.default_rng(seed)
    behaviours = random.choice(3, p=[0.7, 0.2, 0.1], size=EVENTS).astype(np.int8)
    events = pd.DataFrame(
        {
            "user": random.integers(USERS, size=EVENTS),
            "item": random.integers(ITEMS, size=EVENTS),
            "behaviour": pd.Categorical.from_codes(behaviours, ["click", "finish", "thumbs_up"]),
            "timestamp": random.integers(1_546_300_800, 1_548_979_200, size=EVENTS),
        }
    )
    everyone = np.ones(ITEMS, dtype=bool)
    words = sparse.random_array((ITEMS, WORDS), density=8 / WORDS, rng=random, dtype=np.float32, format="csr")
    names = tuple(str(word) for word in range(WORDS))
    features = {
        "visual": Feature(random.normal(size=(ITEMS, 128)).astype(np.float32), everyone),
        "acoustic": Feature(random.normal(size=(ITEMS, 128)).astype(np.float32), everyone),
        "textual": Feature(sparse.csr_array(words), np.diff(words.indptr) > 0, names),
    }
    return InteractionDataset(
        name="drawn",
        user_ids=np.arange(USERS).astype(str).astype(object),
        item_ids=np.arange(ITEMS).astype(str).astype(object),
        interactions=events,
        feedback={"click": ("click",), "like": ("finish", "thumbs_up")},
        features=features,
        roles={"visual": "content", "acoustic": "content", "textual": "exposure"},
    )


def seconds(function: Callable[[], object], runs: int) -> str:
    """Median and greatest wall seconds."""
    taken = []
    for _ in range(runs):
        started = time.perf_counter()
        function()
        taken.append(time.perf_counter() - started)
    return f"median {statistics.median(taken):.2f} s, most {max(taken):.2f} s"


def main(runs: Annotated[int, typer.Option(help="How often each is measured.")] = 7) -> None:
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared"
        save(draw(), prepared)
        files = [prepared / name for name in read_manifest(prepared).files]
        size = sum(file.stat().st_size for file in files)
        print(f"{EVENTS:,} events, {USERS:,} users, {ITEMS:,} items, {size / 2**20:.0f} MiB; {runs} runs")
        print(f"load: {seconds(lambda: load(prepared), runs)}")
        print(f"of it hashing: {seconds(lambda: [sha256(file) for file in files], runs)}")
        table = prepared / "interactions.parquet"
        print(f"pandas.read_parquet of the events alone: {seconds(lambda: pd.read_parquet(table), runs)}")


if __name__ == "__main__":
    typer.run(main)
