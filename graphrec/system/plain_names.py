"""Names that become names of files: of modalities, branches, result sets. None may lead out of its folder."""

from __future__ import annotations

from graphrec.errors import DataError


def require_plain_name(name: str, where: object = None) -> str:
    """The name, if it can be the name of a file or folder and no more than that.

    Raises:
        DataError: it has a separator, a control character or a colon, begins with a dot, or is empty or too long.

    >>> require_plain_name("visual")
    'visual'
    >>> require_plain_name("../user")
    Traceback (most recent call last):
    graphrec.errors.DataError: a name that cannot be the name of a file
      expected: a name without separators, that does not begin with a dot
      got: `../user`
    """
    plain = isinstance(name, str) and 0 < len(name.encode(errors="replace")) <= 200 and name[0] != "."
    if not plain or any(letter in "/\\:" or not letter.isprintable() for letter in name):
        raise DataError(
            "a name that cannot be the name of a file",
            expected="a name without separators, that does not begin with a dot",
            got=f"`{name}`",
            where=where,
        )
    return name
