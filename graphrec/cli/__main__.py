"""`python -m graphrec.cli`: the same as `graphrec`."""

from graphrec.cli.app import main

main()
