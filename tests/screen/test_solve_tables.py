"""Tabulated sigma_ele in a file of stacks: against many digits, piece by piece."""

import json
from pathlib import Path

import numpy as np
import pytest

from muli.kernels import Status
from muli.screen.solving.batches import _solve_program, solve_stacks
from muli.screen.solving.stack_file import StackEntry
from tests import exact_tables

REFERENCE = Path(__file__).parent.parent / "reference"
SOLVED = Status.OK, Status.EXTRAPOLATED_TABLE
SHAPES = ("valley", "peak", "two points", "forty points", "constant")
FORTY = 0.1
"""Share of layers with forty points, which are slow to solve in many digits."""


def random_table(rng, shape):
    """E (V) and log10 sigma_ele (S/cm); one point for a constant."""
    if shape == "constant":
        return [0.0], [rng.uniform(-13, -6)]
    count = {"two points": 2, "forty points": 40}.get(shape, int(rng.integers(3, 8)))
    E = np.sort(rng.uniform(-1.0, 5.5, count))
    E[0], E[-1] = rng.uniform(-1.5, -1.0), rng.uniform(4.0, 6.0)
    if shape == "two points":
        logs = rng.uniform(-13, -5, 2)
    elif shape == "forty points":
        logs = rng.uniform(-12, -6) + np.cumsum(rng.normal(0.0, 0.7, count))
    else:
        down = (np.arange(count) % 2 == 1) == (shape == "valley")
        logs = rng.uniform(-11, -6) + np.where(down, -1, 1) * rng.uniform(0.5, 3.0, count)
    return list(np.sort(E)), list(logs)


def random_stack(rng, shapes, *, current):
    """Electrolyte and coating; a table in at least one of them."""
    kinds = [str(rng.choice(shapes)) for _ in range(2)]
    if kinds == ["constant", "constant"]:
        kinds[int(rng.integers(2))] = "valley"
    layers = []
    for role, kind in zip(("electrolyte", "cathode_coating"), kinds, strict=True):
        E, logs = random_table(rng, kind)
        thick, ionic = ((-3.5, -1.8), (-4, -2)) if role == "electrolyte" else ((-7, -4.5), (-9, -5))
        layer = {
            "role": role,
            "thickness_cm": 10 ** rng.uniform(*thick),
            "sigma_ion_S_cm": 10 ** rng.uniform(*ionic),
        }
        if len(E) == 1:
            layer["sigma_0_S_cm"] = 10 ** logs[0]
        else:
            layer["table_E_V"], layer["table_log10_sigma_ele_S_cm"] = E, logs
        layers.append(layer)
    flow = rng.choice([-1, 1]) * 10 ** rng.uniform(-5, -2) if current else 0.0
    numbers = {"E_anode_V": rng.choice([0.0, 0.62, 1.55]), "E_cathode_V": rng.uniform(2.5, 4.6)}
    return StackEntry(layers=layers, current_density_A_cm2=flow, **numbers)


def exactly(stack, near):
    """Nodes and leak current in many digits."""
    layers = [
        exact_tables.Layer(
            layer.thickness_cm,
            layer.sigma_ion_S_cm,
            layer.table_E_V or [0.0],
            layer.table_log10_sigma_ele_S_cm or [np.log10(layer.sigma_0_S_cm)],
        )
        for layer in stack.layers
    ]
    ends = stack.E_anode_V, stack.E_cathode_V, stack.current_density_A_cm2
    return exact_tables.solve_exactly(layers, *ends, near=near)


def compare(stacks):
    """Worst error of a node over max(1, slope), and of j; every stack must be solved."""
    worst_E = worst_j = 0.0
    for stack, solved in zip(stacks, solve_stacks(stacks), strict=True):
        solution = solved.solution
        assert solution.status in SOLVED, stack
        leak = float(solution.leak_current_density)
        nodes, j = exactly(stack, leak)
        error = np.max(np.abs(np.append(solution.faces[:, 0], solution.faces[-1, 1]) - nodes))
        worst_E = max(worst_E, error / max(1.0, float(solution.slope)))
        worst_j = max(worst_j, abs(leak / j - 1))
    return worst_E, worst_j


def beyond_the_table(current):
    """A march at too large a current runs 1500 V past the table on its way to the root."""
    table = {"table_E_V": [-1.0, 0.0, 5.0], "table_log10_sigma_ele_S_cm": [-7.0, -11.0, -10.5]}
    electrolyte = {"role": "electrolyte", "thickness_cm": 5e-3, "sigma_ion_S_cm": 1e-3}
    coating = {"role": "cathode_coating", "thickness_cm": 1e-6, "sigma_ion_S_cm": 1e-8}
    layers = [electrolyte | table, coating | {"sigma_0_S_cm": 1e-10}]
    return StackEntry(layers=layers, E_anode_V=0, E_cathode_V=4, current_density_A_cm2=current)


def close_points():
    """Points 1e-13 V apart, which stay apart when a table is filled up."""
    table = {
        "table_E_V": [0.0, 2.0, 2.0 + 1e-13, 5.0, 5.0 + 1e-12],
        "table_log10_sigma_ele_S_cm": [-9.0, -9.0, -11.0, -11.0, -11.5],
    }
    electrolyte = {"role": "electrolyte", "thickness_cm": 5e-3, "sigma_ion_S_cm": 1e-3}
    coating = {"role": "cathode_coating", "thickness_cm": 1e-6, "sigma_ion_S_cm": 1e-6}
    layers = [electrolyte | table, coating | {"sigma_0_S_cm": 1e-12}]
    return StackEntry(layers=layers, E_anode_V=0.0, E_cathode_V=4.2)


FEW_POINTS = [shape for shape in SHAPES if shape != "forty points"]


@pytest.mark.parametrize(("current", "count"), [(False, 14), (True, 7)])
def test_random_tables_and_the_reference(current, count):
    """Without current in one batch with the reference file: one program, whatever the points."""
    rng = np.random.default_rng(7)
    stacks = [beyond_the_table(1e-9 if current else 0.0)]
    if not current:
        entries = json.loads((REFERENCE / "open_circuit_tables.json").read_text())
        stacks += [close_points(), *[StackEntry(**entry) for entry in entries]]
    stacks += [random_stack(rng, FEW_POINTS, current=current) for _ in range(count)]
    _solve_program.cache_clear()
    E, j = compare(stacks)
    assert E < 1e-9
    assert j < 1e-9
    assert _solve_program.cache_info().currsize == 1


def test_the_oracle_agrees_with_the_reference():
    """Both in many digits, written apart."""
    for entry in json.loads((REFERENCE / "open_circuit_tables.json").read_text()):
        expected = entry["expected"]
        nodes, j = exactly(StackEntry(**entry), None)
        assert nodes == pytest.approx(expected["nodes_V"], abs=1e-12)
        assert j == pytest.approx(expected["leak_current_density_A_cm2"], rel=1e-12)


@pytest.mark.full
@pytest.mark.parametrize(("current", "count"), [(False, 5000), (True, 1000)])
def test_many_random_tables(current, count):
    rng = np.random.default_rng(8)
    stacks = [
        random_stack(rng, SHAPES if rng.random() < FORTY else FEW_POINTS, current=current)
        for _ in range(count)
    ]
    E, j = compare(stacks)
    assert E < 1e-9
    assert j < 1e-9
