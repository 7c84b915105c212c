"""Compiled programs that turn ranges of stacks into rows of a part."""
