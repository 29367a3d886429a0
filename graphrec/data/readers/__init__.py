"""Reading raw files. A source outside the package uses what is exported here; docs/extending.md has an example."""

from graphrec.data.readers.chunks import Chunk, Column, read_all, read_chunks
from graphrec.data.readers.events import EventBuilder
from graphrec.data.readers.raw_files import provenance, read_matrix, require_files

__all__ = [
    "Chunk",
    "Column",
    "EventBuilder",
    "provenance",
    "read_all",
    "read_chunks",
    "read_matrix",
    "require_files",
]
