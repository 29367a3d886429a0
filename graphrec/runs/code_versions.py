"""Which code trained a run: another version than the one that reads it is allowed, and reported."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict

from graphrec.runs.manifest import BEGUN_WITH
from graphrec.runs.run import Run
from graphrec.system.environment import Environment, code_of

logger = logging.getLogger(__name__)


def code_versions(run: Run) -> set[str]:
    """The code that trained a run, in words; two where another version finished the training than began it.

    >>> len(code_versions(run))
    1
    """
    return {code_of(run.manifest[key]) for key in ("environment", BEGUN_WITH) if key in run.manifest}


def other_code(runs: Sequence[Run]) -> str:
    """One line on the runs that another source of graphrec or another torch trained; empty where none is.

    Such runs are used all the same: whether the difference matters is for the reader to decide.

    >>> other_code([run])
    ''
    """
    here = code_of(asdict(Environment()))
    others = [versions for run in runs if (versions := code_versions(run)) != {here}]
    if not others:
        return ""
    which = "the run was" if len(runs) == 1 else f"{len(others)} of {len(runs)} runs were"
    named = "; ".join(sorted(set().union(*others) - {here}))
    return f"{which} made with other code ({named}) than is here ({here}), and used all the same"


def warn_of_other_code(runs: Sequence[Run], of: str = "", remedy: str = "a new folder trains all again") -> None:
    """Log what `other_code` returns, if anything.

    Args:
        of: words before it, such as "of the tuning, ".
        remedy: what trains the runs again.

    >>> from types import SimpleNamespace
    >>> old = SimpleNamespace(manifest={"environment": {"graphrec": "0.1", "source": "abc", "torch": "2.0"}})
    >>> handler = logging.Handler()
    >>> handler.emit = lambda record: print(record.getMessage().partition(" than")[0])
    >>> logger.addHandler(handler)
    >>> warn_of_other_code([old])
    the run was made with other code (graphrec 0.1 (source abc), torch 2.0)
    >>> logger.removeHandler(handler)
    """
    if line := other_code(runs):
        logger.warning("%s%s; %s", of, line, remedy)
