"""Sources: importing this package registers every raw layout that graphrec reads."""

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
from graphrec.data.sources.base import Source, SourceOptions, sources

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
