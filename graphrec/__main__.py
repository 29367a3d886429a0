"""`python -m graphrec`: the same as the command `graphrec`."""

from graphrec.cli import main

main()
