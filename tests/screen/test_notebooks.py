"""What a notebook shows: stacks, answers and runs with units; rows of a run as DataFrames."""

import math
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import muli
from muli.kernels import Branches, Constant, Layer, Table
from muli.screen.errors import SpecError, UsageError
from muli.screen.interactive.stack import entry_of, stack_of
from tests.quick import quick_jit
from tests.screen.conftest import ROW

ELECTROLYTE = Layer(40e-4, 2e-3, Constant(5e-9))
COATING = Layer(3.5e-7, 1e-7, Constant(1e-12))
STACK = muli.Stack((ELECTROLYTE, COATING), E_anode=0.0, E_cathode=4.3)


def test_a_stack_shows_layers_with_units():
    assert repr(STACK).splitlines() == [
        "Stack 0 V to 4.3 V, 298.15 K, from the anode:",
        "  electrolyte: Layer(40 um, sigma_ion 0.002 S/cm, sigma_ele 5e-09 S/cm)",
        "  cathode coating: Layer(3.5 nm, sigma_ion 1e-07 S/cm, sigma_ele 1e-12 S/cm)",
    ]
    assert "<td>3.5 nm</td>" in STACK._repr_html_()


def test_every_law_current_and_contact_is_told():
    branches = Layer(1e-6, 1e-6, Branches(1e-13, 1e-12, 1.7, 0.0, 4.0))
    grid = jnp.linspace(0.0, 5.0, 9)
    table = Layer(1e-6, 1e-6, Table(grid, -12.0 + 0.0 * grid))
    text = repr(muli.Stack((branches, ELECTROLYTE, table), 0.0, 4.3, 333.15, 1e-3,
                           (0.0, 1.0, 2.0, 0.0), electrolyte=1))  # fmt: skip
    for phrase in (
        "333.15 K, 1 mA/cm2, contacts 0, 1, 2, 0 ohm cm2",
        "anode coating: Layer(10 nm",
        "1e-13 S/cm + electrons 1e-12 S/cm at 1.7 V (slope 1)",
        "cathode coating: Layer(10 nm, sigma_ion 1e-06 S/cm, sigma_ele table of 9 points, E 0 to 5",
    ):
        assert phrase in text


@quick_jit
@jax.vmap
def solved(thickness):
    layers = (ELECTROLYTE, Layer(thickness, 1e-7, Constant(1e-12)))
    return muli.solve(muli.Stack(layers, 0.0, 4.3))


def test_a_solution_shows_status_nodes_and_leak_also_of_many():
    many = solved(jnp.array([3.5e-7, 1e-6, -1.0]))
    assert "status ok (2), input_out_of_range (1)" in repr(many)
    one = jax.tree.map(lambda leaf: leaf[0], many)
    assert repr(one).startswith("Solution(status ok, nodes 0, 2.99")
    assert repr(one).endswith("A/cm2)")
    assert "<td>status</td><td>ok</td>" in one._repr_html_()


def test_inside_a_program_numbers_are_shown_by_their_type():
    shown = []

    @jax.jit
    def leak(thickness):
        stack = muli.Stack((ELECTROLYTE, Layer(thickness, 1e-7, Constant(1e-12))), 0.0, 4.3)
        solution = muli.solve(stack)
        shown.extend([repr(stack), repr(solution)])
        return solution.leak_current_density

    leak(1e-7)
    assert "float64[]" in shown[0]
    assert "float64" in shown[1]


def test_profile_takes_an_array_of_any_shape():
    x = [[0.0, 20e-4], [40e-4, 40.0035e-4]]

    @quick_jit
    def found():
        solution = muli.solve(STACK)
        inside = muli.profile(STACK, solution, x).potential
        return inside, muli.profile(STACK, solution, x[0][1]).potential, solution.nodes

    inside, middle, nodes = found()
    assert inside.shape == (2, 2)
    assert inside[0, 1] == pytest.approx(float(middle), abs=1e-12)
    expected = [0.0, float(nodes[1]) / 2, float(nodes[1]), 4.3]
    assert inside.ravel().tolist() == pytest.approx(expected, abs=1e-9)


def test_a_stack_from_names_has_the_numbers_of_its_cell():
    given = {"cathode": "NMC811", "anode": "Li-In", "celsius": 60, "sigma_ele": 5e-12}
    stack = muli.Stack.from_materials("Li6PS5Cl", 40, "LiNbO3", 3.5, **given)
    cell = muli.cell(electrolyte="Li6PS5Cl", um=40, coating="LiNbO3", nm=3.5, **given)
    same = cell.stack
    assert jax.tree.leaves(stack) == jax.tree.leaves(same)
    nodes = quick_jit(lambda: muli.solve(stack).nodes)()
    assert nodes[1] == pytest.approx(cell.answer.row["interface_potential_V"], abs=1e-9)
    assert float(stack.layers[1].thickness) == pytest.approx(3.5e-7)
    bare = muli.Stack.from_materials("Li6PS5Cl", 40, cathode=4.3)
    assert len(bare.layers) == 1
    with pytest.raises(SpecError, match="sigma_ele of LiNbO3 unknown"):
        muli.Stack.from_materials("Li6PS5Cl", 40, "LiNbO3", 3.5, cathode=4.3)
    with pytest.raises(SpecError, match="no argument 'celcius'; closest: celsius"):
        muli.Stack.from_materials("Li6PS5Cl", 40, cathode=4.3, celcius=60)


def test_a_stack_goes_through_its_entry_and_back(tmp_path):
    grid = jnp.linspace(0.0, 5.0, 8)
    for law in (Constant(1e-12), Branches(1e-13, 1e-12, 1.7, 2e-12, 4.0), Table(grid, grid - 14.0)):
        stack = muli.Stack((ELECTROLYTE, Layer(1e-6, 1e-7, law)), 0.0, 4.3, 310.0)
        again = stack_of(entry_of(stack))
        leaves = zip(jax.tree.leaves(again), jax.tree.leaves(stack), strict=True)
        assert all(np.allclose(a, b) for a, b in leaves)
    assert muli.plot(STACK, tmp_path / "stack.svg") is not None
    assert (tmp_path / "stack.svg").read_text().startswith("<?xml")
    with pytest.raises(SpecError, match=r"stack: layer 0: thickness_cm = -1\.0; expected"):
        muli.plot(muli.Stack((Layer(-1.0, 1e-3, Constant(1e-9)),), 0.0, 4.3))


def test_read_gives_rows_to_pandas_polars_and_arrow(folder_of):
    folder = folder_of([{}, {"coating": "B"}, {"coating": "C", "min_thickness_nm": math.inf}, {}])
    frame = muli.read(folder)
    assert frame["coating"].tolist() == ["A", "B", "C", "A"]
    assert set(ROW) <= set(frame.columns)
    chosen = muli.read(folder, columns=["coating", "min_thickness_nm"], to="polars")
    assert chosen.columns == ["coating", "min_thickness_nm"]
    assert chosen["coating"].to_list() == ["A", "B", "C", "A"]
    lazy = muli.read(folder, to="arrow")
    assert lazy.count_rows() == 4
    with pytest.raises(UsageError, match="no column 'coatng'; closest: coating"):
        muli.read(folder, columns=["coatng"])
    with pytest.raises(UsageError, match="expected one of pandas, polars, arrow"):
        muli.read(folder, to="panda")


def test_read_leaves_out_damaged_parts_and_warns(folder_of):
    folder = folder_of([{}] * 4)
    part = sorted(folder.glob("part-*.parquet"))[0]
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    with pytest.warns(UserWarning, match="left out"):
        assert len(muli.read(folder)) == 1


def test_reading_parts_loads_no_jax(folder_of):
    folder = folder_of([{}])
    code = f"import sys, muli; muli.read({str(folder)!r}); print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_ranking_loads_no_jax(folder_of):
    words = ["muli", "rank", str(folder_of([{}]))]
    code = "import sys; sys.modules['jax'] = None; from muli.screen.cli.app import main; main()"
    run = f"import sys; sys.argv = {words!r}; {code}"
    subprocess.run([sys.executable, "-c", run], capture_output=True, text=True, check=True)
