"""The small graph of `graphrec.testing`, under the name by which the tests here know it."""

from graphrec.testing.small_graph import *  # noqa: F403
