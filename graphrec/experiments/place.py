"""The folder of a benchmark: one process at a time, one set of options for good."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from graphrec.errors import RunError
from graphrec.files import hold, read_json, write_json

MARKER, LOCK, PREPARED = "benchmark.json", ".lock", "prepared"


@contextmanager
def hold_place(out: str | Path, options: Mapping[str, str]) -> Iterator[Path]:
    """Hold the folder `out` for a benchmark with these options; yields the folder.

    What was begun there is gone on with by a benchmark with the same options alone.

    Args:
        options: all that a result depends on and that is not checked elsewhere. (Prepared data is checked against its
            raw files, a run against its recipe; seeds may be added.)

    Raises:
        RunError: another process works there; `out` holds a benchmark with other options, or something else.
    """
    out = Path(out)
    marker = out / MARKER
    if out.is_file() or (out.is_dir() and not marker.is_file() and any(one.name != LOCK for one in out.iterdir())):
        raise RunError(
            "not a place for a benchmark",
            expected=f"a new folder, or one with {MARKER} in it",
            got="a file" if out.is_file() else "a folder with other content",
            where=out,
            next_step="choose another --out",
        )
    out.mkdir(parents=True, exist_ok=True)
    with hold(out / LOCK):
        begun = marker.is_file() and (out / PREPARED).exists()  # nothing is mixed where there is no data yet
        if begun and (known := read_json(marker)) != dict(options):
            raise RunError(
                "the folder holds a benchmark with other options",
                expected=_text({key: value for key, value in known.items() if options.get(key) != value}),
                got=_text({key: value for key, value in options.items() if known.get(key) != value}),
                where=out,
                next_step="choose another --out, or remove the folder",
            )
        write_json(marker, dict(options))
        yield out


def _text(options: Mapping[str, str]) -> str:
    return json.dumps(options)
