"""Seeding: every use of chance has a random stream with a name of its own.

So a new use of chance does not shift the numbers that the others draw.
"""

from __future__ import annotations

import hashlib
import zlib

import numpy as np
import torch


def derive_seed(seed: int, *names: object) -> int:
    """A 63-bit seed for the stream called `names`, by hashing; equal on every machine and Python version.

    >>> derive_seed(0, "negatives", "click", 1)
    3520107243077311791
    """
    text = "/".join(str(name) for name in (seed, *names))
    # Python's own `hash` of text differs from process to process. The shift leaves 63 bits, which fit a signed integer.
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *names: object) -> torch.Generator:
    """A CPU generator for the stream called `names`.

    A stream whose name has the epoch in it needs no state in a checkpoint: a run that resumes at an epoch draws the
    same numbers as one that was never interrupted.

    >>> first, again = generator(0, "negatives", "click", 1), generator(0, "negatives", "click", 1)
    >>> torch.rand(2, generator=first).equal(torch.rand(2, generator=again))
    True
    """
    return torch.Generator().manual_seed(derive_seed(seed, *names))


def numpy_generator(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """A NumPy generator for the stream called `name`, where torch is not needed, as in simulated worlds.

    >>> numpy_generator(0, "users").integers(10, size=3).tolist()
    [0, 7, 4]
    """
    # `spawn_key` takes integers only, so the name becomes a checksum.
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()), *numbers)))
