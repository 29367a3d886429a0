"""What all contracts share."""

from __future__ import annotations

import sys

import pytest

from graphrec.system.user_code import permit


class Contract:
    """The base of every contract: a class in the folder of its test can be named.

    >>> from graphrec.testing import MetricContract
    >>> issubclass(MetricContract, Contract)
    True
    """

    @pytest.fixture(autouse=True)
    def import_from_the_folder_of_the_test(
        self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Let `my_module:Mine` be found next to the test that names it, in whatever mode pytest imports tests."""
        # At the end: what is installed, and what pytest itself puts on the path, go first.
        monkeypatch.setattr(sys, "path", [*sys.path, str(request.path.parent)])
        # Whoever runs the test wrote, or reads, what it names.
        permit([value for value in vars(type(self)).values() if isinstance(value, str)])
