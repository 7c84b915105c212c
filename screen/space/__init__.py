"""Spec and materials become numbers: the design space of a screen."""
