"""A benchmark's folder is never worked in by two, and never holds results of other options."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphrec.errors import RunError
from graphrec.experiments.benchmark.folder import lock_folder

QUICK = {"benchmark": "tiktok", "mode": "quick", "tiktok.toml": "0a1b2c"}


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A folder in which a quick benchmark has its data."""
    with lock_folder(tmp_path, QUICK) as out:
        (out / "prepared").mkdir()
    return tmp_path


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with lock_folder(tmp_path, QUICK), pytest.raises(RunError, match="another process"), lock_folder(tmp_path, QUICK):
        pytest.fail("the second came in")
    with lock_folder(tmp_path, QUICK):
        pass  # who ended lets go


def refusal(out: Path, options: dict[str, str]) -> RunError:
    with pytest.raises(RunError) as caught, lock_folder(out, options):
        pytest.fail("came in")
    return caught.value


def test_other_options_are_refused_once_there_is_data(begun: Path) -> None:
    with lock_folder(begun, QUICK):
        pass
    error = refusal(begun, QUICK | {"mode": "full", "category": "Beauty"})
    assert "other options" in error.problem
    assert (error.expected, error.got) == ("category none, mode quick", "category Beauty, mode full")


def test_another_recipe_is_named_and_its_hash_is_not(begun: Path) -> None:
    error = refusal(begun, QUICK | {"tiktok.toml": "3d4e5f"})
    assert error.got == "another version of recipe tiktok"
    assert "0a1b2c" not in str(error) and "3d4e5f" not in str(error)


def test_of_another_benchmarks_folder_only_the_owner_is_named(begun: Path) -> None:
    message = str(refusal(begun, {"benchmark": "amazon", "mode": "full", "toys.toml": "3d4e5f"}))
    assert "another benchmark's: tiktok's" in message and "of its own for amazon" in message
    assert "mode" not in message and "toys" not in message


def test_a_mistaken_option_can_be_corrected_while_the_folder_is_empty(tmp_path: Path) -> None:
    with pytest.raises(ValueError), lock_folder(tmp_path, QUICK):
        raise ValueError("no such data")
    with lock_folder(tmp_path, QUICK | {"mode": "full"}):
        pass


def test_other_content_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="will not write a benchmark"), lock_folder(tmp_path, QUICK):
        pytest.fail("came in")
    with pytest.raises(RunError, match="will not write a benchmark"), lock_folder(tmp_path / "thesis.tex", QUICK):
        pytest.fail("came in")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
