"""Sources: importing this package registers every raw layout that graphrec reads."""

from graphrec.data.source import Source, SourceOptions, sources
from graphrec.data.sources import (
    alibaba,
    amazon,
    coat,
    kuairand,
    kuairec,
    kwai,
    mmrec,
    movielens,
    table,
    taobao,
    tiktok,
    yahoo_r3,
)

__all__ = [
    "Source",
    "SourceOptions",
    "alibaba",
    "amazon",
    "coat",
    "kuairand",
    "kuairec",
    "kwai",
    "mmrec",
    "movielens",
    "sources",
    "table",
    "taobao",
    "tiktok",
    "yahoo_r3",
]
