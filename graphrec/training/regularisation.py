"""L2 as the BPR literature has it: on the embedding rows of a batch, not on all rows in every step."""

from __future__ import annotations

import torch
from torch import Tensor

from graphrec.errors import RecipeError
from graphrec.recommender import Recommender
from graphrec.training.objective import Batch


def row_penalty(model: Recommender, batch: Batch, num_users: int, num_items: int) -> Tensor:
    """Half the squared norm of the embedding rows of the batch's users and items, a mean over its pairs.

    Tables of users, of items and of both (users first) are recognised by their number of rows. Others are not penalised
    here, nor are tables of words (`words_...`) of any size: they count as matrices.

    >>> import torch
    >>> from graphrec.testing.small_model import first_batches, small_model
    >>> from graphrec.training.regularisation import row_penalty, row_tables
    >>> model, graph = small_model("bpr")
    >>> for table in row_tables(model, graph.num_users, graph.num_items):
    ...     _ = torch.nn.init.ones_(table)
    >>> row_penalty(model, first_batches(model, graph)[0], graph.num_users, graph.num_items).item()
    7.0
    """
    batch = batch.to(next(model.parameters()).device)
    items = [batch.items] if batch.negatives is None else [batch.items, batch.negatives]
    total = batch.users.new_zeros((), dtype=torch.get_default_dtype())
    for table in row_tables(model, num_users, num_items):
        if table.shape[0] != num_items:
            total = total + table[batch.users].pow(2).sum()
        if table.shape[0] != num_users:
            # 0 in a table of items; U in a table of both, where items follow the users.
            shift = table.shape[0] - num_items
            total = total + torch.stack([table[rows + shift].pow(2).sum() for rows in items]).sum()
    return total / (2 * len(batch.users))


def row_tables(model: Recommender, num_users: int, num_items: int) -> list[Tensor]:
    """The trained tables with a row a user, a row an item, or both.

    Raises:
        RecipeError: there are as many users as items, so that their tables have equal shapes.

    >>> from graphrec.testing.small_model import small_model
    >>> from graphrec.training.regularisation import row_tables
    >>> model, graph = small_model("bpr")
    >>> [list(table.shape) for table in row_tables(model, graph.num_users, graph.num_items)]
    [[18, 4], [11]]
    """
    if num_users == num_items:
        raise RecipeError(
            "decay of rows cannot distinguish tables of users from tables of items",
            expected="different numbers of users and items",
            got=f"{num_users} of each",
            where="training.decay",
            next_step="use training.decay=all",
        )
    sizes = (num_users, num_items, num_users + num_items)
    groups = [group.items() for group in model.tables.values()]  # type: ignore[operator]
    tables = [table for group in groups for name, table in group if not name.startswith("words_")]
    tables += list(model.decoder.parameters(recurse=False))
    return [table for table in tables if table.requires_grad and table.shape[0] in sizes]
