"""Stacks of every shape through the programs of `muli solve`, against quadrature of the equation.

Solutions are unique: faces and a current that contradict no layer are the solution. The length
of every layer is integrated again by Gauss-Legendre in numpy, with no formula of the kernels.
"""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from muli.kernels import Status
from muli.kernels.constants import BOLTZMANN_EV
from muli.screen.solving.batches import profiles, solve_stacks
from muli.screen.solving.solve_file import FRACTIONS
from muli.screen.solving.stack_file import StackEntry

REFERENCE = Path(__file__).parents[1] / "reference"


def stacks_of_reference():
    """Files of stacks; growing interphases have a form of their own."""
    return (path for path in REFERENCE.glob("*.json") if path.stem != "interphase_growth")


SOLVED_BY_KERNELS = ("inverse", "open_circuit_branches", "open_circuit_three_layers")
"""Reference files that tests/kernels/test_reference.py solves: here with `make test-full`."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


def speed(layer, volt, a, leak, E):
    """dE/dx in V/cm."""
    electrons = layer.sigma_n_S_cm * np.exp(
        np.minimum(-layer.z_n * (E - layer.E_n_V) / volt, 700.0)
    )
    holes = layer.sigma_p_S_cm * np.exp(np.minimum(layer.z_p * (E - layer.E_p_V) / volt, 700.0))
    return a + leak / (layer.sigma_0_S_cm + electrons + holes)


def length_between(layer, volt, a, leak, left, right):
    """Length (cm) from face to face, infinite where the potential stands still or turns on the way;
    panels graded towards faces and the slowest place."""
    uniform = np.linspace(left, right, 2 + int(4 * abs(right - left) / volt))
    slowest = uniform[np.argmin(np.abs(speed(layer, volt, a, leak, uniform)))]
    steps = (right - left) * np.geomspace(1e-15, 1.0, 90)
    graded = [left + steps, right - steps, slowest + steps, slowest - steps]
    edges = np.unique(np.clip(np.concatenate([uniform, *graded]), *sorted((left, right))))
    half = 0.5 * np.diff(edges)
    slope = speed(layer, volt, a, leak, edges[:-1, None] + half[:, None] * (1.0 + NODES))
    if np.any(slope * (right - left) <= 0):
        return np.inf
    return np.sum(half[:, None] * WEIGHTS / np.abs(slope))


def misfit(layer, stack, leak, left, right, part=1.0):
    """By how many V a layer misses the length of a part of it, judged at its slower face."""
    volt = BOLTZMANN_EV * stack.temperature_K
    a = (stack.current_density_A_cm2 + leak) / layer.sigma_ion_S_cm
    slowest = min(abs(speed(layer, volt, a, leak, E)) for E in (left, right))
    if abs(right - left) < 1e-9:
        return right - left - part * layer.thickness_cm * speed(layer, volt, a, leak, left)
    length = length_between(layer, volt, a, leak, left, right)
    return (length - part * layer.thickness_cm) * slowest


def fits(layer, stack, leak, left, right, part=1.0):
    """Within 1e-8 V, or within 1e-8 of the current."""
    if abs(misfit(layer, stack, leak, left, right, part)) < 1e-8:
        return True
    changed = [misfit(layer, stack, leak * (1 + x), left, right, part) for x in (-1e-8, 1e-8)]
    return changed[0] * changed[1] < 0


def contradiction(stack, solution):
    """What in a solution contradicts the equations; None if nothing does."""
    leak, faces = float(solution.leak_current_density), np.asarray(solution.faces)
    if int(solution.status) != Status.OK:
        return Status(int(solution.status)).label
    contacts = stack.contacts or (0.0,) * (len(faces) + 1)
    outer = np.array([stack.E_anode_V, *faces.ravel(), stack.E_cathode_V]).reshape(-1, 2)
    drops = (stack.current_density_A_cm2 + leak) * np.asarray(contacts)
    if np.max(np.abs(np.diff(outer)[:, 0] - drops)) > 1e-9 * max(1.0, np.max(np.abs(faces))):
        return "contacts"
    for index, (layer, (left, right)) in enumerate(zip(stack.layers, faces, strict=True)):
        if not fits(layer, stack, leak, left, right):
            return f"layer {index}"
    return None


def draw_layer(draw, role):
    """One layer of a kind screened: wide ranges, every slope, any of the three terms."""

    def log_uniform(low, high):
        return float(np.exp(draw.uniform(np.log(low), np.log(high))))

    electrolyte = role == "electrolyte"
    floor = log_uniform(1e-11, 1e-8) if electrolyte else log_uniform(1e-14, 1e-9)
    has = draw.random(3) < (0.7, 0.6, 0.6)
    slopes = [float(z) for z in draw.choice([1.0, 0.5, 0.25], 2)]
    edges = ((-0.5, 1.0), (3.0, 4.6)) if electrolyte else ((-0.6, 1.8), (3.7, 5.3))
    return {
        "role": role,
        "thickness_cm": log_uniform(1e-3, 5e-2) if electrolyte else log_uniform(1e-7, 2e-5),
        "sigma_ion_S_cm": log_uniform(1e-4, 1e-2) if electrolyte else log_uniform(1e-9, 6e-6),
        "sigma_0_S_cm": floor if has[0] or not has.any() else 0.0,
        "sigma_n_S_cm": log_uniform(1e-8, 1e-3) if has[1] else 0.0,
        "E_n_V": float(draw.uniform(*edges[0])),
        "z_n": slopes[0],
        "sigma_p_S_cm": log_uniform(1e-8, 1e-3) if has[2] else 0.0,
        "E_p_V": float(draw.uniform(*edges[1])),
        "z_p": slopes[1],
    }


def draw_stack(draw, *, current):
    """One to five layers, a resistance at some interfaces, charge or discharge."""
    count = int(draw.integers(1, 6))
    before = int(draw.integers(0, 2)) if count > 1 else 0
    after = count - 1 - before
    roles = ["anode_coating"] * before + ["electrolyte"] + ["cathode_coating"] * after
    entry = {
        "layers": [draw_layer(draw, role) for role in roles],
        "E_anode_V": float(draw.choice([0.0, 0.1, 0.62, 1.55])),
        "E_cathode_V": float(draw.uniform(3.4, 4.75)),
        "temperature_K": float(draw.choice([233.15, 298.15, 333.15, 398.15])),
    }
    if current:
        size = float(np.exp(draw.uniform(np.log(1e-5), np.log(5e-3))))
        entry["current_density_A_cm2"] = float(draw.choice([-1.0, 1.0])) * size
    if draw.random() < 0.3:
        resistances = np.exp(draw.uniform(0.0, 7.0, count + 1)) * (draw.random(count + 1) < 0.5)
        entry["interface_asr_ohm_cm2"] = [float(R) for R in resistances]
    return StackEntry.model_validate(entry)


def draw_stacks(seed, count):
    draw = np.random.default_rng(seed)
    return [draw_stack(draw, current=bool(number % 2)) for number in range(count)]


def contradictions(stacks, solved):
    found = [contradiction(k, one.solution) for k, one in zip(stacks, solved, strict=True)]
    return {number: what for number, what in enumerate(found) if what}


def layer(role, thickness, sigma_ion, floor=0.0, electrons=(0.0, 0.0, 1.0), holes=(0.0, 0.0, 1.0)):
    return {
        "role": role,
        "thickness_cm": thickness,
        "sigma_ion_S_cm": sigma_ion,
        "sigma_0_S_cm": floor,
        **dict(zip(("sigma_n_S_cm", "E_n_V", "z_n"), electrons, strict=True)),
        **dict(zip(("sigma_p_S_cm", "E_p_V", "z_p"), holes, strict=True)),
    }


def stacks_with_a_lost_march():
    """An integral that ends decides the current, and a later layer makes the march from the anode
    forget that it is lost there: it goes on steadily at wrong potentials."""
    first = [
        layer("electrolyte", 7.8e-3, 4.1e-3, 0.0, (3.6e-6, 0.87, 0.25), (6.1e-7, 3.2, 1.0)),
        layer("cathode_coating", 1.36e-6, 2.3e-6, 0.0, (1.9e-6, -0.24, 1.0)),
        layer("cathode_coating", 2e-6, 1.9e-7, 0.0, holes=(7.9e-4, 3.87, 0.5)),
        layer("cathode_coating", 5e-6, 1.4e-7, 2.9e-12),
    ]
    second = [
        layer("electrolyte", 6.7e-3, 1.8e-4, 0.0, (8.2e-6, -0.32, 0.5)),
        layer("cathode_coating", 4.9e-6, 2.1e-6, 0.0, holes=(1.4e-4, 5.26, 0.5)),
        layer("cathode_coating", 5.6e-7, 9.3e-9, 7e-13),
        layer("cathode_coating", 1.4e-6, 1.6e-8, 0.0, holes=(3.8e-5, 5.0, 0.25)),
    ]
    contacts = [82.0, 0.0, 28.0, 280.0, 14.0]
    numbers = [
        {"layers": first, "E_anode_V": 0.1, "E_cathode_V": 4.56, "current_density_A_cm2": 2e-4},
        {"layers": second, "E_anode_V": 0.0, "E_cathode_V": 4.705}
        | {"current_density_A_cm2": -2.4e-5, "interface_asr_ohm_cm2": contacts},
    ]
    at_rest = [one | {"current_density_A_cm2": 0.0} for one in numbers]
    return [StackEntry.model_validate(one) for one in numbers + at_rest]


def solved_and_profiled(stacks):
    with jax.enable_x64(True):
        solved = solve_stacks(stacks)
        return solved, profiles(solved, FRACTIONS)


def entries_of(files):
    return [entry for file in sorted(files) for entry in json.loads(file.read_text())]


def everything():
    """Reference stacks, those known to be hard and random ones, solved and profiled."""
    files = stacks_of_reference()
    entries = entries_of(file for file in files if file.stem not in SOLVED_BY_KERNELS)
    stacks = [StackEntry.model_validate(entry) for entry in entries]
    stacks += [*stacks_with_a_lost_march(), *draw_stacks(20, 16)]
    return entries, stacks, *solved_and_profiled(stacks)


def assert_as_expected(entries, solved, inside):
    """Nodes, current and profiles; the number of places profiled."""
    profiled = 0
    for entry, one, profile in zip(entries, solved, inside, strict=False):
        expected, solution = entry["expected"], one.solution
        if "nodes_V" in expected:
            nodes = [solution.faces[0, 0], *solution.faces[:, 1]]
            scale = max(1.0, float(solution.slope))
            assert nodes == pytest.approx(expected["nodes_V"], abs=1e-8 * scale, rel=0)
            leak = expected["leak_current_density_A_cm2"]
            assert float(solution.leak_current_density) == pytest.approx(leak, rel=1e-6)
        for place in expected.get("profile", []) or entry.get("profile", []):
            E = profile.potential[place["layer"], FRACTIONS.index(place["fraction"])]
            assert pytest.approx(place["E_V"], abs=1e-6) == E
            profiled += 1
    return profiled


@pytest.mark.full
def test_every_reference_stack():
    entries = entries_of(stacks_of_reference())
    stacks = [StackEntry.model_validate(entry) for entry in entries]
    assert assert_as_expected(entries, *solved_and_profiled(stacks)) > 100


def test_reference_stacks_and_random_ones():
    """One test, so that one process alone solves them all."""
    entries, stacks, solved, inside = everything()
    assert assert_as_expected(entries, solved, inside) > 100
    assert_profiles_satisfy_the_equation(stacks[-20:], solved[-20:], inside[-20:])
    assert_the_quadrature_sees_a_wrong_current(stacks[-1], solved[-1])


def assert_profiles_satisfy_the_equation(stacks, solved, inside):
    assert contradictions(stacks, solved) == {}
    for stack, one, profile in zip(stacks, solved, inside, strict=True):
        leak = float(one.solution.leak_current_density)
        for layer, E, (left, right) in zip(
            stack.layers, profile.potential, one.solution.faces, strict=True
        ):
            for fraction, potential in zip(FRACTIONS, E, strict=True):
                assert fits(layer, stack, leak, left, potential, fraction) or fits(
                    layer, stack, leak, potential, right, 1.0 - fraction
                )


@pytest.mark.full
@pytest.mark.parametrize("seed", range(21, 26))
def test_many_random_stacks_satisfy_the_equation(seed):
    stacks = draw_stacks(seed, 400)
    with jax.enable_x64(True):
        assert contradictions(stacks, solve_stacks(stacks)) == {}


def assert_the_quadrature_sees_a_wrong_current(stack, solved):
    assert stack.current_density_A_cm2
    wrong = stack.model_copy(update={"current_density_A_cm2": 0.0})
    assert contradiction(wrong, solved.solution)
