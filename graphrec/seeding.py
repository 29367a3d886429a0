"""Seeding: every use of chance has a random stream of its own name, so that adding one never shifts another."""

from __future__ import annotations

import hashlib
import zlib

import numpy as np
import torch


def derive_seed(seed: int, *names: object) -> int:
    """A 63-bit seed for the stream called `names`, by hashing; equal on every machine and Python version."""
    text = "/".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, *names: object) -> torch.Generator:
    """A CPU generator for the stream called `names`, such as `generator(0, "negatives", "click", epoch)`.

    A stream that is keyed by the epoch has no state to save: an interrupted run that goes on at an epoch draws the
    same numbers as one that was never interrupted.
    """
    return torch.Generator().manual_seed(derive_seed(seed, *names))


def numpy_generator(seed: int, name: str, *numbers: int) -> np.random.Generator:
    """A NumPy generator for the stream called `name`, for what is drawn without torch, such as simulated worlds."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(name.encode()), *numbers)))
