"""Sources: importing this package registers every raw layout that graphrec reads."""

from graphrec.data.sources import alibaba, table, tiktok
from graphrec.data.sources.base import Source, SourceOptions, sources

__all__ = ["Source", "SourceOptions", "alibaba", "sources", "table", "tiktok"]
