"""The planted world of `graphrec.testing`, under the name by which the tests here know it."""

from graphrec.testing.planted import *  # noqa: F403
