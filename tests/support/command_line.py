"""The command line, called in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Answer:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


Call = Callable[..., Answer]


def refused(answer: Answer, *messages: str) -> None:
    """Status 2, our own form of message, nothing on stdout."""
    assert answer.status == 2, answer
    assert answer.err.startswith("error: "), answer.err
    assert "Traceback" not in answer.err
    assert answer.out == ""
    for text in messages:
        assert text in answer.err
