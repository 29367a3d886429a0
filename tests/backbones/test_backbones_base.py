"""What all backbones share."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from graphrec.backbones import BackboneConfig, Representation, backbones, fuse


def test_fuse_is_the_mean_of_user_and_of_item_parts() -> None:
    parts = [Representation(torch.full((2, 3), float(n)), torch.full((4, 3), 10.0 * n)) for n in (1, 2, 6)]
    fused = fuse(parts)
    assert torch.equal(fused.user, torch.full((2, 3), 3.0))
    assert torch.equal(fused.item, torch.full((4, 3), 30.0))


@pytest.mark.parametrize("wrong", [{"layers": 0}, {"embedding_size": 0}, {"embeding_size": 8}])
def test_a_setting_out_of_range_or_misspelt_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        BackboneConfig(**wrong)


def test_every_registered_backbone_passes_the_contract() -> None:
    suites = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    tested = re.findall(r'class Test\w+\(BackboneContract\):\n    backbone = "(\w+)"', suites)
    assert set(tested) == set(backbones)
