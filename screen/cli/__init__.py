"""Subcommands of `muli`, one module each; heavy imports stand inside the functions."""
