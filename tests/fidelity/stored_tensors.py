"""The tensors that `make.py` wrote, and how close ours must be."""

from __future__ import annotations

import numpy as np
import torch
from fidelity.equations import Tensors
from fidelity.make import STORED
from torch import Tensor


def stored(name: str) -> Tensors:
    with np.load(STORED / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


def tensors_of(tensors: Tensors, kind: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(f"{kind}/"): torch.from_numpy(value)
        for name, value in tensors.items()
        if name.startswith(f"{kind}/")
    }


def assert_equal(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours.detach(), theirs, rtol=0, atol=1e-9)
