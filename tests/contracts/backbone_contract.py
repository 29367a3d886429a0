"""The backbone suite of `graphrec.testing`, under the name by which the tests here know it."""

from graphrec.testing.backbone_contract import *  # noqa: F403
