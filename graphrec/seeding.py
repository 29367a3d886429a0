"""Named random streams: every use of chance has its own, so that adding one never shifts another."""

from __future__ import annotations

import hashlib

import torch


def stream_seed(seed: int, *names: object) -> int:
    """A 63-bit seed for the stream called `names`, by hashing; equal on every machine and Python version."""
    text = "/".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def stream(seed: int, *names: object) -> torch.Generator:
    """A CPU generator for the stream called `names`, such as `stream(0, "negatives", "click", epoch)`.

    A stream that is keyed by the epoch has no state to save: an interrupted run that goes on at an epoch draws the
    same numbers as one that was never interrupted.
    """
    return torch.Generator().manual_seed(stream_seed(seed, *names))
