"""Peak memory and seconds of reading a log against its rows: graphrec's sources, and pandas.read_csv beside them.

    python benchmarks/speed/reading.py [--rows 1e5,1e6,4e6,2e7] [--table-rows 4e6] [--out benchmarks/results/speed]

The log is drawn in the layout of Taobao's UserBehavior.csv (a hundred rows a user, 25 an item); the same rows with a
header make the table. Each reading is a process of its own: its peak is the largest resident memory less what the
imports alone take. The result is what the reader hands on (events and ids; for pandas the frame).
Writes reading.csv, reading.md and reading.svg.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from matplotlib.figure import Figure

from graphrec.system.owned_folder import claim_if_new, write_own_text

READERS = {"userbehavior": "graphrec, `taobao`", "table": "graphrec, `table`", "pandas": "pandas.read_csv"}
COLUMNS = ["user", "item", "category", "behaviour", "time"]
NAMES = np.array(["pv", "cart", "fav", "buy"], dtype=object)
MIB = 1 << 20


def write_log(folder: Path, rows: int, header: bool) -> Path:
    """`UserBehavior.csv` with so many rows, drawn in pieces, with a first line of names where `header`."""
    random = np.random.default_rng(0)
    file = folder / "UserBehavior.csv"
    file.write_text(",".join(COLUMNS) + "\n" if header else "")
    for start in range(0, rows, MIB):
        count = min(MIB, rows - start)
        items = (random.random(count) ** 2 * (rows // 25)).astype(np.int64)
        piece = {
            "user": random.integers(rows // 100, size=count) + 1,
            "item": items + 1,
            "category": items % 9000 + 1,
            "behaviour": NAMES[random.choice(4, size=count, p=[0.9, 0.05, 0.03, 0.02])],
            "time": random.integers(1_511_539_200, 1_512_316_800, size=count),
        }
        pd.DataFrame(piece).to_csv(file, mode="a", header=False, index=False)
    return file


def read(reader: str, file: Path) -> int:
    """Read the file; gives the bytes of the result."""
    if reader == "pandas":
        return int(pd.read_csv(file, header=None, names=COLUMNS).memory_usage(deep=True).sum())
    from graphrec.data.sources import sources

    source = sources.get("taobao" if reader == "userbehavior" else "table")
    options = {"behaviour": "behaviour", "click": "pv", "like": "buy", "timestamp": "time"}
    dataset = source.load(
        file.parent if reader == "userbehavior" else file,
        source.Options() if reader == "userbehavior" else source.Options(**options),
    )
    ids = sum(sys.getsizeof(text) + 8 for text in (*dataset.user_ids, *dataset.item_ids))
    return int(dataset.interactions.memory_usage(deep=True).sum()) + ids


def resident(name: str) -> int:
    """Bytes now (VmRSS) or at most so far (VmHWM); getrusage would count what the parent held before the fork too."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{name}:")[1].split()[0]) * 1024


def child(reader: str, file: Path) -> None:
    """Print what one reading took, as JSON."""
    if reader != "pandas":
        import graphrec.data.sources  # noqa: F401
    before, started = resident("VmRSS"), time.perf_counter()
    size = read(reader, file)
    seconds, peak = time.perf_counter() - started, resident("VmHWM") - before
    print(json.dumps({"seconds": seconds, "peak": peak, "result": size}))


def measure(rows: int, readers: list[str]) -> list[dict[str, object]]:
    """One row of results for each reader."""
    measured = []
    for reader in readers:
        with tempfile.TemporaryDirectory() as folder:
            file = write_log(Path(folder), rows, header=reader == "table")
            command = [sys.executable, __file__, "--child", reader, "--file", str(file)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            measured.append({"reader": reader, "rows": rows, "bytes": file.stat().st_size, **json.loads(done.stdout)})
        print(measured[-1], flush=True)
    return measured


def slopes(table: pd.DataFrame) -> pd.DataFrame:
    """Bytes a row between the two largest logs of each reader: peak, result, and peak beyond it."""
    order = table.sort_values("rows").groupby("reader", sort=False)
    first, last = order.nth(-2).set_index("reader"), order.nth(-1).set_index("reader")
    step = last["rows"] - first["rows"]
    peak, result = ((last[name] - first[name]) / step for name in ("peak", "result"))
    return pd.DataFrame({"peak": peak, "result": result, "beyond": peak - result})


def write_tables(table: pd.DataFrame, out: Path) -> None:
    claim_if_new(out, "measurement")
    write_own_text(out / "reading.csv", table.to_csv(index=False))
    lines = [
        "# Reading a log: peak memory and seconds against rows",
        "",
        "Written by `python benchmarks/speed/reading.py`, one thread of a shared machine, whose seconds are rough.",
        "Peak: the largest resident memory of the reading process, less that after its imports.",
        "Result: the events and ids that the reader hands on; for pandas its frame.",
        "",
        "| reader | rows | file MiB | result MiB | peak MiB | seconds |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in table.itertuples():
        sizes = " | ".join(f"{size / MIB:,.0f}" for size in (row.bytes, row.result, row.peak))
        lines.append(f"| {READERS[row.reader]} | {row.rows:,} | {sizes} | {row.seconds:.1f} |")
    if table["rows"].nunique() > 1:
        lines += [
            "",
            "Slope between the two largest logs of each reader, bytes a row:",
            "",
            "| reader | peak | result | beyond the result |",
        ]
        lines.append("|---|---:|---:|---:|")
        for reader, row in slopes(table).iterrows():
            lines.append(f"| {READERS[str(reader)]} | {row.peak:.1f} | {row.result:.1f} | {row.beyond:.1f} |")
    write_own_text(out / "reading.md", "\n".join(lines) + "\n")


def draw(table: pd.DataFrame, out: Path) -> None:
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.subplots()
    for color, (reader, label) in zip(("#0072b2", "#d55e00", "#666666"), READERS.items()):
        own = table[table["reader"] == reader]
        axes.plot(own["rows"] / 1e6, own["peak"] / MIB, "o-", color=color, markersize=4, label=f"{label}: peak")
        axes.plot(own["rows"] / 1e6, own["result"] / MIB, ":", color=color, label=f"{label}: result")
    axes.set(xlabel="million rows", ylabel="MiB", ylim=(0, None), xlim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(out / "reading.svg", metadata={"Date": None, "Creator": None})


def _order(readers: pd.Series) -> pd.Series:
    return readers.map(list(READERS).index)


def main(
    rows: Annotated[str, typer.Option(help="Rows, separated by commas.")] = "1e5,1e6,4e6,2e7",
    table_rows: Annotated[str, typer.Option(help="Most rows for the slower table.")] = "4e6",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("runs/speed"),
    reader: Annotated[str, typer.Option("--child", hidden=True)] = "",
    file: Annotated[Path, typer.Option(hidden=True)] = Path(),
) -> None:
    if reader:
        child(reader, file)
        return
    measured = []
    for count in (int(float(text)) for text in rows.split(",")):
        measured += measure(count, [name for name in READERS if name != "table" or count <= float(table_rows)])
    table = pd.DataFrame(measured).sort_values("rows").sort_values("reader", key=_order, kind="stable")
    write_tables(table, out)
    draw(table, out)


if __name__ == "__main__":
    typer.run(main)
