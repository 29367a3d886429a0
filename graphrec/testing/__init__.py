"""Contracts for custom components: the suites that graphrec's own classes pass.

A class joins a suite in three lines; `graphrec new KIND NAME` writes them.

    class TestMine(DecoderContract):
        decoder = "my_module:Mine"

Needs pytest, which an installation of graphrec alone does not bring.
"""

import pytest

# Before the modules are imported: a failing assertion in them then shows its values.
for module in (
    "backbone_contract",
    "contract",
    "decoder_contract",
    "estimand_contract",
    "instruments",
    "metric_contract",
    "same_dataset",
    "section_contract",
    "source_contract",
):
    pytest.register_assert_rewrite(f"graphrec.testing.{module}")

from graphrec.testing.backbone_contract import BackboneContract  # noqa: E402
from graphrec.testing.decoder_contract import DecoderContract  # noqa: E402
from graphrec.testing.estimand_contract import EstimandContract  # noqa: E402
from graphrec.testing.metric_contract import MetricContract  # noqa: E402
from graphrec.testing.planted import planted_split  # noqa: E402
from graphrec.testing.section_contract import SectionContract  # noqa: E402
from graphrec.testing.small_graph import small_graph  # noqa: E402
from graphrec.testing.source_contract import SourceContract  # noqa: E402

__all__ = [
    "BackboneContract",
    "DecoderContract",
    "EstimandContract",
    "MetricContract",
    "SectionContract",
    "SourceContract",
    "planted_split",
    "small_graph",
]
