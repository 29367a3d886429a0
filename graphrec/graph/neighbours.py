"""Item-item neighbourhoods: the nearest items by cosine similarity, and the sparse matrix they make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from graphrec.errors import DataError
from graphrec.graph.sparse import ConstantCSR

Weights = Literal["equal", "cosine"]
NeighbourScaling = Literal["row", "symmetric"]

CELL_BYTES = 16
"""What one cell of a block costs at most: its similarity, and the copies and counts that settle ties."""


@dataclass(frozen=True)
class Neighbours:
    """The nearest items of each item by cosine similarity, best first: the item itself, then ties to the lower item.

    Args:
        index: `[I, K]` int64; -1 past the end: an item without features has no neighbours, and there may be fewer
            than K items that have any.
        similarity: `[I, K]` float32, 0 where `index` is -1.

    Raises:
        DataError: shapes that differ, or an item out of range.
    """

    index: Tensor
    similarity: Tensor

    def __post_init__(self) -> None:
        index, similarity = self.index, self.similarity
        if index.ndim != 2 or index.shape != similarity.shape or index.dtype != torch.int64:
            raise DataError(
                "a table of neighbours is broken",
                expected="index [I, K] int64 and similarity [I, K]",
                got=f"index {list(index.shape)} {index.dtype}, similarity {list(similarity.shape)}",
            )
        if index.numel() and (int(index.min()) < -1 or int(index.max()) >= len(index)):
            raise DataError(
                "a neighbour is no item",
                expected=f"items 0 to {len(index) - 1}, or -1 for none",
                got=f"{int(index.min())} to {int(index.max())}",
            )

    def matrix(self, weights: Weights, scaling: NeighbourScaling) -> ConstantCSR:
        """The neighbourhoods as a matrix `[I, I]` that multiplies item tables.

        A holds 1 for each neighbour (`equal`, negative similarities included) or its similarity, at least 0
        (`cosine`). D is the diagonal of the row sums of A.

            row         D^-1 A
            symmetric   D^-1/2 A D^-1/2: row sums on both sides, as published code has it, though being a neighbour is
                        not mutual. With K equal neighbours each this is A / K.

        A row that sums to zero stays zero.
        """
        columns, order = self.index.cpu().sort(dim=1)
        entries = self.similarity.cpu().double().clamp(min=0) if weights == "cosine" else torch.ones(columns.shape)
        entries = torch.where(columns < 0, 0.0, entries.double().gather(1, order))
        total = entries.sum(1)
        power = -1.0 if scaling == "row" else -0.5
        factor = torch.where(total > 0, total.pow(power), 0.0)
        entries = entries * factor.unsqueeze(1)
        if scaling == "symmetric":
            entries = entries * factor[columns.clamp(min=0)]
        real = columns >= 0
        crow = torch.zeros(len(columns) + 1, dtype=torch.int64)
        crow[1:] = real.sum(1).cumsum(0)
        return ConstantCSR(crow, columns[real], entries[real].float(), len(columns)).to(self.index.device)


@torch.no_grad()
def nearest(values: Tensor, mask: Tensor, count: int, *, block_bytes: int = 64 * 2**20) -> Neighbours:
    """The `count` nearest items of each item by cosine similarity, itself among them.

    Similarities are made for a block of items against all at a time; no `[I, I]` matrix exists. Items with the same
    features are searched for once, as one. For a bag the block is made dense and multiplied by the sparse matrix. An
    item whose mask is False or whose row is zero has no neighbours and is nobody's. A bag's items without a word in
    common have similarity 0 and may be neighbours, as any others. Items with the same features tie to the bit, and no
    similarity depends on how the items are numbered.

    Args:
        values: `[I, D]` dense or sparse CSR.
        mask: `[I]` bool, the items that have features.
        count: K, at least 1.
        block_bytes: about how much memory a block may take; one row of I or D numbers is the least.

    Raises:
        DataError: values that are not finite, a mask of another length, or a count below 1.
    """
    items, width = values.shape
    if count < 1 or mask.shape != (items,):
        raise DataError(
            "nearest items cannot be told",
            expected=f"a count of at least 1 and a mask [{items}]",
            got=f"count {count}, mask {list(mask.shape)}",
        )
    is_bag = values.layout == torch.sparse_csr
    values = values if is_bag else values.float()
    dense_rows = _bag_rows(values) if is_bag else values.__getitem__
    block = max(1, block_bytes // (CELL_BYTES * max(items, width, 1)))
    size = torch.cat([dense_rows(rows).norm(dim=1) for rows in torch.arange(items, device=values.device).split(block)])
    if not bool(size.isfinite().all()):
        raise DataError("features are not finite", expected="finite numbers", got="nan, infinity, or too large numbers")
    index = torch.full((items, count), -1, device=values.device)
    similarity = torch.zeros(items, count, device=values.device)
    there = (mask.to(values.device) & (size > 0)).nonzero().squeeze(1)
    if not len(there):
        return Neighbours(index, similarity)

    def units(rows: Tensor) -> Tensor:
        return dense_rows(rows) / size[rows].unsqueeze(1)

    first, kind = _kinds(torch.cat([_fingerprints(units(rows)) for rows in there.split(block)]))
    copies, kinds = _lowest_copies(kind, count), there[first]
    multiply = (_bag_product if is_bag else _dense_product)(values, kinds)
    best, cosines = [], []
    for rows in kinds.split(block):
        mine = units(rows)
        rough = multiply(mine).div_(size[kinds])
        chosen = _greatest(rough, min(count, len(kinds)))
        rough = cosine = rough.gather(1, chosen)
        if not is_bag:  # pair by pair: the last bit of a dense product depends on where an item stands, of a sparse not
            cosine = torch.stack([(mine * units(near)).sum(1) for near in kinds[chosen].T], dim=1)
        places, at = _expanded(chosen, rough, copies, len(there), min(count, len(there)))
        best.append(places)
        cosines.append(cosine.clamp(-1, 1).gather(1, at))
    places, cosine = _with_itself(torch.cat(best)[kind], torch.cat(cosines)[kind])
    index[there, : places.shape[1]], similarity[there, : places.shape[1]] = there[places], cosine
    return Neighbours(index, similarity)


Rows = Callable[[Tensor], Tensor]
"""From items `[b]` to their rows, dense, `[b, D]` float32."""
Multiply = Callable[[Tensor], Tensor]
"""From rows `[b, D]` to their products with some of the items, `[b, G]`."""


def _dense_product(values: Tensor, items: Tensor) -> Multiply:
    values = values if len(items) == len(values) else values[items]
    return lambda rows: rows @ values.T


def _bag_rows(values: Tensor) -> Rows:
    start, words, counts = _parts(values)

    def dense_rows(items: Tensor) -> Tensor:
        lengths, places = _entries(start, items.cpu())
        row = torch.repeat_interleave(torch.arange(len(items)), lengths)
        block = torch.zeros(len(items), values.shape[1])
        block.index_put_((row, words[places]), counts[places], accumulate=True)
        return block.to(values.device)

    return dense_rows


def _bag_product(values: Tensor, items: Tensor) -> Multiply:
    start, words, counts = _parts(values)
    lengths, places = _entries(start, items.cpu())
    crow = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    matrix = ConstantCSR(crow, words[places], counts[places], values.shape[1]).to(values.device)
    return lambda rows: (matrix @ rows.T).T.contiguous()


def _parts(bag: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    cpu = bag.cpu()
    return cpu.crow_indices(), cpu.col_indices(), cpu.values().float()


def _entries(start: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
    """How many entries each item's row has, `[b]`, and where they stand, one row after the other."""
    lengths = start.diff()[items]
    before = torch.repeat_interleave(start[items] - lengths.cumsum(0) + lengths, lengths)
    return lengths, torch.arange(len(before)) + before


def _fingerprints(rows: Tensor) -> Tensor:
    """`[b]` int64, equal for equal rows and, but for a negligible chance, for no others."""
    generator = torch.Generator().manual_seed(0)
    factor = torch.randint(-(2**63), 2**63 - 1, rows.shape[1:], generator=generator).to(rows.device)
    return ((rows + 0.0).view(torch.int32) * factor).sum(1)  # adding 0.0 makes -0.0 equal to it


def _kinds(fingerprints: Tensor) -> tuple[Tensor, Tensor]:
    """`[G]` the lowest item of each kind, in rising order, and `[n]` the kind of each item."""
    found, kind = fingerprints.unique(return_inverse=True)
    everyone = torch.arange(len(kind), device=kind.device)
    lowest = torch.full_like(found, len(kind)).scatter_reduce_(0, kind, everyone, "amin")
    first, order = lowest.sort()
    return first, torch.empty_like(order).scatter_(0, order, everyone[: len(order)])[kind]


def _lowest_copies(kind: Tensor, count: int) -> Tensor:
    """`[G, at most count]` the lowest items of each kind, n past the end."""
    sizes, order = kind.bincount(), kind.argsort(stable=True)
    within = torch.arange(min(count, int(sizes.max())), device=kind.device)
    places = (sizes.cumsum(0) - sizes).unsqueeze(1) + within
    return torch.where(within < sizes.unsqueeze(1), order[places.clamp(max=len(kind) - 1)], len(kind))


def _expanded(chosen: Tensor, rough: Tensor, copies: Tensor, past: int, count: int) -> tuple[Tensor, Tensor]:
    """From each row's best kinds to its best items `[b, K]`, best first, ties to the lower item; and where in `chosen`
    these items' kinds stand.

    The K best kinds hold the K best items, ties included: a kind that is left out has K others before it that are as
    near or nearer, each with an item lower than all of its own or nearer than these.

    Args:
        chosen, rough: `[b, K]` kinds and how near they are.
        copies: the lowest items of each kind, `past` where there are no more.
        count: K, or fewer where there are fewer items.
    """
    width = copies.shape[1]
    items, order = copies[chosen].flatten(1).sort(dim=1, stable=True)
    at = order // width
    near = rough.gather(1, at).masked_fill_(items == past, -torch.inf)
    order = near.sort(dim=1, descending=True, stable=True).indices[:, :count]
    return items.gather(1, order), at.gather(1, order)


def _with_itself(places: Tensor, cosine: Tensor) -> tuple[Tensor, Tensor]:
    """Each item's best `[n, K]` and their cosines, itself first and the others by cosine, ties to the lower item.

    Rounding or copies may have pushed the item itself out: it then takes the place of the last.
    """
    mine = torch.arange(len(places), device=places.device).unsqueeze(1)
    missing = (places != mine).all(1)
    places[missing, -1] = mine[missing, 0]
    cosine = cosine.masked_fill(places == mine, torch.inf)
    places, order = places.sort(dim=1)
    cosine, order = cosine.gather(1, order).sort(dim=1, descending=True, stable=True)
    return places.gather(1, order), cosine.clamp(max=1)


def _greatest(similarity: Tensor, count: int) -> Tensor:
    """`[b, K]` the columns of each row's greatest numbers, ties to the lower column; in rising order."""
    top, index = similarity.topk(min(count + 1, similarity.shape[1]), dim=1)
    if top.shape[1] > count:
        least, index = top[:, count - 1], index[:, :count]
        cut = ((least == top[:, count]) & (least > -torch.inf)).nonzero().squeeze(1)  # topk took some of equals
        if len(cut):
            index[cut] = _lowest(similarity[cut], least[cut].unsqueeze(1), count)
    return index.sort(dim=1).values


def _lowest(similarity: Tensor, least: Tensor, count: int) -> Tensor:
    """`[b, K]` the columns above `least` and, of those equal to it, as many of the lowest as there is room for."""
    above, equal = similarity > least, similarity == least
    room = count - above.sum(1, keepdim=True)
    chosen = above | (equal & (equal.cumsum(1, dtype=torch.int32) <= room))
    return chosen.nonzero()[:, 1].view(-1, count)
