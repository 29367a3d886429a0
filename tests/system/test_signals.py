"""Signals: they end a process in order, never within a section that is to be whole, with the status that names them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from graphrec.system.signals import STATUSES, STOPPING, stops_in_order, uninterrupted

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture(autouse=True)
def not_ignored() -> Iterator[None]:
    """As at a terminal: nohup, and a shell that starts a process in the background, let it ignore some signals."""
    handlers = {number: signal.SIG_DFL for number in STOPPING} | {signal.SIGINT: signal.default_int_handler}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "status"), list(zip(STOPPING, STATUSES)))
def test_a_signal_ends_with_its_status_and_the_handlers_of_before_return(number: int, status: int) -> None:
    before = signal.getsignal(number)
    closed = []
    with pytest.raises(SystemExit) as end, stops_in_order():
        try:
            os.kill(os.getpid(), number)
        finally:
            closed.append(True)
    assert (end.value.code, closed, signal.getsignal(number)) == (status, [True], before)
    assert status == 128 + number


def test_the_status_of_a_framework_that_takes_every_interruption_for_ctrl_c_is_corrected() -> None:
    with pytest.raises(SystemExit) as end, stops_in_order():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except KeyboardInterrupt:
            raise SystemExit(130) from None
    assert end.value.code == 143


def test_sections_within_sections_end_whole_and_stop_after_the_outermost() -> None:
    done = []
    with pytest.raises(SystemExit), stops_in_order():
        with uninterrupted():
            with uninterrupted():
                os.kill(os.getpid(), signal.SIGTERM)
                done.append("inner")
            done.append("outer")
        done.append("after")
    assert done == ["inner", "outer"]


def test_a_signal_that_python_lost_is_seen_at_the_end_of_the_next_section(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that is raised while an object is destroyed is printed and forgotten."""

    class Destroyed:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("sys.unraisablehook", lambda lost: None)
    with pytest.raises(SystemExit) as end, stops_in_order():
        it = Destroyed()
        del it
        with uninterrupted():
            pass
    assert end.value.code == 143


def test_an_error_within_a_section_is_the_error() -> None:
    with pytest.raises(ValueError, match="mine"), stops_in_order(), uninterrupted():
        raise ValueError("mine")
    with uninterrupted():
        pass


def test_what_was_ignored_is_still_ignored() -> None:
    """As under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stops_in_order():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_other_threads_may_enter_it() -> None:
    ends = []

    def work() -> None:
        with stops_in_order(), uninterrupted():
            ends.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ends == ["done"]
