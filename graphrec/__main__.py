"""`python -m graphrec`: the same as the command `graphrec`."""

from graphrec.system.safe_path import leave_working_folder

# Python puts the working folder first on the path: before anything else is imported, it is taken off.
leave_working_folder()

from graphrec.cli import main  # noqa: E402

main()
