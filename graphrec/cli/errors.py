"""How the commands and the benchmarks tell mistakes: a message and status 2, not a traceback."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer

from graphrec.errors import GraphrecError


@contextmanager
def mistakes_told() -> Iterator[None]:
    """What goes wrong by a mistake of the user's or by the system ends with a message and status 2, not a traceback."""
    try:
        yield
    except GraphrecError as error:
        _fail(error)
    except BrokenPipeError:  # the reader of our output has gone, as in `graphrec ... | head`
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # a full disk, a forbidden folder: not ours to mend, and no bug
        _fail(_refused(error))
    except Exception as error:
        from safetensors import SafetensorError

        if not isinstance(error, SafetensorError):
            raise
        # Readers turn theirs into typed errors, so this one could not write.
        _fail(_refused(OSError(str(error))))


def _fail(error: GraphrecError) -> NoReturn:
    typer.secho("error: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(str(error), err=True)
    sys.exit(2)


def _refused(error: OSError) -> GraphrecError:
    full, forbidden = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), (errno.EACCES, errno.EPERM, errno.EROFS)
    steps = dict.fromkeys(full, "make room there, then call again") | dict.fromkeys(
        forbidden, "choose a place that you may read and write"
    )
    return GraphrecError(
        "the system refused to read or write a file",
        got=error.strerror or str(error),
        where=error.filename2 or error.filename,  # of a renaming the second is what the user named
        next_step=steps.get(error.errno or 0, "check that path, then call again"),
    )


def show_warning(message: Warning | str, *place: Any, **more: Any) -> None:
    typer.echo(f"warning: {message}", err=True)
