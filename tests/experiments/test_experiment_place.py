"""A benchmark's folder is never worked in by two, and never holds results of other options."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphrec.errors import RunError
from graphrec.experiments import hold_place

QUICK = {"benchmark": "tiktok", "mode": "quick"}


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with hold_place(tmp_path, QUICK), pytest.raises(RunError, match="another process"), hold_place(tmp_path, QUICK):
        pytest.fail("the second came in")
    with hold_place(tmp_path, QUICK):
        pass  # who ended lets go


def test_other_options_are_refused_once_there_is_data(tmp_path: Path) -> None:
    with hold_place(tmp_path, QUICK) as out:
        (out / "prepared").mkdir()
    with hold_place(tmp_path, QUICK):
        pass
    with pytest.raises(RunError, match="other options") as caught, hold_place(tmp_path, QUICK | {"mode": "full"}):
        pytest.fail("came in")
    assert '"quick"' in str(caught.value) and '"full"' in str(caught.value) and "tiktok" not in str(caught.value)


def test_a_mistaken_option_can_be_mended_while_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError), hold_place(tmp_path, QUICK):
        raise ValueError("no such data")
    with hold_place(tmp_path, QUICK | {"mode": "full"}):
        pass


def test_other_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="not a place for a benchmark"), hold_place(tmp_path, QUICK):
        pytest.fail("came in")
    with pytest.raises(RunError, match="not a place"), hold_place(tmp_path / "thesis.tex", QUICK):
        pytest.fail("came in")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
