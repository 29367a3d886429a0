"""Simulating and preparing a full-size twin of Tiktok: seconds and peak memory, each step in a process of its own.

    python benchmarks/speed/simulation.py [--exposure-bias B] [--popularity-tail P]

18,855 users, 34,756 items, 240 shown to each: about 1.5 million clicks. Uniform showing by default.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

SIZE = {"users": 18_855, "items": 34_756, "shown": 240}


def timed(name: str, *arguments: str) -> None:
    """Run a graphrec command and print what it took."""
    started, before = time.perf_counter(), cpu_seconds()
    subprocess.run([sys.executable, "-m", "graphrec.cli", *arguments], check=True, stdout=subprocess.DEVNULL)
    # The peak of the largest child so far; the steps grow, so it is this one's.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    wall, cpu = time.perf_counter() - started, cpu_seconds() - before
    print(f"{name}: {wall:.0f} s wall, {cpu:.0f} s of processor, peak memory so far {peak:.1f} GiB", flush=True)


def cpu_seconds() -> float:
    """What all finished children have used: unlike wall time it does not grow with what else the machine does."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main(
    exposure_bias: Annotated[float, typer.Option(help="As the world's setting.")] = 0.0,
    popularity_tail: Annotated[float, typer.Option(help="As the world's setting.")] = 0.0,
) -> None:
    parameters = SIZE | {"exposure_bias": exposure_bias, "popularity_tail": popularity_tail}
    settings = [part for key, value in parameters.items() for part in ("--set", f"{key}={value}")]
    threads = os.environ.get("OMP_NUM_THREADS", "as many as cores")
    print(
        f"{SIZE}, {os.cpu_count()} cores, threads: {threads}, bias and tail {exposure_bias:g} and {popularity_tail:g}"
    )
    with tempfile.TemporaryDirectory() as folder:
        raw, prepared = Path(folder, "raw"), Path(folder, "prepared")
        timed("simulate", "simulate", "tiktok", "--out", str(raw), *settings)
        timed("prepare", "prepare", "tiktok", "--raw", str(raw), "--out", str(prepared))


if __name__ == "__main__":
    typer.run(main)
