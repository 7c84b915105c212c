"""Interphases that grow: reference answers, limits, balances, derivatives, single precision."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import (
    Branches,
    Constant,
    GrowthEnd,
    Interphase,
    Layer,
    Stack,
    Status,
    Window,
    growth,
    min_thickness,
)
from tests.quick import quick_jit

TIMES = jnp.asarray([3600.0, 86400.0, 2.592e6, 3.15576e7, 3.15576e8])
WINDOW = Window(1.71, 2.01)
SE = Layer(3e-3, 1.9e-3, Constant(5e-9))
COATING = Layer(5e-7, 1.3e-7, Constant(1e-11))
PRODUCTS = Interphase(1e-6, Constant(1e-11), 6.8e-4)
REDUCED = Interphase(7e-7, Constant(2e-12), 2.5e-4)
COATED = Stack((SE, COATING), 0.0, 4.27)


def build(entry):
    """Stack, window and products of one reference case."""
    case = entry["case"]
    area = case.get("area_factor", 1.0)
    electrolyte = Layer(case["L_se_cm"], case["si_se"], Constant(case["se_se"]))
    rate = case.get("k_rxn_cm_s", jnp.inf)
    products = Interphase(case["si_i"], Constant(case["se_i"]), case["v_cm3_C"], rate)
    if case.get("side") == "anode":
        stack = Stack((electrolyte,), case["E_a"], case["E_se_cathode"])
        return stack, Window(case["E_red"], jnp.nan), {"anode": products}, 1.0
    coating = Layer(case["L_c_cm"] / area, case["si_c"], Constant(case["se_c"]))
    layers = (electrolyte, coating) if case["L_c_cm"] else (electrolyte,)
    stack = Stack(layers, case["E_se_anode"], case["E_c"])
    return stack, Window(jnp.nan, case["E_ox"]), {"cathode": products}, area


@pytest.mark.parametrize("number", range(8))
def test_reference(tools, number):
    entry = tools["read"]("interphase_growth")[number]
    stack, window, products, area = build(entry)
    times = jnp.asarray([at["t_s"] for at in entry["expected"]["at"]])
    found = grow(stack, window, times, products, area)
    side = found.anode if found.cathode is None else found.cathode
    expected = [at["interphase_nm"] * 1e-7 for at in entry["expected"]["at"]]
    np.testing.assert_allclose(side.thickness, expected, rtol=1e-13)
    final = entry["expected"]["final_nm"]
    assert float(side.final) == pytest.approx(np.inf if final is None else final * 1e-7, rel=1e-13)
    assert int(found.status) == Status.OK


@quick_jit
def grow(stack, window, times, products, area_factor):
    """One program for every cell of one shape."""
    return growth(stack, window, times, area_factor=area_factor, **products)


def cathode(stack=COATED, window=WINDOW, times=TIMES, products=PRODUCTS, area_factor=1.0):
    return grow(stack, window, times, {"cathode": products}, area_factor).cathode


def test_the_final_interphase_and_the_coating_protect_together():
    """l_inf has the resistance that the coating lacks."""
    found = cathode()
    needed = float(min_thickness(replace(COATED, E_anode=1.71), 2.01)) * (1 / 1.3e-7 + 1e11)
    have = 5e-7 * (1 / 1.3e-7 + 1e11) + float(found.final) * (1e6 + 1e11)
    assert have == pytest.approx(needed, rel=1e-12)


def test_nothing_grows_where_the_coating_protects():
    needed = float(min_thickness(replace(COATED, E_anode=1.71), 2.01))
    thick = replace(COATED, layers=(SE, replace(COATING, thickness=1.001 * needed)))
    found = cathode(thick)
    assert np.all(np.asarray(found.thickness) == 0.0)
    assert float(found.final) == 0.0
    assert np.all(np.asarray(found.end) == GrowthEnd.NOTHING_GROWS)


def test_parabola_without_a_leak_through_the_electrolyte():
    """r l^2/2 + R l = v D t; the area factor cancels where lithium is on both sides."""
    alike = replace(COATED, E_anode=2.01)
    early = TIMES[:4]  # later the electrolyte is consumed
    for area in (1.0, 20.0):
        layers = (SE, replace(COATING, thickness=5e-7 / area))
        found = cathode(replace(alike, layers=layers), times=early, area_factor=area)
        length = np.asarray(found.thickness)
        R, r = 5e-7 * (1 / 1.3e-7 + 1e11), 1e6 + 1e11
        driven = 6.8e-4 * (4.27 - 2.01) * np.asarray(early)
        np.testing.assert_allclose(r * length**2 / 2 + R * length, driven, rtol=1e-12)
        assert np.isinf(float(found.final))


def test_a_week_on_lithium():
    """24.8 nm per root hour with v, sigma_ion and sigma_ele of Li | Li6PS5Cl."""
    bare = Stack((SE,), 0.0, 1.71)
    products = {"anode": REDUCED}
    hour = grow(bare, Window(1.71, jnp.nan), jnp.asarray([3600.0]), products, 1.0).anode
    assert float(hour.thickness[0]) * 1e7 == pytest.approx(24.8, abs=0.02)
    assert float(hour.resistance[0]) == pytest.approx(24.8e-7 / 7e-7, rel=1e-3)


@pytest.mark.parametrize("name", ["time", "sigma_ele", "cathode potential"])
def test_thicker_with(name):
    factors = jnp.linspace(1.0, 1.2, 9)

    def final(factor):
        if name == "time":
            return cathode(times=TIMES[:2] * factor).thickness
        if name == "sigma_ele":
            return cathode(products=replace(PRODUCTS, sigma_ele=Constant(1e-11 * factor))).thickness
        return cathode(replace(COATED, E_cathode=4.27 * factor)).thickness

    assert np.all(np.diff(np.asarray(jax.vmap(final)(factors))[:, 0]) > 0)


def test_charge_is_what_the_two_leaks_differ_by():
    """d(charge)/dt = j_up - j_SE, j_up of the stack with its interphase as one more layer."""
    _, rate = jax.jvp(lambda t: cathode(times=t).charge, (TIMES,), (jnp.ones_like(TIMES),))
    found = grow(COATED, WINDOW, TIMES, {"cathode": PRODUCTS}, 1.0)
    R = 5e-7 * (1 / 1.3e-7 + 1e11) + np.asarray(found.cathode.thickness) * (1e6 + 1e11)
    np.testing.assert_allclose(
        rate, (4.27 - 2.01) / R - float(found.faces.leak), atol=1e-13 * 2.26 / R[0], rtol=1e-9
    )


def test_both_sides_and_area_factor():
    both = grow(COATED, WINDOW, TIMES, {"cathode": PRODUCTS, "anode": REDUCED}, 20.0)
    one = grow(COATED, WINDOW, TIMES, {"anode": REDUCED}, 1.0)
    np.testing.assert_allclose(both.anode.thickness, one.anode.thickness)
    length = np.asarray(both.cathode.thickness)
    np.testing.assert_allclose(both.cathode.resistance, length / 1e-6 / 20, rtol=1e-14)
    np.testing.assert_allclose(both.cathode.charge, 20 * length / 6.8e-4, rtol=1e-14)
    assert one.cathode is None
    assert bool(both.faces.anode_pinned)


def test_ends():
    slow = replace(PRODUCTS, reaction_rate=1e-13)
    found = cathode(times=TIMES[:1], products=slow)
    assert int(found.end[0]) == GrowthEnd.BELOW_MONOLAYER
    metallic = replace(PRODUCTS, sigma_ele=Constant(jnp.inf), volume_ratio=0.5)
    eaten = cathode(Stack((SE,), 1.71, 4.27), products=metallic)
    assert int(eaten.end[-1]) == GrowthEnd.CONSUMED
    assert float(eaten.thickness[-1]) == pytest.approx(1.5e-3)


@pytest.mark.parametrize(
    ("products", "status"),
    [
        (replace(PRODUCTS, sigma_ion=jnp.nan), Status.MISSING_PROPERTY),
        (replace(PRODUCTS, volume_per_charge=-1.0), Status.INPUT_OUT_OF_RANGE),
        (replace(PRODUCTS, reaction_rate=0.0), Status.INPUT_OUT_OF_RANGE),
    ],
)
def test_products_that_cannot_be_used(products, status):
    found = grow(COATED, WINDOW, TIMES, {"cathode": products}, 1.0)
    assert int(found.status) == status
    assert np.all(np.isnan(np.asarray(found.cathode.thickness)))


POINT = jnp.asarray([3e-3, 5e-9, 5e-7, 1.3e-7, 1e-11, 1e-6, 1e-11, 6.8e-4, 4.27, 2.01, 8.64e4])


@pytest.mark.parametrize("anode", [0.5, 2.01])
def test_derivatives(anode):
    """Also with the same potential at both faces, where l_inf is infinite (E_ox is an edge then,
    and the electrolyte does not count)."""

    def at(p):
        electrolyte = Layer(p[0], 1.9e-3, Constant(p[1]))
        stack = Stack((electrolyte, Layer(p[2], p[3], Constant(p[4]))), anode, p[8])
        products = Interphase(p[5], Constant(p[6]), p[7], 1e-9)
        window = Window(jnp.nan, p[9] + 1e-12)
        return growth(stack, window, p[10:], cathode=products).cathode.thickness[0]

    many = quick_jit(jax.vmap(at))
    value, gradient = quick_jit(jax.value_and_grad(at))(POINT)
    gradient = np.asarray(gradient) * POINT
    steps = 1e-5 * jnp.diag(POINT)
    differences = (
        np.asarray(many(POINT[None] + steps)) - np.asarray(many(POINT[None] - steps))
    ) / 2e-5
    active = np.arange(11) if anode < 2 else np.array([2, 3, 4, 5, 6, 7, 8, 10])
    tolerance = 1e-7 * float(value)
    np.testing.assert_allclose(gradient[active], differences[active], atol=tolerance, rtol=1e-6)


def test_single_precision():
    """Thickness within 2e-5 of double precision over random cells and six decades of time."""
    rng = np.random.default_rng(3)
    logs = rng.uniform([-7, -13, -7, -13, -4], [-5.5, -10, -5, -10, -3], (500, 5))
    anodes, rates = rng.choice([0.0, 1.71], 500), 10.0 ** rng.choice([-9.0, 30.0], 500)

    def one(row, anode, rate):
        film = Layer(row[0], jnp.asarray(1e-7, row.dtype), Constant(row[1]))
        products = Interphase(row[2], Constant(row[3]), row[4], rate)
        stack = Stack((as_type(SE, row.dtype), film), anode, jnp.asarray(4.27, row.dtype))
        window = Window(jnp.asarray(1.71, row.dtype), jnp.asarray(2.01, row.dtype))
        return growth(stack, window, TIMES.astype(row.dtype), cathode=products).cathode.thickness

    answers = []
    for dtype in (jnp.float32, jnp.float64):
        rows, ends, k = (jnp.asarray(np.float32(x), dtype) for x in (10.0**logs, anodes, rates))
        answers.append(np.asarray(quick_jit(jax.vmap(one))(rows, ends, k)))
    single, double = answers
    assert single.dtype == np.float32
    marginal = (double == 0) | (single == 0)
    assert np.all(np.abs(single - double)[marginal] < 1e-9)
    error = np.abs(single / np.where(marginal, 1.0, double) - 1)[~marginal]
    assert np.quantile(error, 0.99) < 2e-5


def as_type(tree, dtype):
    return jax.tree.map(lambda leaf: jnp.asarray(np.float32(leaf), dtype), tree)


HOLES = Branches(1e-12, 0.0, 0.0, 1e-11, 3.4, 1.0, 0.25)


@pytest.fixture(scope="module")
def behind_a_film(tools):
    """Products with a hole branch behind a constant film, by quadrature; and d/d(parameters)."""

    def at(p):
        products = Interphase(1e-6, replace(HOLES, sigma_p=p[0], E_p=p[1]), 6.8e-4, p[2])
        stack = Stack((SE, Layer(p[3], 1.3e-7, Constant(1e-11))), 1.71, 4.27)
        return growth(stack, WINDOW, p[4:], cathode=products).cathode.thickness

    return tools["quick_jit"](jax.vmap(at))


def test_a_law_of_products_that_hardly_bends_is_a_constant(behind_a_film):
    """A hole branch that adds a millionth moves l by as little."""
    p = jnp.asarray([[1e-30, 3.4, jnp.inf, 5e-7, *TIMES]] * 3)
    found = behind_a_film(p)[0]
    products = replace(PRODUCTS, sigma_ele=Constant(1e-12))
    expected = cathode(replace(COATED, E_anode=1.71), products=products).thickness
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_holes_in_the_products_make_them_thicker(behind_a_film):
    p = jnp.asarray([[s, 3.4, jnp.inf, 5e-7, *TIMES] for s in (1e-12, 1e-11, 1e-10)])
    assert np.all(np.diff(np.asarray(behind_a_film(p))[:, 0]) > 0)
