"""What a backbone of your own is tested with: the suite that ours pass, and the small worlds it runs on.

Needs pytest, which an installation of graphrec alone does not bring.
"""

import pytest

for module in ("backbone_contract", "instruments"):  # before they are imported: failures then show values
    pytest.register_assert_rewrite(f"graphrec.testing.{module}")

from graphrec.testing.backbone_contract import BackboneContract  # noqa: E402
from graphrec.testing.planted import planted_split  # noqa: E402
from graphrec.testing.small_graph import small_graph  # noqa: E402

__all__ = ["BackboneContract", "planted_split", "small_graph"]
