"""Stacks solved elsewhere by quadrature and bracketed roots: nodes, current, inverses."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Branches, Status, leak_current, max_sigma_ele, min_thickness, solve


def closed_form(stack):
    """The same stack with slopes as plain ones and the current as a plain zero."""
    layers = tuple(
        replace(k, sigma_ele=replace(k.sigma_ele, z_n=1.0, z_p=1.0)) for k in stack.layers
    )
    return replace(stack, layers=layers, current_density=0.0)


def at_open_circuit(stack):
    """The same stack with its current as a plain zero; slopes stay numbers of the batch."""
    return replace(stack, current_density=0.0)


def worst(solution, entries):
    """Largest error of a node over max(1, slope), and of j."""
    nodes = np.array([entry["expected"]["nodes_V"] for entry in entries])
    leak = np.array([entry["expected"]["leak_current_density_A_cm2"] for entry in entries])
    potential = np.asarray(jax.vmap(lambda one: one.nodes)(solution))
    scale = np.maximum(1.0, np.asarray(solution.slope))[:, None]
    assert np.all(np.asarray(solution.status) == Status.OK)
    return (
        np.max(np.abs(potential - nodes) / scale),
        np.max(np.abs(np.asarray(solution.leak_current_density) / leak - 1)),
    )


@pytest.mark.parametrize("name", ["open_circuit_constant", "under_current_constant"])
def test_constant_laws(tools, name):
    entries = tools["read"](name)
    for count in sorted({len(entry["layers"]) for entry in entries}):
        same = [entry for entry in entries if len(entry["layers"]) == count]
        batch = tools["batch_of"]([tools["stack_of"](entry, constant=True) for entry in same])
        E, j = worst(jax.vmap(solve)(batch), same)
        assert E < 1e-10
        assert j < 1e-10


@pytest.fixture(scope="module")
def solve_closed_form(tools):
    return tools["quick_jit"](jax.vmap(lambda stack: solve(closed_form(stack))))


@pytest.mark.parametrize(
    ("name", "tolerance"), [("open_circuit_branches", 1e-9), ("open_circuit_three_layers", 1e-8)]
)
def test_branches_of_slope_one(tools, solve_closed_form, name, tolerance):
    entries = tools["read"](name)
    batch = tools["batch_of"]([tools["stack_of"](entry) for entry in entries])
    E, j = worst(solve_closed_form(batch), entries)
    assert tolerance > E
    assert j < 1e-8


@pytest.mark.parametrize(
    ("name", "constant", "prepare"),
    [
        ("open_circuit_branches", False, closed_form),
        ("under_current_constant", True, lambda stack: stack),
    ],
)
def test_leak_alone(tools, name, constant, prepare):
    entries = [entry for entry in tools["read"](name) if len(entry["layers"]) == 2]
    batch = tools["batch_of"]([tools["stack_of"](entry, constant=constant) for entry in entries])
    found = tools["quick_jit"](jax.vmap(lambda stack: leak_current(prepare(stack))))(batch)
    known = [entry["expected"]["leak_current_density_A_cm2"] for entry in entries]
    assert np.asarray(found) == pytest.approx(np.asarray(known), rel=1e-8)


def with_five_layers(stack):
    """The same stack, its last layer cut into thin ones: a cut changes nothing."""
    *others, last = stack.layers
    pieces = 5 - len(others)
    thin = replace(last, thickness=last.thickness / pieces)
    return replace(stack, layers=(*others, *[thin] * pieces))


@pytest.mark.full
def test_any_slopes_and_layers_open_circuit(tools):
    """Both files with every slope, one to five layers, in one program of five layers; in short runs
    the stack file's tests solve them."""
    entries = tools["read"]("open_circuit_branches_slopes") + tools["read"]("open_circuit_mixed")
    stacks = [replace(tools["stack_of"](e), electrolyte=0) for e in entries]
    batch = tools["batch_of"]([with_five_layers(stack) for stack in stacks])
    run = tools["quick_jit"](jax.vmap(lambda stack: solve(at_open_circuit(stack))))
    solution = run(batch)
    assert np.all(np.asarray(solution.status) == Status.OK)
    for index, entry in enumerate(entries):
        expected = entry["expected"]
        kept = len(entry["layers"])
        nodes = np.asarray(solution.faces[index, :kept, 0])
        scale = max(1.0, float(solution.slope[index]))
        assert np.max(np.abs(nodes - expected["nodes_V"][:-1])) < 1e-7 * scale
        leak = float(solution.leak_current_density[index])
        assert leak == pytest.approx(expected["leak_current_density_A_cm2"], rel=1e-6)


def test_inverses(tools):
    entries = tools["read"]("inverse")
    constant = [entry for entry in entries if entry["conductivity_law"] == "constant"]
    branches = [entry for entry in entries if entry["conductivity_law"] == "branches"]
    assert constant
    assert branches
    for group, prepare in ((constant, lambda stack: stack), (branches, at_open_circuit)):
        stacks = [tools["stack_of"](entry, constant=group is constant) for entry in group]
        limits = jnp.asarray([entry["oxidation_limit_V"] for entry in group])
        run = tools["quick_jit"](
            jax.vmap(lambda s, E, prepare=prepare: min_thickness(prepare(s), E))
        )
        thickness = np.asarray(run(tools["batch_of"](stacks), limits))
        expected = [entry["expected"]["min_thickness_cm"] for entry in group]
        np.testing.assert_allclose(thickness, expected, rtol=1e-7)
    batch = tools["batch_of"]([tools["stack_of"](entry, constant=True) for entry in constant])
    limits = jnp.asarray([entry["oxidation_limit_V"] for entry in constant])
    sigma = np.asarray(jax.vmap(max_sigma_ele)(batch, limits))
    expected = [entry["expected"]["max_sigma_ele_S_cm"] for entry in constant]
    np.testing.assert_allclose(sigma, [np.inf if x is None else x for x in expected], rtol=1e-7)


def mirrored(stack):
    """The same stack with the hole branch of every layer as its electron branch, and vice versa."""

    def mirror(law):
        return Branches(
            law.sigma_0, law.sigma_p, law.E_p, law.sigma_n, law.E_n, z_n=law.z_p, z_p=law.z_n
        )

    layers = tuple(replace(k, sigma_ele=mirror(k.sigma_ele)) for k in stack.layers)
    return replace(stack, layers=layers)


def test_a_wrong_sign_would_be_seen(tools, solve_closed_form):
    """The reference tells hole from electron branches: exchanged, most stacks are off by far."""
    entries = tools["read"]("open_circuit_branches")
    stacks = [mirrored(tools["stack_of"](entry)) for entry in entries]
    solution = solve_closed_form(tools["batch_of"](stacks))
    nodes = np.array([entry["expected"]["nodes_V"] for entry in entries])
    moved = np.abs(np.asarray(solution.faces[:, 0, 1]) - nodes[:, 1])
    assert np.median(moved) > 0.1


def test_a_node_two_volts_off_is_never_ok_in_single_precision(tools):
    """Three layers of which the middle node was 2 V off with a small residual."""
    (entry,) = tools["read"]("float32_three_layers")
    expected = np.array(entry["expected"]["nodes_V"])
    stack = tools["stack_of"](entry)
    single = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), stack)
    for given, within in ((stack, 1e-8), (single, 1e-5)):
        found = solve(given)
        off = np.abs(np.asarray(found.nodes, float) - expected).max()
        assert int(found.status) != Status.OK or off < within, (off, int(found.status))
