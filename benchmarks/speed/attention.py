"""One layer of attention among neighbours, forward and backward: over `SortedEdges` against PyG, in one process.

    python benchmarks/speed/attention.py [--runs N] [--out benchmarks/results/speed]

The graph has 9,308 users, 6,710 items and 59,541 edges drawn at random, a few items taking most; width 64, one thread.
`dots` is the attention of GRCN, softmax(x_v . x_w): its peer is the same by PyG's gathering, `softmax` and `scatter`.
`GATv2` is a layer of our `gat` against `GATv2Conv`, with one head and with eight. Seconds are CPU seconds, medians of
runs by turns, the ratio that of the pairs; what is kept is the memory that autograd holds for the backward pass. Quote
the ratios, not the seconds. Writes attention.md.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch_geometric.data import HeteroData
from torch_geometric.nn import GATv2Conv
from torch_geometric.utils import scatter, softmax

from graphrec.backbones import backbones
from graphrec.graph.build import InteractionGraph
from graphrec.graph.sorted_edges import SortedEdges
from graphrec.system.memory import keep_large_blocks
from graphrec.system.owned_folder import claim_if_new, write_own_text

USERS, ITEMS, EDGES, WIDTH, MIB = 9_308, 6_710, 59_541, 64, 1 << 20


def draw() -> InteractionGraph:
    random = torch.Generator().manual_seed(0)
    users = torch.randint(USERS, (2 * EDGES,), generator=random)
    items = (torch.rand(2 * EDGES, generator=random) ** 2 * ITEMS).long()
    cells = (users * ITEMS + items).unique()
    cells = cells[torch.randperm(len(cells), generator=random)[:EDGES]]
    data = HeteroData()
    data["user"].num_nodes, data["item"].num_nodes = USERS, ITEMS
    data["user", "click", "item"].edge_index = torch.stack([cells // ITEMS, cells % ITEMS])
    return InteractionGraph(data, {"click": ("click",), "like": ("click",)})


def dot_products(x: Tensor, edges: SortedEdges) -> Tensor:
    return edges.sum(edges.softmax(edges.dot_products(x, x)), x)


def dots_by_pyg(x: Tensor, index: Tensor) -> Tensor:
    source, target = index
    weights = softmax((x[source] * x[target]).sum(1), target, num_nodes=len(x))
    return scatter(x[source] * weights.unsqueeze(1), target, dim_size=len(x), reduce="sum")


def step(layer: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], float]:
    """CPU seconds of a pass forward and backward."""
    upstream = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))

    def run() -> float:
        x.grad = None
        started = time.process_time()
        layer(x).backward(upstream)
        return time.process_time() - started

    return run


def memory_for_backward(layer: Callable[[Tensor], Tensor], x: Tensor) -> int:
    """Bytes that autograd holds between the passes, tables and weights included."""
    held: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        held[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        out = layer(x)
    assert out.grad_fn is not None  # it keeps alive what was held, so that no address was taken twice
    return sum(held.values())


def compare(name: str, ours: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor], runs: int) -> str:
    """A row of the table, after a check that both compute the same."""
    x = torch.randn(USERS + ITEMS, WIDTH, generator=torch.Generator().manual_seed(2)).mul_(0.3).requires_grad_()
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)
    mine, other = step(ours, x), step(theirs, x)
    pairs = [(mine(), other()) for _ in range(runs + 2)][2:]
    ratio = statistics.median(b / a for a, b in pairs)
    seconds = [f"{statistics.median(column) * 1e3:.0f}" for column in zip(*pairs)]
    memory = [f"{memory_for_backward(layer, x) / MIB:.0f}" for layer in (ours, theirs)]
    return f"| {name} | {' | '.join(seconds)} | {ratio:.1f} | {' | '.join(memory)} |"


def main(
    runs: Annotated[int, typer.Option(help="Pairs of runs after two to warm up.")] = 15,
    out: Annotated[Path, typer.Option(help="Folder of the result.")] = Path("runs/speed"),
) -> None:
    keep_large_blocks()
    torch.set_num_threads(1)
    graph = draw()
    index, size = graph.edges("click"), USERS + ITEMS
    rows = [
        compare(
            "dots", partial(dot_products, edges=SortedEdges(index, size, size)), partial(dots_by_pyg, index=index), runs
        )
    ]
    for heads in (1, 8):
        torch.manual_seed(0)
        config = backbones.get("gat").Config(embedding_size=WIDTH, layers=1, heads=heads)
        layer = backbones.get("gat")(config, graph, "click", ("id",)).layers[0]
        ours = partial(layer, edges=graph.edges_with_loops("click"))
        theirs = partial(GATv2Conv.forward, layer, edge_index=index)
        rows.append(compare(f"GATv2, {heads} head{'s' * (heads > 1)}", ours, theirs, runs))
    text = [
        "# Attention among neighbours: SortedEdges against PyG",
        "",
        "Written by `python benchmarks/speed/attention.py`, one thread of a shared machine,",
        f"torch {torch.__version__}: {USERS:,} users, {ITEMS:,} items, {EDGES:,} edges, width {WIDTH}, both passes.",
        "The ratio is the median of the ratios pair by pair, not the ratio of the medians beside it.",
        "",
        "| layer | graphrec, ms CPU | PyG, ms CPU | PyG / graphrec | graphrec keeps, MiB | PyG keeps, MiB |",
        "|---|---:|---:|---:|---:|---:|",
        *rows,
    ]
    print("\n".join(text))
    claim_if_new(out, "measurement")
    write_own_text(out / "attention.md", "\n".join(text) + "\n")


if __name__ == "__main__":
    typer.run(main)
