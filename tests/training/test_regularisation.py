"""L2 on the rows of a batch, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from graphrec.errors import RecipeError
from graphrec.testing.planted import NUM_ITEMS, NUM_USERS
from graphrec.training.loop import Trainer
from graphrec.training.objective import Batch
from graphrec.training.regularisation import row_penalty, row_tables

TrainerOf = Callable[..., Trainer]


def test_the_penalty_is_half_the_squared_rows_over_the_pairs(trainer_of: TrainerOf) -> None:
    model = trainer_of("ct").model
    batch = Batch(torch.tensor([3, 3]), torch.tensor([0, 5]), torch.tensor([7, 7]))
    expected = torch.tensor(0.0)
    for name, table in model.tables["shared"].items():
        if name.startswith("words"):
            continue
        expected = expected + 2 * table[3].pow(2).sum()
        if len(table) == NUM_USERS + NUM_ITEMS:
            expected = expected + sum(table[NUM_USERS + item].pow(2).sum() for item in (0, 5, 7, 7))
    torch.testing.assert_close(row_penalty(model, batch, NUM_USERS, NUM_ITEMS), expected / 4)


def test_rows_outside_the_batches_are_not_decayed(trainer_of: TrainerOf) -> None:
    """With a learning signal of nothing but L2, Adam moves exactly what the penalty touches."""
    trainer = trainer_of("ct", weight_decay=1.0, decay="rows")
    (tables, rest) = trainer.optimiser.param_groups[1], trainer.optimiser.param_groups[0]
    assert tables["weight_decay"] == 0 and rest["weight_decay"] == 1.0
    assert {id(p) for p in tables["params"]} == {id(t) for t in row_tables(trainer.model, NUM_USERS, NUM_ITEMS)}
    batch = Batch(torch.tensor([3]), torch.tensor([0]), torch.tensor([7]))
    row_penalty(trainer.model, batch, NUM_USERS, NUM_ITEMS).backward()
    ids = trainer.model.tables["shared"]["id"]
    touched = ids.grad.abs().sum(1).nonzero().flatten().tolist()
    assert touched == [3, NUM_USERS, NUM_USERS + 7]


def test_training_with_decayed_rows_runs_and_shrinks_them(trainer_of: TrainerOf) -> None:
    free, held = (trainer_of("ct", weight_decay=decay, decay="rows") for decay in (0.0, 0.5))
    for trainer in (free, held):
        trainer.run()
    norms = [trainer.model.tables["shared"]["id"].norm().item() for trainer in (free, held)]
    assert norms[1] < 0.8 * norms[0]


def test_a_table_of_words_is_told_from_users_and_items_even_at_their_number(trainer_of: TrainerOf) -> None:
    model = trainer_of("ct").model
    words = model.tables["shared"]["words_title"]
    assert len(words) not in (NUM_USERS, NUM_ITEMS)
    for sizes in ((len(words), NUM_ITEMS), (NUM_USERS, len(words))):
        assert all(table is not words for table in row_tables(model, *sizes))


def test_as_many_users_as_items_are_refused_as_their_tables_look_alike(trainer_of: TrainerOf) -> None:
    with pytest.raises(RecipeError, match=r"training\.decay"):
        row_tables(trainer_of("ct").model, NUM_ITEMS, NUM_ITEMS)
