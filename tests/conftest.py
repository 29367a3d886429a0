"""Fixtures shared by every test."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

REALDATA = Path(os.environ.get("GRAPHREC_REALDATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def realdata() -> Callable[[str], Path]:
    """Gives the folder of a real dataset, or skips: real data is not distributed with the project.

    `GRAPHREC_REALDATA` names the folder that holds them.
    """

    def folder(name: str) -> Path:
        path = REALDATA / name
        if not path.is_dir():
            pytest.skip(f"real dataset `{name}` is not at {REALDATA}; set GRAPHREC_REALDATA")
        return path

    return folder
