"""The working folder is not searched for modules: a file there that is called like a package would run."""

from __future__ import annotations

import os
import sys


def leave_working_folder() -> None:
    """Take the working folder off the path that Python searches, unless PYTHONPATH names it.

    `python -m graphrec` puts it there. Packages that are optional, such as torch_scatter, would be looked for in it.

    >>> from unittest.mock import patch
    >>> with patch.object(sys, "path", ["", os.getcwd(), "/usr/lib/python3"]):
    ...     leave_working_folder()
    ...     sys.path
    ['/usr/lib/python3']
    """
    here = os.path.realpath(os.getcwd())
    chosen = {os.path.realpath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path}
    installed = _editable()
    if here in chosen or here in installed:
        return
    sys.path[:] = [path for path in sys.path if path and os.path.realpath(path) != here]


def _editable() -> set[str]:
    """Where this package itself is imported from: a checkout that is installed as it lies."""
    return {os.path.realpath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))}
