"""Item-item neighbourhoods: the nearest items by cosine similarity, and the sparse matrix of these neighbours."""

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
"""Bytes that one cell of a block takes at most: its similarity, and the copies and counts that break ties."""


@dataclass(frozen=True)
class Neighbours:
    """The nearest items of each item by cosine similarity, best first.

    The item itself comes first. Among items of equal similarity the lower number comes first.

    Args:
        index: `[I, K]` int64 item numbers. Past the end of a row they are -1: an item without features has no
            neighbours, and fewer than K items may have features.
        similarity: `[I, K]` float32, 0 where `index` is -1.

    Raises:
        DataError: the shapes differ, or an item is out of range.

    Example:
        >>> index = torch.tensor([[0, 1], [1, 0], [-1, -1]])  # item 2 has no features
        >>> near = Neighbours(index, similarity=torch.tensor([[1.0, 0.5], [1.0, 0.5], [0.0, 0.0]]))
        >>> near.matrix("equal", "row").matrix.tensor.to_dense().tolist()
        [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]
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

            row         D^-1 A
            symmetric   D^-1/2 A D^-1/2

        D is the diagonal of the row sums of A. `symmetric` takes row sums on both sides, as published code does,
        although A itself is not symmetric. Where every item has K neighbours of equal weight this is A / K. A row that
        sums to zero stays zero.

        Args:
            weights: the entries of A. `equal`: 1 for each neighbour, also where its similarity is negative. `cosine`:
                the similarity, with 0 in place of negative values.
            scaling: `row` or `symmetric`.
        """
        columns, order = self.index.cpu().sort(dim=1)  # CSR rows have sorted columns; neighbours are sorted by rank
        entries = self.similarity.cpu().double().clamp(min=0) if weights == "cosine" else torch.ones(columns.shape)
        entries = torch.where(columns < 0, 0.0, entries.double().gather(1, order))
        total = entries.sum(1)
        power = -1.0 if scaling == "row" else -0.5
        factor = torch.where(total > 0, total.pow(power), 0.0)
        entries = entries * factor.unsqueeze(1)
        if scaling == "symmetric":
            # Where there is no neighbour the entry is 0 already, so that any item's factor will do.
            entries = entries * factor[columns.clamp(min=0)]
        exists = columns >= 0
        crow = torch.zeros(len(columns) + 1, dtype=torch.int64)
        crow[1:] = exists.sum(1).cumsum(0)
        return ConstantCSR(crow, columns[exists], entries[exists].float(), len(columns)).to(self.index.device)


@torch.no_grad()
def nearest(values: Tensor, mask: Tensor, count: int, *, block_bytes: int = 64 * 2**20) -> Neighbours:
    """The `count` nearest items of each item by cosine similarity, the item itself included.

    Similarities are computed for one block of items against all items at a time, so that no `[I, I]` matrix exists.
    Items with equal features are searched once, as one group. For a bag the block is dense and is multiplied by the
    sparse matrix.

    An item whose mask is False or whose row is zero has no neighbours and is no neighbour. Two items of a bag without a
    common word have similarity 0 and may be neighbours. Items with equal features have similarities that are equal to
    the bit. No similarity depends on the numbering of the items.

    Args:
        values: `[I, D]` dense or sparse CSR.
        mask: `[I]` bool, the items that have features.
        count: K, at least 1.
        block_bytes: the memory that a block may take, approximately; at least one row of I or D numbers is taken.

    Raises:
        DataError: `values` are not finite, `mask` has another length, or `count` is below 1.

    Example:
        >>> import torch
        >>> features = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 0.2], [0.0, 0.0]])
        >>> nearest(features, torch.ones(4, dtype=torch.bool), count=2).index.tolist()  # a zero row has no direction
        [[0, 2], [1, 2], [2, 0], [-1, -1]]
    """
    items, width = values.shape
    if count < 1 or mask.shape != (items,):
        raise DataError(
            "the search for nearest items has wrong arguments",
            expected=f"a count of at least 1 and a mask [{items}]",
            got=f"count {count}, mask {list(mask.shape)}",
        )
    is_bag = values.layout == torch.sparse_csr
    values = values if is_bag else values.float()
    dense_rows = _bag_rows(values) if is_bag else values.__getitem__
    block = max(1, block_bytes // (CELL_BYTES * max(items, width, 1)))
    norm = torch.cat([dense_rows(rows).norm(dim=1) for rows in torch.arange(items, device=values.device).split(block)])
    if not bool(norm.isfinite().all()):
        raise DataError("features are not finite", expected="finite numbers", got="nan, infinity, or too large numbers")
    index = torch.full((items, count), -1, device=values.device)
    similarity = torch.zeros(items, count, device=values.device)
    members = (mask.to(values.device) & (norm > 0)).nonzero().squeeze(1)  # below, positions are numbers in this list
    if not len(members):
        return Neighbours(index, similarity)

    def unit_rows(rows: Tensor) -> Tensor:
        return dense_rows(rows) / norm[rows].unsqueeze(1)

    first, group = _groups(torch.cat([_fingerprints(unit_rows(rows)) for rows in members.split(block)]))
    copies, groups = _lowest_copies(group, count), members[first]
    multiply = (_bag_product if is_bag else _dense_product)(values, groups)
    best_positions, best_cosines = [], []
    for rows in groups.split(block):
        anchors = unit_rows(rows)
        approximate = multiply(anchors).div_(norm[groups])
        chosen = _greatest(approximate, min(count, len(groups)))
        approximate = cosine = approximate.gather(1, chosen)
        if not is_bag:
            # Pair by pair: the last bit of a dense matrix product depends on the row and column of an item, and so on
            # the numbering of the items. A sparse product sums in the order of the words and does not.
            cosine = torch.stack([(anchors * unit_rows(near)).sum(1) for near in groups[chosen].T], dim=1)
        positions, column = _expanded(chosen, approximate, copies, len(members), min(count, len(members)))
        best_positions.append(positions)
        best_cosines.append(cosine.clamp(-1, 1).gather(1, column))  # rounding may exceed 1 in absolute value
    positions, cosine = _with_itself(torch.cat(best_positions)[group], torch.cat(best_cosines)[group])
    index[members, : positions.shape[1]], similarity[members, : positions.shape[1]] = members[positions], cosine
    return Neighbours(index, similarity)


RowReader = Callable[[Tensor], Tensor]
"""From item numbers `[b]` to their dense rows `[b, D]` float32."""
RowProduct = Callable[[Tensor], Tensor]
"""From rows `[b, D]` to their inner products with G items, `[b, G]`."""


def _dense_product(values: Tensor, items: Tensor) -> RowProduct:
    values = values if len(items) == len(values) else values[items]
    return lambda rows: rows @ values.T


def _bag_rows(values: Tensor) -> RowReader:
    start, words, counts = _csr_arrays(values)

    def dense_rows(items: Tensor) -> Tensor:
        lengths, entries = _entries(start, items.cpu())
        row = torch.repeat_interleave(torch.arange(len(items)), lengths)
        block = torch.zeros(len(items), values.shape[1])
        block.index_put_((row, words[entries]), counts[entries], accumulate=True)
        return block.to(values.device)

    return dense_rows


def _bag_product(values: Tensor, items: Tensor) -> RowProduct:
    start, words, counts = _csr_arrays(values)
    lengths, entries = _entries(start, items.cpu())
    crow = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    matrix = ConstantCSR(crow, words[entries], counts[entries], values.shape[1]).to(values.device)
    return lambda rows: (matrix @ rows.T).T.contiguous()


def _csr_arrays(bag: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    cpu = bag.cpu()
    return cpu.crow_indices(), cpu.col_indices(), cpu.values().float()


def _entries(start: Tensor, items: Tensor) -> tuple[Tensor, Tensor]:
    """The number of entries in each item's row, `[b]`, and the positions of these entries, row after row."""
    lengths = start.diff()[items]
    offset = torch.repeat_interleave(start[items] - lengths.cumsum(0) + lengths, lengths)
    return lengths, torch.arange(len(offset)) + offset


def _fingerprints(rows: Tensor) -> Tensor:
    """`[b]` int64 hashes: equal for equal rows, different for different rows except with negligible probability."""
    generator = torch.Generator().manual_seed(0)
    factor = torch.randint(-(2**63), 2**63 - 1, rows.shape[1:], generator=generator).to(rows.device)
    # The hash is taken of the bits, and -0.0 has other bits than 0.0; adding 0.0 turns it into 0.0.
    return ((rows + 0.0).view(torch.int32) * factor).sum(1)


def _groups(fingerprints: Tensor) -> tuple[Tensor, Tensor]:
    """Groups of items with equal features: `[G]` the lowest member of each, in rising order, and `[n]` each item's
    group."""
    values, group = fingerprints.unique(return_inverse=True)
    everyone = torch.arange(len(group), device=group.device)
    lowest = torch.full_like(values, len(group)).scatter_reduce_(0, group, everyone, "amin")
    # `unique` sorts by fingerprint; groups are renumbered by their lowest member, so that ties go to the lower item.
    first, order = lowest.sort()
    return first, torch.empty_like(order).scatter_(0, order, everyone[: len(order)])[group]


def _lowest_copies(group: Tensor, count: int) -> Tensor:
    """`[G, at most count]` the lowest items of each group, n past the end."""
    sizes, order = group.bincount(), group.argsort(stable=True)
    within = torch.arange(min(count, int(sizes.max())), device=group.device)
    positions = (sizes.cumsum(0) - sizes).unsqueeze(1) + within
    return torch.where(within < sizes.unsqueeze(1), order[positions.clamp(max=len(group) - 1)], len(group))


def _expanded(chosen: Tensor, approximate: Tensor, copies: Tensor, past: int, count: int) -> tuple[Tensor, Tensor]:
    """From each row's best groups to its best items `[b, K]`, best first, ties to the lower item, and the column in
    `chosen` of each item's group.

    The K best groups contain the K best items, ties included. A group that is left out has K groups before it that are
    as near or nearer. Each of these has an item that is nearer, or as near and lower than all items of the group.

    Args:
        chosen: `[b, K]` groups.
        approximate: `[b, K]` their similarities.
        copies: the lowest items of each group, `past` where there are no more.
        count: K, or fewer where there are fewer items.
    """
    width = copies.shape[1]
    items, order = copies[chosen].flatten(1).sort(dim=1, stable=True)
    column = order // width
    similarity = approximate.gather(1, column).masked_fill_(items == past, -torch.inf)
    order = similarity.sort(dim=1, descending=True, stable=True).indices[:, :count]
    return items.gather(1, order), column.gather(1, order)


def _with_itself(positions: Tensor, cosine: Tensor) -> tuple[Tensor, Tensor]:
    """Each item's best `[n, K]` and their cosines: itself first, then by cosine, ties to the lower item.

    Rounding or copies may have pushed the item itself out. It then replaces the last.
    """
    itself = torch.arange(len(positions), device=positions.device).unsqueeze(1)
    missing = (positions != itself).all(1)
    positions[missing, -1] = itself[missing, 0]
    cosine = cosine.masked_fill(positions == itself, torch.inf)  # first in the sort below, even among equal cosines
    positions, order = positions.sort(dim=1)
    cosine, order = cosine.gather(1, order).sort(dim=1, descending=True, stable=True)
    return positions.gather(1, order), cosine.clamp(max=1)


def _greatest(similarity: Tensor, count: int) -> Tensor:
    """`[b, K]` the columns of each row's greatest numbers in rising order; ties go to the lower column."""
    top, index = similarity.topk(min(count + 1, similarity.shape[1]), dim=1)
    if top.shape[1] > count:
        least, index = top[:, count - 1], index[:, :count]
        # Where the number after the last is equal to it, `topk` took an arbitrary choice of the equal numbers.
        tied = ((least == top[:, count]) & (least > -torch.inf)).nonzero().squeeze(1)
        if len(tied):
            index[tied] = _lowest(similarity[tied], least[tied].unsqueeze(1), count)
    return index.sort(dim=1).values


def _lowest(similarity: Tensor, least: Tensor, count: int) -> Tensor:
    """`[b, K]` the columns above `least`, filled up with the lowest columns that are equal to it."""
    above, equal = similarity > least, similarity == least
    room = count - above.sum(1, keepdim=True)
    chosen = above | (equal & (equal.cumsum(1, dtype=torch.int32) <= room))
    return chosen.nonzero()[:, 1].view(-1, count)
