"""Decoders: what the papers add on top of a graph network; importing this registers them all."""

from graphrec.decoders import causalrec, ct, esmm, hcr
from graphrec.decoders.base import (
    BlockLogits,
    Branches,
    Context,
    Decoder,
    DecoderConfig,
    Objective,
    PairLogits,
    Tower,
    decoders,
)

__all__ = [
    "BlockLogits",
    "Branches",
    "Context",
    "Decoder",
    "DecoderConfig",
    "Objective",
    "PairLogits",
    "Tower",
    "causalrec",
    "ct",
    "decoders",
    "esmm",
    "hcr",
]
