"""Peak memory and seconds of evaluating a ranking of all items, at the published sizes of the sets that have twins.

    python benchmarks/speed/ranking.py [--sets coat,tiktok,...] [--users N] [--out benchmarks/results/speed]

A model of width 64, drawn at random, scores every item for every user; each user has 20 training pairs, which are left
out, and 5 positives. Seconds grow with the users, and so do those of the peers, so that Taobao may be cut short by
`--users`. Rows of other sizes that the files in `--out` have stay there.
`graphrec` is `evaluate` at K = 50 and 100, with its metrics and its rule for ties; `topk` is torch.topk of the same
blocks, no more than the list of the best; `whole` is torch.topk of the matrix of all scores held at once, where that
takes no more than the memory that is free. `hcr` is `evaluate` under HCR's front door, whose score is made of three
branches' logits; it has no peer, and its peak is not separate from that of making the branches. Each is a process of
its own: its peak is the largest resident memory less what it held when the data had been drawn. Quote the ratios, not
the seconds. Writes ranking.csv and ranking.md.
"""

from __future__ import annotations

import json
import math
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
import typer

from graphrec.backbones import Representation
from graphrec.causal import FrontDoor
from graphrec.decoders import Context, decoders
from graphrec.evaluation.ranking import PairIndex, blocks, evaluate
from graphrec.recommender import EstimandScorer
from graphrec.system.memory import keep_large_blocks
from graphrec.system.owned_folder import claim_if_new, write_own_text

SIZES = {
    "coat": (290, 300),
    "amazon": (58_197, 44_310),
    "tiktok": (36_656, 76_085),
    "kwai": (22_611, 329_510),
    "taobao": (424_170, 1_090_390),
}
"""Users and items as the dataset cards give them: Coat, CausalRec's Clothing, MMGCN's Tiktok and Kwai, Tmall."""
WIDTH, SEEN, POSITIVES, CUTOFFS = 64, 20, 5, (50, 100)
WAYS = ("graphrec", "topk", "whole", "hcr")
MIB = 1 << 20


class InnerProduct:
    """Scores that are inner products of two tables, `[U, d]` and `[I, d]`."""

    def __init__(self, user: torch.Tensor, item: torch.Tensor) -> None:
        self.user, self.item = user, item
        self.num_users, self.num_items = len(user), len(item)
        self.bytes_per_user = 8 * len(item)

    def __call__(self, users: torch.Tensor) -> torch.Tensor:
        return self.user[users] @ self.item.T


def pairs(users: int, items: int, each: int, seed: int) -> np.ndarray:
    """`[U * each, 2]` pairs drawn at random."""
    random = np.random.default_rng(seed)
    return np.stack([np.repeat(np.arange(users), each), random.integers(items, size=users * each)], axis=1)


def rank(way: str, users: int, items: int) -> dict[str, float]:
    """Evaluate, or only list, all users; peak MiB beyond the data and seconds."""
    random = torch.Generator().manual_seed(0)
    user, item = (torch.randn(count, WIDTH, generator=random) for count in (users, items))
    front_door = hcr(users, items, random) if way == "hcr" else None
    seen, positives = pairs(users, items, SEEN, 1), pairs(users, items, POSITIVES, 2)
    score = InnerProduct(user, item)

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    score(torch.arange(2)).topk(2)  # what the first call alone allocates
    before, started = peak(), time.perf_counter()
    if front_door is not None:
        evaluate(front_door, positives, seen, CUTOFFS)
    elif way == "graphrec":
        evaluate(score, positives, seen, CUTOFFS)
    else:
        index, everyone = PairIndex(seen, users), np.arange(users)
        for block in blocks(everyone, score.bytes_per_user) if way == "topk" else [everyone]:
            scores = score(torch.from_numpy(block))
            rows, columns = index.of(block)
            scores[torch.from_numpy(rows), torch.from_numpy(columns)] = -torch.inf
            scores.topk(max(CUTOFFS), dim=1)
    used = math.nan if front_door is not None else (peak() - before) / MIB
    return {"seconds": time.perf_counter() - started, "peak_mib": used}


def hcr(users: int, items: int, random: torch.Generator) -> EstimandScorer:
    """HCR on representations drawn at random, scored by its front door."""
    context = Context(("visual",), ("acoustic",), WIDTH, users, items)
    decoder = decoders.get("hcr")(decoders.get("hcr").Config(), context)

    def drawn() -> Representation:
        return Representation(*(torch.randn(count, WIDTH, generator=random) for count in (users, items)))

    representations = {name: {output: drawn() for output in tower.outputs} for name, tower in decoder.towers().items()}
    with torch.no_grad():
        branches = decoder.eval().branches(representations)
    return EstimandScorer(branches, None, decoder.outcome, FrontDoor())


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_own_process(way: str, users: int, items: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--case", json.dumps([way, users, items])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(
    sets: Annotated[str, typer.Option(help="Which sizes.")] = ",".join(SIZES),
    users: Annotated[int | None, typer.Option(help="At most so many users of each.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for ranking.csv and ranking.md.")] = None,
    case: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    if case is not None:
        keep_large_blocks()
        print(json.dumps(rank(*json.loads(case))))
        return
    rows = []
    for name in sets.split(","):
        count, items = SIZES[name]
        count = min(count, users or count)
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        measured = {
            way: in_own_process(way, count, items) for way in WAYS if way != "whole" or 5 * count * items < free
        }
        for way, figures in measured.items():
            ratio = math.nan if way == "hcr" else measured["graphrec"]["seconds"] / figures["seconds"]
            rows.append({"set": name, "users": count, "items": items, "way": way, **figures, "ratio": ratio})
            print(f"{name} ({count:,} users, {items:,} items), {way}: {figures['seconds']:.1f} s, "
                  f"{shown(figures['peak_mib'], ',.0f')} MiB; graphrec / this {shown(ratio, '.2f')}",
                  flush=True)  # fmt: skip
    if out is not None:
        table = with_others(pd.DataFrame(rows).round({"seconds": 2, "peak_mib": 0, "ratio": 2}), out / "ranking.csv")
        claim_if_new(out, "measurement")
        write_own_text(out / "ranking.csv", table.to_csv(index=False))
        write_own_text(out / "ranking.md", markdown(table))


def markdown(table: pd.DataFrame) -> str:
    lines = ["| set | users | items | way | seconds | peak, MiB | graphrec / this |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {r.set} | {r.users:,} | {r.items:,} | {r.way} | {r.seconds:.1f} | {shown(r.peak_mib, ',.0f')} | "
        f"{shown(r.ratio, '.2f')} |"
        for r in table.itertuples()
    ]
    return "\n".join(lines) + "\n"


def shown(value: float, form: str) -> str:
    return "–" if math.isnan(value) else format(value, form)


def with_others(table: pd.DataFrame, file: Path) -> pd.DataFrame:
    """The rows measured now, and those of other sizes that the file has."""
    sizes = ["set", "users"]
    if file.is_file():
        before = pd.read_csv(file)
        table = pd.concat([before[~before.set_index(sizes).index.isin(table.set_index(sizes).index)], table])
    order = {name: number for number, name in enumerate(SIZES)}
    return table.sort_values(
        sizes, key=lambda column: column.map(order) if column.name == "set" else column, kind="stable"
    )


if __name__ == "__main__":
    typer.run(main)
