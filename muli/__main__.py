"""`python -m muli` is the command `muli`."""

from muli.screen.cli.app import main

main()
