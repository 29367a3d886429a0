"""What MMGCN says to a projection that cannot be."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from graphrec.backbones.mmgcn import MMGCN, MMGCNConfig
from graphrec.errors import UnknownNameError
from graphrec.testing.small_graph import small_graph


@pytest.mark.parametrize("projection", [0, -3, {"visual": 0}])
def test_widths_are_positive(projection: object) -> None:
    with pytest.raises(ValidationError):
        MMGCNConfig(projection=projection)


def test_a_misspelt_modality_is_named() -> None:
    with pytest.raises(UnknownNameError, match="did you mean `visual`"):
        MMGCN(MMGCNConfig(projection={"visuel": 8}), small_graph(), "click", ("fused",))


def test_the_official_setting_names_visual_whatever_the_data_has() -> None:
    MMGCN(MMGCNConfig(setting="official"), small_graph(modalities=()), "click", ("fused",))
