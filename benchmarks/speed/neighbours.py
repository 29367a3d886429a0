"""The ten nearest items by cosine: graphrec's `nearest` in blocks against the whole matrix of similarities and topk.

    python benchmarks/speed/neighbours.py [--items 20000] [--widths 384,4096] [--runs 3] [--threads 1]

Features are drawn at random, in the widths of text and of picture embeddings. Each run is a process of its own, the two
ways by turns; its peak is the largest resident memory less what stood there before the call (features included). A bag
of words of 8 words an item goes through graphrec alone. Quote the ratios and the peaks, not the seconds.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Annotated

import torch
import typer
from torch import Tensor

COUNT, WORDS, WORDS_AN_ITEM = 10, 6_820, 8
MIB = 1 << 20


def draw(items: int, width: int) -> Tensor:
    """Dense features `[I, D]`, or a bag of words where the width is 0."""
    generator = torch.Generator().manual_seed(0)
    if width:
        return torch.randn(items, width, generator=generator)
    words = (torch.rand(items * WORDS_AN_ITEM, generator=generator) ** 2 * WORDS).long()  # some words are frequent
    rows = torch.arange(items).repeat_interleave(WORDS_AN_ITEM)
    bag = torch.sparse_coo_tensor(torch.stack([rows, words]), torch.ones(len(words)), (items, WORDS))
    return bag.coalesce().to_sparse_csr()


def measure(way: str, items: int, width: int, threads: int) -> None:
    """Print seconds, bytes and a check sum of one run."""
    from graphrec.graph.neighbours import nearest

    torch.set_num_threads(threads)
    values, mask = draw(items, width), torch.ones(items, dtype=torch.bool)
    before, started = resident(), time.perf_counter()
    if way == "graphrec":
        similarity = nearest(values, mask, COUNT).similarity
    else:
        unit = values / values.norm(dim=1, keepdim=True)
        similarity = (unit @ unit.T).topk(COUNT, dim=1).values
    taken = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": taken, "bytes": max(0, peak - before), "sum": float(similarity.double().sum())}))


def resident() -> int:
    """Bytes of this process in memory now."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def in_a_process(way: str, items: int, width: int, threads: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--way", way, "--items", str(items), "--widths", str(width)]
    out = subprocess.run([*command, "--threads", str(threads)], check=True, capture_output=True, text=True).stdout
    return json.loads(out)


def describe(runs: list[dict[str, float]]) -> str:
    """Median seconds and the greatest peak."""
    taken = statistics.median(run["seconds"] for run in runs)
    return f"{taken:.2f} s and {max(run['bytes'] for run in runs) / MIB:,.0f} MiB"


def main(
    items: Annotated[int, typer.Option(help="I.")] = 20_000,
    widths: Annotated[str, typer.Option(help="D of each row, by commas.")] = "384,4096",
    runs: Annotated[int, typer.Option(help="Runs of each.")] = 3,
    threads: Annotated[int, typer.Option(help="Threads of each process.")] = 1,
    way: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    sizes = [int(width) for width in widths.split(",")]
    if way:
        measure(way, items, sizes[0], threads)
        return
    print(f"{items:,} items, {COUNT} neighbours, {threads} threads, torch {torch.__version__}, {runs} runs")
    for width in sizes:
        pairs = [[in_a_process(name, items, width, threads) for name in ("graphrec", "whole")] for _ in range(runs)]
        ours, theirs = (list(column) for column in zip(*pairs))
        difference = abs(ours[0]["sum"] - theirs[0]["sum"]) / (items * COUNT)
        assert difference < 1e-5, f"the two find different neighbours: {difference:.2g} a similarity"
        ratio = statistics.median(b["seconds"] / a["seconds"] for a, b in pairs)
        print(
            f"width {width}: graphrec {describe(ours)}, whole matrix {describe(theirs)}, "
            f"whole / graphrec {ratio:.2f} in seconds",
            flush=True,
        )
    bag = [in_a_process("graphrec", items, 0, threads) for _ in range(runs)]
    print(f"bag, {WORDS_AN_ITEM} of {WORDS:,} words an item: graphrec {describe(bag)}")


if __name__ == "__main__":
    typer.run(main)
