"""Subcommands of `muli`, one module each; large imports are inside the functions."""
