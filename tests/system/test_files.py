"""Writing atomically, and locks between processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphrec.errors import DataError, RunError
from graphrec.system.files import file_lock, read_json, replace_file, sha256
from graphrec.system.owned_folder import write_own_json


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_file_is_replaced_when_complete(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "a.txt"
    for text in ("old", "new"):
        with replace_file(target) as part:
            part.write_text(text)
            assert not target.exists() or target.read_text() == "old"
        assert target.read_text() == text
    assert names(tmp_path) == ["deep", "deep/a.txt"]
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask()


def test_a_file_that_fails_half_way_leaves_the_old_one_and_no_trace(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), replace_file(target) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_json_comes_back_as_it_went(tmp_path: Path) -> None:
    value = {"b": [1, 2.5, None], "a": "é"}
    write_own_json(tmp_path / "x.json", value)
    assert read_json(tmp_path / "x.json") == value
    assert list(read_json(tmp_path / "x.json")) == ["b", "a"]


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b""])
def test_what_is_no_json_is_a_data_error_with_the_path(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.json"):
        read_json(path)
    with pytest.raises(DataError, match=r"nowhere\.json"):
        read_json(tmp_path / "nowhere.json")


def test_sha256_of_known_bytes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x").startswith("ba7816bf8f01cfea414140de5dae2223")


HOLDER = """
import sys, time
from pathlib import Path
from graphrec.system.files import file_lock

with file_lock(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(120)
"""


def test_a_lock_is_released_when_its_process_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, lock], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "locked\n"
        with pytest.raises(RunError, match="another process works in this folder"), file_lock(lock):
            pass
    finally:
        holder.kill()
        holder.wait()
    with file_lock(lock):
        assert lock.exists()
    assert not lock.exists()


def test_a_lock_ends_with_an_error_too_and_leaves_no_file(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), file_lock(tmp_path / ".lock"):
            raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_who_waits_for_a_lock_gets_it_from_a_file_that_is_there(tmp_path: Path) -> None:
    """The file is removed while others wait on it; none of them may keep a lock on the removed file."""
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from graphrec.system.files import file_lock\n"
        "folder = Path(sys.argv[1])\n"
        "for _ in range(20):\n"
        "    with file_lock(folder / '.lock', wait=True):\n"
        "        count = int((folder / 'count').read_text())\n"
        "        (folder / 'count').write_text(str(count + 1))\n"
    )
    (tmp_path / "count").write_text("0")
    workers = [subprocess.Popen([sys.executable, "-c", script, tmp_path]) for _ in range(3)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "60"
