"""Physics of lithium-potential profiles: pure JAX, one stack at a time."""

from muli.kernels.metrics.ageing import Ageing, ageing, asr_after, lives
from muli.kernels.metrics.ageing_row import Holes as AgeingHoles
from muli.kernels.metrics.ageing_row import Layer as AgeingLayer
from muli.kernels.metrics.ageing_row import Rising as AgeingRising
from muli.kernels.metrics.ageing_row import Row as AgeingRow
from muli.kernels.metrics.coverage import (
    Holes,
    Interface,
    held_holes,
    in_parallel,
    max_hole_share,
)
from muli.kernels.metrics.growth import End as GrowthEnd
from muli.kernels.metrics.growth import Grown, Growth, Interphase, growth, growth_from
from muli.kernels.metrics.inverse import (
    max_electrolyte_thickness,
    max_sigma_ele,
    min_electrolyte_sigma_ele,
    min_thickness,
    resting_thickness,
    thickness_at,
)
from muli.kernels.metrics.judge import (
    Facts,
    Limits,
    Metrics,
    classify_coating,
    judge,
)
from muli.kernels.metrics.pinned import Faces, pinned_faces
from muli.kernels.metrics.profile import (
    Profile,
    SolvedLayer,
    profile,
    profile_in_layer,
    solved_layers,
)
from muli.kernels.metrics.stack_metrics import max_sigma_ele_at_L_max, metrics, transport_ratio
from muli.kernels.metrics.two_layer import (
    contact_potentials,
    layer_resistance,
    metrics_of_plane,
    required_resistance,
    sigma_ele_at_resistance,
)
from muli.kernels.model.boundary import Boundary, BoundaryChoice, Window, resolve_boundary
from muli.kernels.model.contact import (
    contact_fraction,
    interface_resistance,
    thickness_per_electrode_area,
)
from muli.kernels.model.laws import (
    Branches,
    Constant,
    Law,
    Table,
    arrhenius_factor,
    arrhenius_sigma_ion,
    constant_sigma_ele,
    with_unit_slopes,
)
from muli.kernels.model.stack import Layer, Stack
from muli.kernels.solvers.curve import (
    Curve,
    CurveNode,
    CurveReading,
    curve_nodes,
    node_read,
    node_solved,
    nodes_completed,
    read_curves,
    solution_at,
    trace_curve,
)
from muli.kernels.solvers.solve import Solution, leak_current, solve
from muli.kernels.version import PHYSICS_VERSION
from muli.outcomes import CoatingClass, Status, ThicknessLimit

__all__ = [
    "PHYSICS_VERSION",
    "Ageing",
    "AgeingHoles",
    "AgeingLayer",
    "AgeingRising",
    "AgeingRow",
    "Boundary",
    "BoundaryChoice",
    "Branches",
    "CoatingClass",
    "Constant",
    "Curve",
    "CurveNode",
    "CurveReading",
    "Faces",
    "Facts",
    "Grown",
    "Growth",
    "GrowthEnd",
    "Holes",
    "Interface",
    "Interphase",
    "Law",
    "Layer",
    "Limits",
    "Metrics",
    "Profile",
    "Solution",
    "SolvedLayer",
    "Stack",
    "Status",
    "Table",
    "ThicknessLimit",
    "Window",
    "ageing",
    "arrhenius_factor",
    "arrhenius_sigma_ion",
    "asr_after",
    "classify_coating",
    "constant_sigma_ele",
    "contact_fraction",
    "contact_potentials",
    "curve_nodes",
    "growth",
    "growth_from",
    "held_holes",
    "in_parallel",
    "interface_resistance",
    "judge",
    "layer_resistance",
    "leak_current",
    "lives",
    "max_electrolyte_thickness",
    "max_hole_share",
    "max_sigma_ele",
    "max_sigma_ele_at_L_max",
    "metrics",
    "metrics_of_plane",
    "min_electrolyte_sigma_ele",
    "min_thickness",
    "node_read",
    "node_solved",
    "nodes_completed",
    "pinned_faces",
    "profile",
    "profile_in_layer",
    "read_curves",
    "required_resistance",
    "resolve_boundary",
    "resting_thickness",
    "sigma_ele_at_resistance",
    "solution_at",
    "solve",
    "solved_layers",
    "thickness_at",
    "thickness_per_electrode_area",
    "trace_curve",
    "transport_ratio",
    "with_unit_slopes",
]


def __dir__() -> list[str]:
    return sorted(__all__)
