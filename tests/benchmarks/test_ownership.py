"""Files of others where commands write: a few of the cases of benchmarks/reliability/ownership.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT


@pytest.fixture(scope="module")
def ownership() -> Any:
    """The script as a module."""
    sys.path.append(str(ROOT / "benchmarks" / "reliability"))
    try:
        import ownership
    finally:
        sys.path.pop()
    return ownership


@pytest.fixture(scope="module")
def inputs(ownership: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the commands read, made once."""
    return ownership.Inputs(tmp_path_factory.mktemp("ownership") / "inputs")


def nothing_is_lost(ownership: Any, inputs: Any, work: Path, numbers: range) -> None:
    for number in numbers:
        case = ownership.run_case(number, inputs, work)
        assert not case.lost and not case.foreign, case


def test_two_cases_of_each_command_lose_nothing(ownership: Any, inputs: Any, tmp_path: Path) -> None:
    nothing_is_lost(ownership, inputs, tmp_path, range(2 * len(ownership.VERBS)))


@pytest.mark.slow  # the same with two of each command is above
def test_four_hundred_cases_lose_nothing(ownership: Any, inputs: Any, tmp_path: Path) -> None:
    nothing_is_lost(ownership, inputs, tmp_path, range(10_000, 10_400))


def test_a_command_that_lost_something_would_be_seen(
    ownership: Any, inputs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: a command that removes what is at its destination."""
    import shutil

    def careless(arguments: list[str]) -> tuple[object, str]:
        out = Path(arguments[arguments.index("--out") + 1])
        shutil.rmtree(out, ignore_errors=True)
        return 0, ""

    monkeypatch.setattr(ownership, "run_command", careless)
    numbers = [number for number in range(200) if ownership.VERBS[number % len(ownership.VERBS)].name == "simulate"]
    assert any(ownership.run_case(number, inputs, tmp_path).lost for number in numbers)
