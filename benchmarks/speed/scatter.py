"""torch_scatter's kernels against graphrec's own, forward and backward: propagation, and attention among neighbours.

    python benchmarks/speed/scatter.py [--runs 15] [--threads 1,2] [--scales 1,5]

It needs torch_scatter, which graphrec does not. The graph has the size of DiffMM's Tiktok (9,308 users, 6,710 items,
59,541 pairs) times each scale, pairs drawn at random, width 64. What torch_scatter offers is taken both ways: `scatter`
by an index, and `segment_csr` over sorted edges. All must agree. Printed: median milliseconds of each and the median of
the ratios, pair by pair, which is not the ratio of the two medians; below 1 torch_scatter is the faster. Quote the
ratio, not the milliseconds.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Annotated

import torch
import typer
from torch import Tensor

from graphrec.graph.propagator import Propagator
from graphrec.graph.sorted_edges import SortedEdges

try:
    from torch_scatter import gather_csr, scatter, segment_csr
    from torch_scatter.composite import scatter_softmax
except ImportError:
    sys.exit("torch_scatter is not installed, and there is nothing to compare with: see environment.yml")

USERS, ITEMS, PAIRS, WIDTH = 9_308, 6_710, 59_541, 64
Way = Callable[..., Tensor]


def cases(users: int, items: int, pairs: int) -> Iterator[tuple[str, tuple[Tensor, ...], Way, dict[str, Way]]]:
    """Name, inputs, graphrec's way, and torch_scatter's ways by name."""
    random = torch.Generator().manual_seed(0)
    cells = torch.randint(users * items, (pairs,), generator=random).unique()
    positives, size = torch.stack([cells // items, cells % items], dim=1), users + items
    user, item = positives[:, 0], positives[:, 1] + users
    edges = SortedEdges(torch.stack([torch.cat([item, user]), torch.cat([user, item])]), size, size)
    source, target = edges.source, edges.target
    start = torch.searchsorted(target, torch.arange(size + 1))
    x = torch.randn(size, WIDTH, generator=random)
    logits = torch.randn(len(source), generator=random)
    for scaling in ("sum", "mean", "symmetric"):
        ours = Propagator(positives, users, items, scaling)
        reduce = "mean" if scaling == "mean" else "sum"
        root = start.diff().clamp(min=1).float().rsqrt().unsqueeze(1) if scaling == "symmetric" else 1.0
        theirs = {
            "scatter": lambda x, root=root, how=reduce: (
                root * scatter((root * x).index_select(0, source), target, 0, dim_size=size, reduce=how)
            ),
            "segment_csr": lambda x, root=root, how=reduce: (
                root * segment_csr((root * x).index_select(0, source), start, reduce=how)
            ),
        }
        yield f"propagation, {scaling}", (x,), ours, theirs

    def softmax(logits: Tensor) -> Tensor:
        weights = (logits - gather_csr(segment_csr(logits.detach(), start, reduce="max"), start)).exp()
        return weights / gather_csr(segment_csr(weights, start), start)

    ways = {"scatter": lambda logits: scatter_softmax(logits, target, dim_size=size), "segment_csr": softmax}
    yield "softmax over neighbours", (logits,), edges.softmax, ways

    def rows(weights: Tensor, x: Tensor) -> Tensor:
        return weights.unsqueeze(1) * x.index_select(0, source)

    ways = {
        "scatter": lambda weights, x: scatter(rows(weights, x), target, 0, dim_size=size),
        "segment_csr": lambda weights, x: segment_csr(rows(weights, x), start),
    }
    yield "weighted sum over neighbours", (logits.sigmoid(), x), edges.sum, ways


def both_ways(way: Way, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """What it gives, and its gradients."""
    fresh = tuple(tensor.detach().requires_grad_() for tensor in inputs)
    out = way(*fresh)
    upstream = torch.linspace(-1, 1, out.numel()).view_as(out)
    return out.detach(), *torch.autograd.grad(out, fresh, upstream)


def milliseconds(way: Way, inputs: tuple[Tensor, ...]) -> float:
    started = time.perf_counter()
    both_ways(way, inputs)
    return 1e3 * (time.perf_counter() - started)


def main(
    runs: Annotated[int, typer.Option(help="Pairs of runs after one warm-up.")] = 15,
    threads: Annotated[str, typer.Option(help="Numbers of threads, by commas.")] = "1,2",
    scales: Annotated[str, typer.Option(help="Sizes in Tiktoks, by commas.")] = "1,5",
) -> None:
    print(f"torch {torch.__version__}, width {WIDTH}, {runs} runs; ratios are medians of the ratios pair by pair")
    for scale in map(int, scales.split(",")):
        sizes = scale * USERS, scale * ITEMS, scale * PAIRS
        print(f"\n{sizes[0] + sizes[1]:,} nodes, {2 * sizes[2]:,} edges both ways")
        for name, inputs, ours, ways in cases(*sizes):
            for peer, theirs in ways.items():
                for actual, expected in zip(both_ways(ours, inputs), both_ways(theirs, inputs)):
                    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)
                for count in map(int, threads.split(",")):
                    torch.set_num_threads(count)
                    taken = [(milliseconds(ours, inputs), milliseconds(theirs, inputs)) for _ in range(runs + 1)][1:]
                    mine, other = (statistics.median(column) for column in zip(*taken))
                    ratio = statistics.median(b / a for a, b in taken)
                    print(
                        f"{name}, {count} thread{'s' * (count > 1)}: graphrec {mine:.1f} ms, {peer} {other:.1f} ms, "
                        f"{peer} / graphrec {ratio:.2f}",
                        flush=True,
                    )


if __name__ == "__main__":
    typer.run(main)
