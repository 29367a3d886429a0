"""The command line: parse, call, print. torch is imported by the commands that need it, not by `--help`."""

from graphrec.cli.app import app, main

__all__ = ["app", "main"]
