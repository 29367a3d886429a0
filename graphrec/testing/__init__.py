"""What a backbone of your own is tested with: the suite that ours pass, and the small worlds it runs on.

Needs pytest, which an installation of graphrec alone does not bring.
"""

import pytest

pytest.register_assert_rewrite("graphrec.testing.backbone_contract")  # before it is imported: failures then show values

from graphrec.testing.backbone_contract import BackboneContract  # noqa: E402
from graphrec.testing.planted import planted_split  # noqa: E402
from graphrec.testing.small_graph import small_graph  # noqa: E402

__all__ = ["BackboneContract", "planted_split", "small_graph"]
