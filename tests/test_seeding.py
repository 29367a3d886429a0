"""Named random streams."""

from __future__ import annotations

import torch

from graphrec.seeding import derive_seed, generator


def test_the_same_name_gives_the_same_numbers_everywhere() -> None:
    assert derive_seed(0, "init") == 7797302695267191734  # another value would change every published run
    assert torch.equal(torch.rand(5, generator=generator(3, "a", 1)), torch.rand(5, generator=generator(3, "a", 1)))


def test_seed_and_every_part_of_the_name_matter() -> None:
    names: list[tuple[object, ...]] = [("a",), ("b",), ("a", 1), ("a", 2), (1, "a")]
    seeds = {derive_seed(seed, *name) for name in names for seed in (0, 1)}
    assert len(seeds) == 10
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_using_one_stream_does_not_shift_another() -> None:
    expected = torch.rand(3, generator=generator(0, "negatives"))
    other = generator(0, "batches")
    torch.rand(100, generator=other)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(3, generator=generator(0, "negatives")), expected)
