"""Write the tensors that the fidelity tests compare with: `PYTHONPATH=tests python -m fidelity.make`.

One module a method, with a `name` and `tensors()`, or one with several in `METHODS`; a new one is listed here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fidelity import (
    equations_amr,
    equations_causalrec,
    equations_causalrec_author,
    equations_cr,
    equations_dcf,
    equations_mmgcn,
    equations_vbpr,
)

METHODS = {
    method.name: method
    for method in (
        equations_amr,
        equations_causalrec,
        equations_causalrec_author,
        equations_cr,
        *equations_dcf.METHODS,
        *equations_mmgcn.METHODS,
        equations_vbpr,
    )
}
STORED = Path(__file__).parent / "stored"


def main() -> None:
    STORED.mkdir(exist_ok=True)
    for name, method in METHODS.items():
        np.savez(STORED / f"{name}.npz", **method.tensors())


if __name__ == "__main__":
    main()
