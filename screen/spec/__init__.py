"""Specs: the TOML language of a screen, read and validated with every error at once."""

from muli.screen.spec.axes import Numbers, Selection
from muli.screen.spec.load import Source, load, parse, read
from muli.screen.spec.model import Ageing, Axes, Design, Filter, Output, Screen, Spec, Uncertainty

__all__ = [
    "Ageing",
    "Axes",
    "Design",
    "Filter",
    "Numbers",
    "Output",
    "Screen",
    "Selection",
    "Source",
    "Spec",
    "Uncertainty",
    "load",
    "parse",
    "read",
]
