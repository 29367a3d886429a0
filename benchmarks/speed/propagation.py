"""One mean aggregation, forward and backward: graphrec's Propagator against PyG's message passing, in one process.

Also half a step (items to users), and an epoch's pruned propagator (drawing a fifth of the edges and filtering the
matrix) against one built from the drawn pairs. For torch_scatter see `scatter.py`.

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

from graphrec.backbones.row_norm import normalize_rows
from graphrec.graph.propagator import Propagator
from graphrec.graph.pruning import degree_sensitive_mask
from graphrec.system.memory import keep_large_blocks

USERS, ITEMS, EDGES, WIDTH = 36_656, 76_085, 726_065, 64


def seconds(run: Callable[[], object]) -> float:
    """Wall seconds of one run."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def report(name: str, ours: Callable[[], object], theirs: Callable[[], object], runs: int) -> None:
    """Run both by turns and print the medians."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs + 1)][1:]
    ratio = statistics.median(b / a for a, b in pairs)
    mine, other = (statistics.median(column) for column in zip(*pairs))
    print(f"{name}: graphrec {mine * 1e3:.0f} ms, peer {other * 1e3:.0f} ms, peer / graphrec {ratio:.1f}", flush=True)


def compare(name: str, ours, theirs, x: Tensor, runs: int) -> None:
    """Of two functions of x that must agree: forward and backward."""
    out = ours(x)
    torch.testing.assert_close(out, theirs(x), rtol=1e-4, atol=1e-5)
    upstream = torch.randn(out.shape, generator=torch.Generator().manual_seed(2))

    def both_ways(function) -> Callable[[], None]:
        def run() -> None:
            x.grad = None
            function(x).backward(upstream)

        return run

    report(name, both_ways(ours), both_ways(theirs), runs)


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
    half = x.detach()[USERS:].clone().requires_grad_()
    down, size = torch.stack([pairs[:, 1], users]), (ITEMS, USERS)
    compare("items to users", propagate.to_users, lambda v: convolution((v, None), down, size=size), half, runs)
    keep = degree_sensitive_mask(pairs, USERS, ITEMS, 0.8, random)
    rebuild = lambda: Propagator(pairs[keep], USERS, ITEMS, "mean")  # noqa: E731
    report("a fifth of the edges, peer built again", lambda: propagate.edge_subgraph(keep), rebuild, runs)
    draw = seconds(lambda: degree_sensitive_mask(pairs, USERS, ITEMS, 0.8, random))
    print(f"drawing them by degree: {draw * 1e3:.0f} ms")
    compare("row normalisation", normalize_rows, F.normalize, x, runs)


if __name__ == "__main__":
    typer.run(main)
