"""A process that runs commands under an audit hook and counts what it executes, opens, starts and connects to.

    python -m support.audited_commands FOLDER < commands.json

FOLDER holds all that the commands are given. The commands are groups of lists of arguments; what was counted of each
group is printed as JSON. The hook is below Python's own functions: nothing that is imported can avoid it.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn")
CONNECTS = ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto", "urllib.Request")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
SYSTEM = (
    "/proc/",
    "/sys/",
    "/dev/null",
    "/dev/urandom",
    "/dev/random",
    "/dev/shm",
    "/usr/share/zoneinfo",
    "/etc/localtime",
)
"""What Python and its libraries read of the machine."""


class Watch:
    """Counts events by kind; `examples` has the first of each kind that is not allowed."""

    def __init__(self, folder: Path) -> None:
        import graphrec

        package = Path(graphrec.__file__).parent
        # The cards of public datasets lie beside the package in a checkout.
        own = {str(package), str(package.parent / "datasets")}
        prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix} | own
        self.folder = os.path.realpath(folder)
        self.libraries = tuple(sorted(prefixes | {os.path.realpath(prefix) for prefix in prefixes}))
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, str] = {}
        self.on = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        self.counts["events"] += 1
        if event == "exec":
            self._execute(arguments[0])
        elif event == "open":
            self._open(*arguments)
        elif event in STARTS:
            self.note("started", f"{event}{arguments!r}")
        elif event in CONNECTS:
            self.note("connected", f"{event}{arguments!r}")

    def _execute(self, code: Any) -> None:
        name = getattr(code, "co_filename", "")
        if not name.startswith("<") and not self._below(name, self.libraries):
            self.note("executed", name)

    def _open(self, path: Any, mode: Any, flags: Any) -> None:
        if not isinstance(path, (str, bytes)):  # a descriptor of a file that was opened before
            return
        name = os.path.realpath(os.fsdecode(path))
        writes = isinstance(flags, int) and bool(flags & WRITES)
        allowed = (self.folder,) if writes else (self.folder, *self.libraries)
        if not self._below(name, allowed) and not name.startswith(SYSTEM):
            self.note("written" if writes else "opened", name)

    @staticmethod
    def _below(name: str, folders: tuple[str, ...]) -> bool:
        return any(name == folder or name.startswith(folder + os.sep) for folder in folders)

    def note(self, kind: str, example: str) -> None:
        self.counts[kind] += 1
        self.examples.setdefault(kind, example)


def main() -> None:
    folder = Path(sys.argv[1])
    groups = json.loads(sys.stdin.read())
    from graphrec.cli import main as run

    # What the commands import is loaded before the watch begins: the rest is what the data brings about.
    for arguments in (["list", "backbones"], ["list", "metrics"]):
        _call(run, arguments)
    import graphrec.refutation
    import graphrec.report.run_page
    import graphrec.runs.train
    import graphrec.tuning  # noqa: F401

    watch = Watch(folder)
    sys.addaudithook(watch)
    os.chdir(folder)
    print(json.dumps([_counted(watch, run, commands) for commands in groups]))


def _counted(watch: Watch, run: Any, commands: list[list[str]]) -> dict[str, Any]:
    watch.counts, watch.examples = Counter(), {}
    statuses = Counter[str]()
    for arguments in commands:
        watch.on = True
        status, error = _call(run, arguments)
        watch.on = False
        statuses[str(status)] += 1
        if "Traceback" in error:
            watch.note("tracebacks", f"{arguments}: {error[-300:]}")
    return {"statuses": statuses, "counts": watch.counts, "examples": watch.examples}


def _call(run: Any, arguments: list[str]) -> tuple[object, str]:
    out, err = StringIO(), StringIO()
    sys.argv = ["graphrec", *arguments]
    with redirect_stdout(out), redirect_stderr(err):
        try:
            run()
        except SystemExit as end:
            return end.code, err.getvalue()
        except BaseException as error:
            return type(error).__name__, f"Traceback {error!r}"
    return None, err.getvalue()


if __name__ == "__main__":
    main()
