"""Folders that graphrec writes: only its own files are ever replaced, and after a kill a folder can be used again."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from graphrec.errors import DamagedFileError, ForeignFileError
from graphrec.system import files, owned_folder
from graphrec.system.integrity import verify
from graphrec.system.marker import MARKER, entry_of, read_marker, write_marker
from graphrec.system.output_paths import require_output_folder
from graphrec.system.owned_folder import (
    append_own_line,
    claim,
    claim_if_new,
    own_file,
    own_in_place,
    remove_own_file,
    remove_own_folder,
    require_claimable,
    write_own_text,
)
from graphrec.system.replaced_folder import replace_folder


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def content(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in names(folder) if (folder / name).is_file()}


def forget() -> None:
    """As another process, which has to look at the hashes."""
    owned_folder._published.clear()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A claimed folder with a file."""
    claim(tmp_path / "run", "run")
    write_own_text(tmp_path / "run" / "notes.txt", "rain")
    forget()
    return tmp_path / "run"


FOREIGN: dict[str, Callable[[Path], object]] = {
    "file": lambda path: path.write_text("mine"),
    "empty file": lambda path: path.touch(),
    "folder": lambda path: path.mkdir(),
    "link to a file": lambda path: path.symlink_to(__file__),
    "link to nothing": lambda path: path.symlink_to("nowhere"),
    "pipe": lambda path: os.mkfifo(path),
    "socket": lambda path: socket.socket(socket.AF_UNIX).bind(os.path.relpath(path)),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("name", ["notes.txt", MARKER, "deep/notes.txt", "run.json", ".hidden", "ünï\n.txt"])
def test_a_folder_with_anything_of_somebody_elses_is_refused_and_untouched(
    tmp_path: Path, kind: str, name: str
) -> None:
    target = tmp_path / "run" / name
    target.parent.mkdir(parents=True)
    FOREIGN[kind](target)
    before = names(tmp_path), content(tmp_path)
    with pytest.raises((ForeignFileError, DamagedFileError)):
        claim(tmp_path / "run", "run")
    with pytest.raises((ForeignFileError, DamagedFileError)), replace_folder(tmp_path / "run", "export"):
        pass
    assert (names(tmp_path), content(tmp_path)) == before


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_in_the_place_of_a_file_that_is_to_be_written_is_refused_before_and_while_writing(
    run: Path, kind: str
) -> None:
    FOREIGN[kind](run / "metrics.json")
    before = names(run), content(run)
    require_claimable(run, "run")  # whoever does not write it does not mind
    for attempt in (
        lambda: claim(run, "run", writes=["metrics.json"]),
        lambda: write_own_text(run / "metrics.json", "{}"),
        lambda: append_own_line(run / "metrics.json", "{}"),
        lambda: remove_own_file(run / "metrics.json"),
        lambda: own_in_place(run / "metrics.json"),
    ):
        with pytest.raises(ForeignFileError, match=r"metrics\.json"):
            attempt()
    assert (names(run), content(run)) == before


def test_a_file_that_was_changed_since_is_somebody_elses(run: Path) -> None:
    (run / "notes.txt").write_text("sun")
    for attempt in (write_own_text, append_own_line):
        with pytest.raises(ForeignFileError, match="changed since"):
            attempt(run / "notes.txt", "new")
    with pytest.raises(ForeignFileError, match="changed since"):
        remove_own_file(run / "notes.txt")
    with pytest.raises(ForeignFileError, match="changed since"):
        claim(run, "run", writes=[])
    remove_own_folder(run)
    assert (run / "notes.txt").read_text() == "sun"


def test_a_marker_that_graphrec_did_not_write_is_no_marker(run: Path) -> None:
    whole = (run / MARKER).read_text()
    for text in (
        "{}",
        "[]",
        "",
        whole.replace('"run"', '"export"'),
        whole[:-9],
        whole + " ",
        "[" * 99999,
        '{"a": 1e999}',
    ):
        (run / MARKER).write_text(text)
        if text == whole + " ":  # the content counts
            claim(run, "run")
            continue
        with pytest.raises(DamagedFileError):
            claim(run, "run")
        with pytest.raises(DamagedFileError):
            write_own_text(run / "notes.txt", "new")
        assert (run / "notes.txt").read_text() == "rain"


@pytest.mark.parametrize("name", ["../mine.txt", "/etc/hosts", "a/../../mine.txt", "", ".", "./notes.txt", "a//b"])
def test_a_list_whose_names_lead_out_of_the_folder_is_refused_though_its_digest_fits(run: Path, name: str) -> None:
    """As a stranger may make one, who knows what is in a file of ours."""
    (run.parent / "mine.txt").write_text("mine")
    marker = read_marker(run)
    assert marker is not None
    marker.files[name] = entry_of(run.parent / "mine.txt")
    write_marker(run, marker)
    for attempt in (lambda: claim(run, "run", writes=[]), lambda: remove_own_folder(run), lambda: verify(run)):
        with pytest.raises(DamagedFileError, match="leads out of the folder"):
            attempt()
    assert (run.parent / "mine.txt").read_text() == "mine"


def test_other_kinds_the_working_folder_links_and_folders_above_are_refused(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run)
    (tmp_path / "link").symlink_to(run)
    (tmp_path / "above").mkdir()
    (tmp_path / "above" / "raw.csv").touch()
    for folder, message in (
        (run, "the working folder"),
        (Path("."), "the working folder"),
        (Path(".."), "above the working folder"),
        (tmp_path / "link", "a link"),
        (Path("/dev/null"), "a device"),
        (Path("/dev/null/x"), "a file in place"),
        (Path("/proc"), "a mount point"),
        (run / "notes.txt", "a file"),
    ):
        with pytest.raises(ForeignFileError, match=message):
            claim(folder, "run")
    for above in (tmp_path / "above", tmp_path / "above" / "raw.csv"):
        with pytest.raises(ForeignFileError, match=r"above the input|the input itself|a file"):
            require_output_folder(above, "prepared data", inputs=[tmp_path / "above" / "raw.csv"])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ForeignFileError, match="a folder with a run"):
        claim(run, "export")


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_kill_between_the_marker_and_the_file_leaves_a_file_that_is_still_ours(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(owned_folder, "put", killed)
        for name in ("notes.txt", "more.txt"):
            with pytest.raises(KeyboardInterrupt):
                write_own_text(run / name, "never arrives")
    forget()
    assert (run / "notes.txt").read_text() == "rain" and not (run / "more.txt").exists()
    claim(run, "run", writes=[])
    write_own_text(run / "notes.txt", "sun")
    assert (run / "notes.txt").read_text() == "sun"


def test_files_of_others_stay_where_ours_are_removed(run: Path) -> None:
    write_own_text(run / "per_user" / "a.csv", "1")
    write_own_text(run / "per_user" / "deep" / "b.csv", "2")
    claim(run / "refutation" / "again", "run")
    write_own_text(run / "refutation" / "again" / "c.csv", "3")
    (run / "refutation" / "again" / "mine.txt").touch()
    remove_own_folder(run / "per_user")
    assert not (run / "per_user").exists()
    remove_own_folder(run)
    rest = [
        "graphrec.json",
        "refutation",
        "refutation/again",
        "refutation/again/graphrec.json",
        "refutation/again/mine.txt",
    ]
    assert names(run) == rest


def test_a_folder_that_is_replaced_whole_keeps_nothing_and_loses_nothing_of_others(tmp_path: Path) -> None:
    for number in (1, 2):
        with replace_folder(tmp_path / "out", "export") as new:
            (new / "tables").mkdir()
            (new / "tables" / f"{number}.txt").write_text("x")
    assert names(tmp_path) == ["out", "out/graphrec.json", "out/tables", "out/tables/2.txt"]
    forget()
    for spoil in (
        lambda: (tmp_path / "out" / "mine").mkdir(),
        lambda: (tmp_path / "out" / "tables" / "mine.txt").touch(),
        lambda: (tmp_path / "out" / "tables" / "2.txt").write_text("mine"),
    ):
        spoil()
        before = names(tmp_path)
        with pytest.raises(ForeignFileError), replace_folder(tmp_path / "out", "export"):
            raise AssertionError("never entered")
        assert names(tmp_path) == before
        shutil.rmtree(tmp_path / "out")
        with replace_folder(tmp_path / "out", "export") as new:
            (new / "tables").mkdir()
            (new / "tables" / "2.txt").write_text("x")
        forget()


def test_what_somebody_puts_there_while_a_folder_is_made_stays(tmp_path: Path) -> None:
    with pytest.raises(ForeignFileError), replace_folder(tmp_path / "out", "export") as new:
        (new / "a.txt").write_text("x")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "mine.txt").write_text("mine")
    assert names(tmp_path) == ["out", "out/mine.txt"]


@pytest.mark.parametrize("before", [False, True])
def test_a_folder_that_fails_half_way_leaves_the_old_one_and_no_trace(tmp_path: Path, before: bool) -> None:
    if before:
        with replace_folder(tmp_path / "out", "export") as new:
            (new / "a.txt").write_text("old")
    with pytest.raises(RuntimeError), replace_folder(tmp_path / "out", "export") as new:
        (new / "a.txt").write_text("half")
        raise RuntimeError
    assert names(tmp_path) == (["out", "out/a.txt", "out/graphrec.json"] if before else [])
    assert not before or (tmp_path / "out" / "a.txt").read_text() == "old"


def test_the_old_folder_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    with replace_folder(target, "export") as new:
        (new / "a.txt").write_text("old")
    rename = os.replace

    def refuse(source: Path, destination: Path) -> None:
        if destination == target and ".old." not in source.name:
            raise OSError("no space left")
        rename(source, destination)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refuse)
        with pytest.raises(OSError, match="no space"), replace_folder(target, "export") as new:
            (new / "a.txt").write_text("new")
    assert names(tmp_path) == ["out", "out/a.txt", "out/graphrec.json"]
    assert (target / "a.txt").read_text() == "old"


def test_a_kill_between_the_two_renames_is_undone_by_the_next_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    with replace_folder(target, "export") as new:
        (new / "a.txt").write_text("old")
    dead = files.temporary_name("out.old").replace(str(os.getpid()), "4194305")
    os.replace(target, tmp_path / dead)
    half = files.temporary_name("out").replace(str(os.getpid()), "4194305")
    with replace_folder(tmp_path / "x", "export") as new:
        shutil.copytree(new, tmp_path / half)
    # Killed before the marker of the new folder was whole.
    empty = tmp_path / files.temporary_name("out").replace(str(os.getpid()), "4194304")
    empty.mkdir()
    (empty / ".graphrec.json.4194304-0123abcd.part.json").write_text("{")
    with pytest.raises(RuntimeError), replace_folder(target, "export"):
        assert (target / "a.txt").read_text() == "old"
        raise RuntimeError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "x"]


def test_leftovers_of_killed_processes_are_swept_and_those_of_running_ones_are_not(run: Path) -> None:
    dead, alive = ".notes.txt.4194305-0123abcd.part.txt", f".notes.txt.{os.getppid()}-0123abcd.part.txt"
    for name in (dead, alive, ".notes.txt.12.part.txt", ".part"):
        (run / name).write_text("half")
    claim(run, "run")
    assert names(run) == sorted([alive, ".notes.txt.12.part.txt", ".part", MARKER, "notes.txt"])
    (run / "inner").mkdir()
    (run / "inner" / dead).write_text("half")
    write_own_text(run / "inner" / "b.txt", "whole")
    assert names(run / "inner") == ["b.txt"]


def test_in_a_folder_that_nobody_claimed_only_new_files_are_written(tmp_path: Path) -> None:
    for text in ("first", "second"):  # what this process wrote is its own
        write_own_text(tmp_path / "figure.csv", text)
    forget()
    with pytest.raises(ForeignFileError, match="will not overwrite"):
        write_own_text(tmp_path / "figure.csv", "third")
    with pytest.raises(ForeignFileError, match="will not overwrite"):
        remove_own_file(tmp_path / "figure.csv")
    assert (tmp_path / "figure.csv").read_text() == "second"
    (tmp_path / "link.jsonl").symlink_to("figure.csv")
    with pytest.raises(ForeignFileError, match="a link"):
        append_own_line(tmp_path / "link.jsonl", "x")
    claim_if_new(tmp_path, "paper tables")
    assert names(tmp_path) == ["figure.csv", "link.jsonl"]


def test_an_own_file_has_the_permissions_of_the_umask_whoever_made_it(run: Path) -> None:
    before = os.umask(0o027)
    try:
        with own_file(run / "a.txt") as temporary:
            temporary.unlink()
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
        claim(run.parent / "other", "run")
    finally:
        os.umask(before)
    assert (run / "a.txt").stat().st_mode & 0o777 == 0o640
    assert (run.parent / "other").stat().st_mode & 0o777 == 0o750


def test_two_threads_lose_no_entry_and_no_line(run: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def work(number: int) -> None:
        write_own_text(run / f"{number}.txt", "x")
        append_own_line(run / "log.txt", str(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(12)))
    marker = read_marker(run)
    assert marker is not None and {f"{number}.txt" for number in range(12)} < set(marker.files)
    assert sorted((run / "log.txt").read_text().split(), key=int) == [str(number) for number in range(12)]
    forget()
    claim(run, "run", writes=[])
