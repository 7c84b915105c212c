"""Version of the physics: results of two versions must not be mixed in one folder."""

PHYSICS_VERSION = "2"
"""Raised whenever a formula, a default or a rounding of the kernels changes any number."""
