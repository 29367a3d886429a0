"""Single files for the user: nobody else's is overwritten, and what was changed since is somebody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from graphrec.errors import ForeignFileError
from graphrec.system.output_file import COMMENTS, require_output, write_output


@pytest.mark.parametrize("suffix", [*COMMENTS, ".HTML"])
def test_a_page_is_written_again_over_its_own_and_over_no_other(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"page{suffix}"
    for text in ("old", "new\n"):
        write_output(path, text, "report")
    whole = path.read_text()
    assert whole.startswith("new\n") and whole.count("graphrec report sha256:") == 1
    for other in (
        whole + "mine",
        "mine" + whole,
        whole.replace("new", "NEW"),
        whole[:-1],
        "",
        whole.replace("report", "page"),
    ):
        path.write_text(other)
        with pytest.raises(ForeignFileError, match="did not write as a report"):
            write_output(path, "newer", "report")
        assert path.read_text() == other
    write_output(path, "newer", "report", force=True)
    assert path.read_text().startswith("newer\n")


def test_a_format_without_comments_is_overwritten_by_force_alone(tmp_path: Path) -> None:
    path = tmp_path / "page.csv"
    write_output(path, "a,b", "table")
    assert path.read_text() == "a,b\n"
    with pytest.raises(ForeignFileError, match="force"):
        require_output(path, "table")
    write_output(path, "c,d", "table", force=True)


@pytest.mark.parametrize("force", [False, True])
def test_links_devices_pipes_and_folders_are_never_replaced(tmp_path: Path, force: bool) -> None:
    (tmp_path / "mine.html").write_text("mine")
    (tmp_path / "link.html").symlink_to("mine.html")
    (tmp_path / "loose.html").symlink_to("nowhere")
    (tmp_path / "folder.html").mkdir()
    os.mkfifo(tmp_path / "pipe.html")
    for path in (
        *(tmp_path / name for name in ("link.html", "loose.html", "folder.html", "pipe.html")),
        Path("/dev/null"),
    ):
        with pytest.raises(ForeignFileError, match="will not write a report there"):
            write_output(path, "new", "report", force=force)
    with pytest.raises(ForeignFileError, match="a file in place of its parent folder"):
        write_output(tmp_path / "mine.html" / "page.html", "new", "report", force=force)
    assert (tmp_path / "mine.html").read_text() == "mine"
