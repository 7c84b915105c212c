"""Stacks of a file, solved one by one in double precision."""
