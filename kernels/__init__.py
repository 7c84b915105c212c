"""Physics of lithium-potential profiles: pure JAX, one stack at a time."""

from kernels.boundary import Boundary, Window, resolve_boundary
from kernels.conductivity import Branches, Constant, Table, arrhenius_factor, arrhenius_sigma_ion
from kernels.contact import (
    contact_fraction,
    interface_resistance,
    thickness_per_electrode_area,
)
from kernels.inverse import (
    max_electrolyte_thickness,
    max_sigma_ele,
    min_electrolyte_sigma_ele,
    min_thickness,
    thickness_at,
)
from kernels.judge import CoatingClass, Facts, Limits, Metrics, ThicknessLimit, judge
from kernels.metrics import max_sigma_ele_at_L_max, metrics, transport_ratio
from kernels.profile import Profile, profile
from kernels.solve import Solution, leak_current, solve
from kernels.stack import Layer, Stack
from kernels.status import Status
from kernels.two_layer import metrics_of_plane

__all__ = [
    "Boundary",
    "Branches",
    "CoatingClass",
    "Constant",
    "Facts",
    "Layer",
    "Limits",
    "Metrics",
    "Profile",
    "Solution",
    "Stack",
    "Status",
    "Table",
    "ThicknessLimit",
    "Window",
    "arrhenius_factor",
    "arrhenius_sigma_ion",
    "contact_fraction",
    "interface_resistance",
    "judge",
    "leak_current",
    "max_electrolyte_thickness",
    "max_sigma_ele",
    "max_sigma_ele_at_L_max",
    "metrics",
    "metrics_of_plane",
    "min_electrolyte_sigma_ele",
    "min_thickness",
    "profile",
    "resolve_boundary",
    "solve",
    "thickness_at",
    "thickness_per_electrode_area",
    "transport_ratio",
]
