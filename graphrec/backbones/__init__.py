"""Graph networks that turn the interaction graph into representations; importing this registers them all."""

from graphrec.backbones import lightgcn, mf, mmgcn
from graphrec.backbones.base import (
    FUSED,
    ID,
    Auxiliary,
    Backbone,
    BackboneConfig,
    IdBackboneConfig,
    Pairs,
    Representation,
    Representations,
    backbones,
    fuse,
)

__all__ = [
    "FUSED",
    "ID",
    "Auxiliary",
    "Backbone",
    "BackboneConfig",
    "IdBackboneConfig",
    "Pairs",
    "Representation",
    "Representations",
    "backbones",
    "fuse",
    "lightgcn",
    "mf",
    "mmgcn",
]
