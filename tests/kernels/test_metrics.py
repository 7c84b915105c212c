"""Columns by hand, edges, the elementwise plane against the general way."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import (
    Branches,
    CoatingClass,
    Constant,
    Layer,
    Limits,
    Stack,
    Status,
    ThicknessLimit,
    Window,
    max_electrolyte_thickness,
    max_sigma_ele,
    metrics,
    metrics_of_plane,
    min_electrolyte_sigma_ele,
    min_thickness,
    resolve_boundary,
    solve,
    thickness_at,
)

SE0 = Layer(5e-3, 1e-3, Constant(1e-9))
CL0 = Layer(1e-6, 1e-6, Constant(1e-11))
STACK = Stack((SE0, CL0), 0.0, 4.2)
LIMITS = Limits(Window(1.71, 2.31), (Window(1.74, 3.88),))


def test_by_hand():
    columns = metrics(STACK, LIMITS)
    expected = {
        "interface_potential_V": 4.117646,
        "oxidation_margin_V": 2.31 - 4.117646,
        "reduction_margin_V": 4.117646 - 1.71,
        "anode_side_margin_V": -1.71,
        "min_thickness_nm": 409.1,
        "max_thickness_nm": 100.0,
        "max_sigma_ele_S_cm": 2.44444e-13,
        "max_sigma_ele_at_L_max_S_cm": 2.44444e-12,
        "transport_ratio": 4.091,
        "leak_current_A_cm2": 8.235284e-7,
        "self_discharge_percent_per_month": 19.76,
        "asr_coating_ohm_cm2": 1.0,
        "asr_total_ohm_cm2": 6.0,
    }
    for name, value in expected.items():
        assert float(getattr(columns, name)) == pytest.approx(value, rel=5e-4), name
    assert int(columns.max_thickness_set_by) == ThicknessLimit.RESISTANCE
    assert int(columns.coating_class[0]) == CoatingClass.OXIDISES
    assert not bool(columns.protected)
    assert not bool(columns.feasible)


def test_a_thousandfold_less_electronic_coating_is_feasible():
    film = Layer(6e-6, 1e-6, Constant(1e-12))
    columns = metrics(Stack((SE0, film), 0.0, 4.2), LIMITS)
    assert float(columns.min_thickness_nm) == pytest.approx(40.91, rel=1e-3)
    assert bool(columns.protected)
    assert bool(columns.feasible)
    assert float(columns.max_thickness_nm) < 100.0
    assert int(columns.max_thickness_set_by) == ThicknessLimit.COATING_REDUCTION


@pytest.mark.parametrize("current", [-1e-3, 0.0, 1e-3])
def test_minimum_thickness_under_current(current):
    expected = {-1e-3: 417.21, 0.0: 409.087, 1e-3: 401.27}[current]
    stack = replace(STACK, current_density=current)
    thickness = min_thickness(stack, 2.31)
    assert float(thickness) * 1e7 == pytest.approx(expected, rel=2e-5)
    back = solve(replace(stack, layers=(SE0, replace(CL0, thickness=thickness))))
    assert float(back.nodes[1]) == pytest.approx(2.31, abs=1e-9)


def test_inverses_put_back():
    """Each inverse, put into the stack, brings E* to the limit, contacts and coatings included."""
    anode = Layer(2e-6, 1e-6, Constant(1e-11))
    top = Layer(3e-6, 1e-7, Constant(1e-10))
    film = Layer(3e-5, 1e-6, Constant(1e-12))
    asr = (1e3, 2e3, 1e5, 3e3, 5e3)
    stack = Stack((anode, SE0, film, top), 0.0, 4.2, interface_asr=asr, electrolyte=1)
    E = 2.9

    def node(changed, index):
        layers = list(stack.layers)
        layers[index] = changed
        return float(solve(replace(stack, layers=tuple(layers))).faces[1, 1])

    assert node(replace(film, thickness=min_thickness(stack, E)), 2) == pytest.approx(E)
    assert node(replace(film, sigma_ele=Constant(max_sigma_ele(stack, E))), 2) == pytest.approx(E)
    assert node(replace(SE0, thickness=max_electrolyte_thickness(stack, E)), 1) == pytest.approx(E)
    sigma = Constant(min_electrolyte_sigma_ele(stack, E))
    assert node(replace(SE0, sigma_ele=sigma), 1) == pytest.approx(E)
    own = replace(film, thickness=thickness_at(stack, E, coating_side=True))
    layers = (anode, SE0, own, top)
    assert float(solve(replace(stack, layers=layers)).faces[2, 0]) == pytest.approx(E)


@pytest.mark.parametrize("E", [4.2, 5.0])
def test_nothing_is_needed_where_the_cathode_is_below_the_limit(E):
    assert float(min_thickness(STACK, E)) == 0.0
    assert np.isinf(float(max_sigma_ele(STACK, E)))
    assert np.isinf(float(max_electrolyte_thickness(STACK, E)))
    assert float(min_electrolyte_sigma_ele(STACK, E)) == 0.0


@pytest.mark.parametrize("E", [0.0, -1.0])
def test_nothing_helps_where_the_limit_is_below_the_anode(E):
    assert np.isinf(float(min_thickness(STACK, E)))
    assert float(max_sigma_ele(STACK, E)) == 0.0
    columns = metrics(STACK, Limits(Window(-2.0, E), (Window(1.74, 3.88),)))
    assert int(columns.status) == Status.UNPROTECTABLE


def test_boundaries():
    window = Window(1.71, 2.31)
    bare = resolve_boundary(0.0, 4.2, window, cathode_coated=False)
    assert (float(bare.E_anode), float(bare.E_cathode)) == (1.71, 2.31)
    assert bool(bare.anode_pinned)
    assert bool(bare.cathode_pinned)
    coated = resolve_boundary(0.0, 4.2, window, anode_coated=True)
    assert (float(coated.E_anode), float(coated.E_cathode)) == (0.0, 4.2)
    plain = resolve_boundary(0.0, 4.2, window, choice="electrode", cathode_coated=False)
    assert (float(plain.E_anode), float(plain.E_cathode)) == (0.0, 4.2)
    stable = resolve_boundary(2.0, 2.2, window, cathode_coated=False)
    assert not bool(stable.anode_pinned)
    assert not bool(stable.cathode_pinned)
    with pytest.raises(ValueError, match="auto"):
        resolve_boundary(0.0, 4.2, window, choice="pinned")


def test_interphase_needs_a_more_resistive_coating():
    """R_coating/R_SE from 0.818 to 3.15, the page's own check of the two boundary conditions."""
    ratios = []
    for E_anode in (0.0, 1.71):
        thickness = float(min_thickness(replace(STACK, E_anode=E_anode), 2.31))
        ratios.append(thickness * (1e6 + 1e11) / (5e-3 * (1e3 + 1e9)))
    assert ratios == pytest.approx([0.818, 3.15], rel=1e-3)


WINDOWS = [Window(1.71, 2.31), Window(1.7, 5.0), Window(-2.0, -1.0), Window(jnp.nan, 2.0)]


@pytest.mark.parametrize("asr", [None, (1.0, 2.0, 3.0), (1e5, 1e6, 1e4)])
@pytest.mark.parametrize("window", WINDOWS)
def test_plane_equals_metrics(asr, window):
    limits = Limits(window, (Window(1.74, 3.88),), asr_budget=100.0, area_factor=2.0)
    stack = replace(STACK, interface_asr=asr)
    general, plane = vars(metrics(stack, limits)), vars(metrics_of_plane(stack, limits))
    for name in general:
        pairs = zip(jax.tree.leaves(general[name]), jax.tree.leaves(plane[name]), strict=True)
        for one, other in pairs:
            np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12, err_msg=name)


def test_plane_broadcasts():
    thick, thin = jnp.geomspace(1e-3, 1e-2, 3)[:, None], jnp.geomspace(1e-7, 1e-5, 4)[None]
    stack = Stack((replace(SE0, thickness=thick), replace(CL0, thickness=thin)), 0.0, 4.2)
    plane = metrics_of_plane(stack, LIMITS)
    one = replace(
        STACK, layers=(replace(SE0, thickness=thick[1, 0]), replace(CL0, thickness=thin[0, 2]))
    )
    E = float(metrics(one, LIMITS).interface_potential_V)
    assert float(plane.interface_potential_V[1, 2]) == pytest.approx(E, abs=1e-12)
    assert plane.interface_potential_V.shape == (3, 4)


ON_CHARGE = [
    (Constant(5e-16), 12.4648),
    pytest.param(Branches(5e-16, 0.0, 0.0, 1e-16, 4.1), 13.73466, marks=pytest.mark.full),
]


@pytest.mark.parametrize(("law", "expected_nm"), ON_CHARGE)
def test_on_charge_the_electrolyte_can_fall_below_its_anode_side(law, expected_nm):
    """The anode side pinned at E_red, ions pushed through the electrolyte: E* falls below E_red
    behind a film of some 12 nm, where the resistance alone would allow 420 nm.

    Expected: the integral of dE/[(I + j)/sigma_ion + j/sigma_ele(E)] from 1.71 to 4.2 V (scipy),
    with the j at which the electrolyte ends at 1.71 V."""
    stack = Stack((SE0, Layer(1e-6, 4.202e-7, law)), 1.71, 4.2, current_density=-1e-3)
    limits = Limits(Window(1.71, 2.31), (Window(1.0, 5.0),), asr_budget=100.0)
    columns = metrics(stack, limits)
    assert int(columns.max_thickness_set_by) == ThicknessLimit.ELECTROLYTE_REDUCTION
    assert float(columns.max_thickness_nm) == pytest.approx(expected_nm, rel=1e-5)
    largest = Layer(float(columns.max_thickness_nm) * 1e-7, 4.202e-7, law)
    there = metrics(replace(stack, layers=(SE0, largest)), limits)
    assert float(there.reduction_margin_V) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.full
def test_a_film_that_conducts_holes_at_the_cathode_never_brings_it_below():
    """dE/dx changes its sign at 2.71 V here: from 4.2 V it leads upwards, never to 1.71 V."""
    film = Layer(1e-6, 4.202e-7, Branches(5e-16, 0.0, 0.0, 1e-16, 2.5))
    stack = Stack((SE0, film), 1.71, 4.2, current_density=-1e-3)
    assert np.isinf(float(thickness_at(stack, 1.71)))


def test_at_rest_no_thickness_brings_the_electrolyte_below_its_anode_side():
    stack = Stack((SE0, Layer(1e-6, 4.202e-7, Constant(5e-16))), 1.71, 4.2)
    assert np.isinf(float(thickness_at(stack, 1.71)))
    assert np.isinf(float(thickness_at(replace(stack, current_density=-1e-12), 1.0)))


@pytest.mark.parametrize("judged", [metrics, metrics_of_plane])
def test_a_cathode_below_the_oxidation_limit_needs_no_conductivity(judged):
    """E* cannot exceed E_cathode at open circuit, whatever the coating conducts."""
    for ion, ele in ((jnp.nan, 1e-12), (1e-6, jnp.nan), (jnp.nan, jnp.nan)):
        stack = Stack((SE0, Layer(1e-6, ion, Constant(ele))), 1.71, 2.2)
        columns = judged(stack, LIMITS)
        assert float(columns.min_thickness_nm) == 0.0
        assert bool(columns.oxidation_protected)
        assert int(columns.status) == Status.MISSING_PROPERTY


FILM = Layer(1e-6, 1e-7, Constant(1e-12))


@pytest.mark.parametrize(
    ("reduction", "own_reduction"), [(1.71, 1.74), (1.71, 2.9), (2.25, -1.0), (4.3, 1.0)]
)
def test_below_a_transport_ratio_of_one_some_thickness_works(reduction, own_reduction):
    """The ratio of the columns: the film of which 41 nm protect reduces from a few nm on."""
    limits = Limits(Window(reduction, 2.31), (Window(own_reduction, 5.0),), asr_budget=1e4)
    columns = metrics(Stack((SE0, FILM), 0.0, 4.2), limits)
    ratio = float(columns.transport_ratio)
    smallest, largest = float(columns.min_thickness_nm), float(columns.max_thickness_nm)
    if largest > 0:
        assert ratio == pytest.approx(smallest / largest)
    assert (ratio < 1) == (smallest < largest)
    if ratio < 1:
        middle = Layer(0.5e-7 * (smallest + largest), 1e-7, Constant(1e-12))
        assert bool(metrics(Stack((SE0, middle), 0.0, 4.2), limits).feasible)
