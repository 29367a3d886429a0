"""Parquet files that unpack to far more than they hold are refused; honest ones that pack well are read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphrec.data.prepare import prepare
from graphrec.data.store import load
from graphrec.errors import DataError
from graphrec.system.parquet_bounds import require_bounded


def constant(rows: int, value: str = "x") -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int32)), [value])


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
@pytest.mark.parametrize("columns", [2, 9])
def test_millions_of_equal_rows_in_a_small_file_are_refused(tmp_path: Path, compression: str, columns: int) -> None:
    table = pa.table({("user", "item", *map(str, range(7)))[number]: constant(4_000_000) for number in range(columns)})
    pq.write_table(table, tmp_path / "log.parquet", compression=compression)
    with pytest.raises(DataError, match="declares more than its size can hold"):
        prepare("table", tmp_path / "log.parquet", tmp_path / "prepared")


def test_a_value_of_a_hundred_megabytes_in_a_small_file_is_refused(tmp_path: Path) -> None:
    table = pa.table({"user": ["a" * 100_000_000], "item": ["x"]})
    pq.write_table(table, tmp_path / "log.parquet", compression="zstd", use_dictionary=False)
    assert (tmp_path / "log.parquet").stat().st_size < 100_000
    with pytest.raises(DataError, match="bytes when unpacked"):
        prepare("table", tmp_path / "log.parquet", tmp_path / "prepared")


def test_what_does_not_fit_into_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    pq.write_table(pa.table({"user": draw.integers(2**40, size=10_000)}), tmp_path / "log.parquet")
    require_bounded(tmp_path / "log.parquet")
    monkeypatch.setattr("graphrec.system.parquet_bounds.available_bytes", lambda: 10_000)
    with pytest.raises(DataError, match="that are available"):
        require_bounded(tmp_path / "log.parquet")


def test_an_honest_log_that_packs_well_is_read(tmp_path: Path) -> None:
    users, items = np.divmod(np.arange(300_000), 500)
    log = pa.table({"user": users.astype(str), "item": items.astype(str), "behaviour": constant(300_000, "click")})
    pq.write_table(log, tmp_path / "log.parquet", compression="zstd")
    prepared = prepare("table", tmp_path / "log.parquet", tmp_path / "prepared")
    assert len(load(prepared).interactions) == 300_000


@pytest.mark.slow  # a process; the refusals above are the same
def test_the_peak_of_a_refusal_stays_under_300_mb_over_the_file(tmp_path: Path) -> None:
    pq.write_table(pa.table({"user": constant(60_000_000), "item": constant(60_000_000)}), tmp_path / "log.parquet")
    code = (
        "import resource, sys; from pathlib import Path; from graphrec.data.prepare import prepare\n"
        "import pyarrow.parquet; before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: prepare('table', Path(sys.argv[1]), Path('prepared'))\n"
        "except Exception as error: print(type(error).__name__)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "log.parquet"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    name, kibibytes = answer.stdout.split()
    assert name == "DataError" and int(kibibytes) < 300_000
