"""One mean aggregation, forward and backward: graphrec's Propagator against PyG's message passing, in one process.

    python benchmarks/speed/propagation.py [--runs N]

The graph has the published size of Tiktok (36,656 users, 76,085 items, 726,065 edges), edges drawn at random, width 64.
Printed: median seconds of each and the median of the ratios, pair by pair. Quote the ratio, not the seconds.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from torch import Tensor
from torch_geometric.nn import SimpleConv

from graphrec.allocator import keep_large_blocks
from graphrec.backbones.row_norm import normalize_rows
from graphrec.graph.propagator import Propagator

USERS, ITEMS, EDGES, WIDTH = 36_656, 76_085, 726_065, 64


def seconds(function: Callable[[Tensor], Tensor], x: Tensor, upstream: Tensor) -> float:
    """Wall seconds of one forward and backward pass."""
    x.grad = None
    started = time.perf_counter()
    function(x).backward(upstream)
    return time.perf_counter() - started


def compare(name: str, ours, theirs, x: Tensor, runs: int) -> None:
    upstream = torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-5)
    pairs = [(seconds(ours, x, upstream), seconds(theirs, x, upstream)) for _ in range(runs + 1)][1:]
    ratio = statistics.median(b / a for a, b in pairs)
    mine, other = (statistics.median(column) for column in zip(*pairs))
    print(f"{name}: graphrec {mine * 1e3:.0f} ms, peer {other * 1e3:.0f} ms, peer / graphrec {ratio:.1f}")


def main(
    runs: Annotated[int, typer.Option(help="Pairs of runs after one warm-up.")] = 7,
    tuned: Annotated[bool, typer.Option(help="Keep large blocks, as the graphrec command does.")] = False,
) -> None:
    if tuned:
        keep_large_blocks()
    random = torch.Generator().manual_seed(0)
    cells = torch.randint(USERS * ITEMS, (EDGES,), generator=random).unique()
    pairs = torch.stack([cells // ITEMS, cells % ITEMS], dim=1)
    propagate = Propagator(pairs, USERS, ITEMS, "mean")
    users, items = pairs[:, 0], pairs[:, 1] + USERS
    edges = torch.stack([torch.cat([users, items]), torch.cat([items, users])])
    convolution = SimpleConv(aggr="mean")
    x = torch.randn(USERS + ITEMS, WIDTH, generator=random, requires_grad=True)
    print(f"{len(cells):,} edges, {torch.get_num_threads()} threads, torch {torch.__version__}, tuned malloc: {tuned}")
    compare("mean aggregation", propagate, lambda value: convolution(value, edges), x, runs)
    compare("row normalisation", normalize_rows, F.normalize, x, runs)


if __name__ == "__main__":
    typer.run(main)
