"""What the library logs, on stderr and in a file; `--verbose` and `--log-file` of every command."""

from __future__ import annotations

import functools
import inspect
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from graphrec.errors import Argument, ForeignFileError, Phrase
from graphrec.system.output_paths import require_output_file

LIBRARY = logging.getLogger("graphrec")
logger = logging.getLogger(__name__)

_FIRST_LINE = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+: ")
"""What a log of `--log-file` begins with."""


class _Terminal(logging.Handler):
    """Messages as they are, on whatever stderr is by then: a progress bar replaces it for a while."""

    def emit(self, record: logging.LogRecord) -> None:
        prefix = "warning: " if record.levelno == logging.WARNING else ""
        typer.echo(prefix + self.format(record), err=True)


@contextmanager
def show_logs() -> Iterator[None]:
    """Show what the library logs from INFO on; what `--verbose` and `--log-file` add ends with the context, too.

    >>> import logging, sys
    >>> from contextlib import redirect_stderr
    >>> from graphrec.cli.log import show_logs
    >>> with redirect_stderr(sys.stdout), show_logs():
    ...     logging.getLogger("graphrec.training").info("epoch 1/2")
    ...     logging.getLogger("graphrec.training").warning("the loss grows")
    ...     logging.getLogger("graphrec.training").debug("12 batches")
    epoch 1/2
    warning: the loss grows
    """
    level, handlers = LIBRARY.level, list(LIBRARY.handlers)
    terminal = _Terminal(logging.INFO)
    LIBRARY.addHandler(terminal)
    LIBRARY.setLevel(logging.INFO)
    try:
        yield
    finally:
        # Whatever was added inside is found here: `--log-file` adds its handler while a command runs.
        for handler in set(LIBRARY.handlers) - set(handlers):
            LIBRARY.removeHandler(handler)
            handler.close()
        LIBRARY.setLevel(level)


def _be_verbose() -> None:
    LIBRARY.setLevel(logging.DEBUG)
    for handler in LIBRARY.handlers:
        if isinstance(handler, _Terminal):
            handler.setLevel(logging.DEBUG)


def _log_to(path: Path) -> None:
    _require_log(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(path, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    LIBRARY.addHandler(file)
    LIBRARY.setLevel(logging.DEBUG)


def _require_log(path: Path) -> None:
    """Refuse to append to what is no log of graphrec's.

    Raises:
        ForeignFileError: it is another file, or no regular one.
    """
    log_file = Argument("log_file")
    require_output_file(path, "a log", log_file.name)
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as stream:
            first = stream.readline(1000)
        if not _FIRST_LINE.match(first):
            raise ForeignFileError(
                "will not append to what is no log of graphrec",
                expected="a path where nothing is, or a log that graphrec wrote",
                got="another file",
                where=path,
                next_step=Phrase("choose another {}", log_file),
            )


Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Print more of what happens, on stderr.")]
LogFile = Annotated[
    Path | None,
    typer.Option("--log-file", metavar="FILE", help="Append all messages, with times, to this file."),
]


def with_log_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command that also takes `--verbose` and `--log-file`, which its own function does not see.

    >>> import inspect
    >>> from graphrec.cli.log import with_log_options
    >>> def greet(name: str) -> None:
    ...     print("hello", name)
    >>> list(inspect.signature(with_log_options(greet)).parameters)
    ['name', 'verbose', 'log_file']
    >>> with_log_options(greet)(name="you", verbose=False, log_file=None)
    hello you
    """

    @functools.wraps(command)
    def run(*, verbose: bool, log_file: Path | None, **options: Any) -> None:
        if verbose:
            _be_verbose()
        if log_file is not None:
            _log_to(log_file)
        command(**options)

    # typer reads the options from the signature and the annotations of the function that it is given.
    annotations = get_type_hints(command, include_extras=True) | {"verbose": Verbose, "log_file": LogFile}
    parameters = dict(inspect.signature(command).parameters)
    for name, default in (("verbose", False), ("log_file", None)):
        parameters[name] = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
    typed = [parameter.replace(annotation=annotations[name]) for name, parameter in parameters.items()]
    run.__signature__ = inspect.Signature(typed)  # type: ignore[attr-defined]
    run.__annotations__ = annotations
    return run


def log_warning(message: Warning | str, *origin: Any, **more: Any) -> None:
    """In place of `warnings.showwarning`: a warning is a line, without the place in the code that gave it.

    >>> import sys
    >>> from contextlib import redirect_stderr
    >>> from graphrec.cli.log import log_warning, show_logs
    >>> with redirect_stderr(sys.stdout), show_logs():
    ...     log_warning(UserWarning("split.seed is ignored"))
    warning: split.seed is ignored
    """
    logger.warning("%s", message)
