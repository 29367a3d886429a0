"""Single files that graphrec writes where the user says, such as a page: what else is there is never overwritten."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from graphrec.errors import Argument, ForeignFileError, Phrase
from graphrec.system.files import replace_file
from graphrec.system.output_paths import require_output_file

_HTML = ("<!-- graphrec ", " -->")
COMMENTS = {".html": _HTML, ".htm": _HTML, ".svg": _HTML, ".md": _HTML, ".tex": ("% graphrec ", "")}
"""By suffix, how a comment begins and ends. Other formats have none: such a file is overwritten by `force` alone."""


def write_output(path: Path, text: str, kind: str, *, out: str = "out", force: bool = False) -> Path:
    """Write a text file for the user, atomically. Its last line says that graphrec wrote it, as what, with a digest.

    Args:
        kind: such as "report"; only a file that was written as the same kind, and not changed since, is overwritten.
        out: the argument that names the path, for the next step of an error.
        force: overwrite any file.

    Raises:
        ForeignFileError: something is there that was not written as this kind, or no file can be there.

    >>> for text in ("<p>old</p>", "<p>new</p>"):
    ...     _ = write_output(Path("page.html"), text, "report")
    >>> print(Path("page.html").read_text(), end="")  # doctest: +ELLIPSIS
    <p>new</p>
    <!-- graphrec report sha256:... -->
    >>> _ = Path("mine.html").write_text("<p>mine</p>")
    >>> write_output(Path("mine.html"), "<p>new</p>", "report")
    Traceback (most recent call last):
    graphrec.errors.ForeignFileError: will not overwrite a file that graphrec did not write as a report
      expected: a path where nothing is, or a report as it was written
      got: another file
      where: mine.html
      next step: choose another `out`, or overwrite it with `force=True`
    """
    path = Path(path)
    require_output(path, kind, out=out, force=force)
    content = text if text.endswith("\n") else text + "\n"
    with replace_file(path) as temporary:
        temporary.write_text(content + _last_line(path, kind, content), encoding="utf-8")
    return path


def require_output(path: Path, kind: str, *, out: str = "out", force: bool = False) -> None:
    """Refuse what `write_output` would refuse; for a command to ask before it computes.

    >>> require_output(Path("page.html"), "report")
    """
    path = Path(path)
    require_output_file(path, f"a {kind}", out)
    if force or not os.path.lexists(path) or _is_own(path, kind):
        return
    raise ForeignFileError(
        f"will not overwrite a file that graphrec did not write as a {kind}",
        expected=f"a path where nothing is, or a {kind} as it was written",
        got="another file",
        where=path,
        next_step=Phrase("choose another {}, or overwrite it with {}", Argument(out), Argument("force", True)),
    )


def _last_line(path: Path, kind: str, content: str) -> str:
    if path.suffix.lower() not in COMMENTS:
        return ""
    begin, end = COMMENTS[path.suffix.lower()]
    return f"{begin}{kind} sha256:{hashlib.sha256(content.encode()).hexdigest()}{end}\n"


def _is_own(path: Path, kind: str) -> bool:
    if path.suffix.lower() not in COMMENTS:
        return False
    begin, end = COMMENTS[path.suffix.lower()]
    try:
        content = path.read_bytes()
    except OSError:
        return False
    last = re.compile(
        re.escape(f"{begin}{kind} sha256:").encode() + b"([0-9a-f]{64})" + re.escape(end).encode() + b"\n"
    )
    start = content.rfind(b"\n", 0, -1) + 1
    match = last.fullmatch(content[start:])
    return match is not None and match[1].decode() == hashlib.sha256(content[:start]).hexdigest()
