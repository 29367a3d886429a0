"""How the commands and the benchmarks report mistakes: a message and status 2, not a traceback."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from graphrec.errors import Argument, Call, GraphrecError
from graphrec.system.shell import command, option


def in_shell(mention: Argument | Call) -> str:
    """An argument as an option, a call as a command.

    >>> in_shell(Argument("resume", False)), in_shell(Argument("split", option="result_set"))
    ('--no-resume', '--result-set')
    """
    if isinstance(mention, Call):
        return command(mention.command, *mention.operands, **mention.options)
    return option(mention.option or mention.name, mention.value)


@contextmanager
def handle_user_errors() -> Iterator[None]:
    """A mistake of the user's or a refusal by the system ends with a message and status 2, not with a traceback.

    >>> import sys
    >>> from contextlib import redirect_stderr, suppress
    >>> from graphrec.cli.errors import handle_user_errors
    >>> from graphrec.errors import ANOTHER_FOLDER, RunError
    >>> with redirect_stderr(sys.stdout), suppress(SystemExit), handle_user_errors():
    ...     raise RunError("the folder holds another run", where="runs/hcr", next_step=ANOTHER_FOLDER)
    error: the folder holds another run
      where: runs/hcr
      next step: choose another --out
    """
    try:
        yield
    except GraphrecError as error:
        _fail(error)
    except BrokenPipeError:  # the reader of our output has gone, as in `graphrec ... | head`
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:  # a full disk or a forbidden folder is no bug
        _fail(_refused(error))
    except Exception as error:
        from safetensors import SafetensorError

        from graphrec.system.failures import bytes_of_failure, out_of_memory

        if (size := bytes_of_failure(error)) is not None:
            _fail(out_of_memory("this command", size, None, "free memory, or ask for less, such as a smaller model"))
        if not isinstance(error, SafetensorError):
            raise
        # Readers turn theirs into typed errors, so this one could not write.
        _fail(_refused(OSError(str(error))))


def _fail(error: GraphrecError) -> NoReturn:
    typer.secho("error: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(error.worded(in_shell), err=True)
    sys.exit(2)


def _refused(error: OSError) -> GraphrecError:
    full, forbidden = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG), (errno.EACCES, errno.EPERM, errno.EROFS)
    steps = dict.fromkeys(full, "make room there, then call again") | dict.fromkeys(
        forbidden, "choose a folder that you may read and write"
    )
    return GraphrecError(
        "the system refused to read or write a file",
        got=error.strerror or str(error),
        where=error.filename2 or error.filename,  # of a renaming the second is what the user named
        next_step=steps.get(error.errno or 0, "check that path, then call again"),
    )
