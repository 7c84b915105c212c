"""The columns of ageing against `growth`, their inverses, and what lives."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Constant, Interphase, Stack, Window, growth
from muli.kernels import Layer as Film
from muli.kernels.metrics.ageing import (
    SECONDS_PER_YEAR,
    ageing,
    asr_after,
    lives,
    max_interphase_sigma_ele,
    time_to_budget,
)
from muli.kernels.metrics.ageing_row import Layer, Rising, Row, _per_length
from tests.quick import quick_jit

TIMES = jnp.asarray([3600.0, 2.6298e6, 3.15576e7])
LIFE = jnp.asarray(10 * SECONDS_PER_YEAR)
COUNT = 64


def random_rows(seed=5):
    rng = np.random.default_rng(seed)

    def logs(low, high):
        return jnp.asarray(10.0 ** rng.uniform(low, high, COUNT))

    def layer():
        rate = jnp.where(rng.random(COUNT) < 0.5, jnp.inf, logs(-13, -9))
        return Layer(logs(-8, -5), logs(-15, -9), logs(-4, -3.3), rate)

    film = logs(-7, -5.5), logs(-8, -6), logs(-16, -11)
    area = jnp.asarray(rng.choice([1.0, 20.0], COUNT))
    thickness, ion, electron = film
    return film, Row(
        E_anode=jnp.asarray(rng.choice([0.0, 1.9], COUNT)),
        E_cathode=jnp.asarray(rng.uniform(1.9, 4.5, COUNT)),
        reduction=jnp.full(COUNT, 1.71),
        oxidation=jnp.asarray(rng.uniform(2.0, 4.3, COUNT)),
        electrolyte_resistance=3e-3 * (1 / 2e-3 + 1 / logs(-10, -8)),
        coating_resistance=thickness / area * (1 / ion + 1 / electron),
        asr_coating=thickness / area / ion,
        asr_budget=jnp.full(COUNT, 30.0),
        area_factor=area,
        cathode=layer(),
        anode=layer(),
        electrolyte_thickness=jnp.full(COUNT, jnp.inf),
        anode_counts=jnp.ones(COUNT),
    )


def in_general(film, row):
    """The same row by `growth`."""
    thickness, ion, electron = film
    sigma = 1.0 / (row.electrolyte_resistance / 3e-3 - 1 / 2e-3)
    layers = (
        Film(3e-3, 2e-3, Constant(sigma)),
        Film(thickness / row.area_factor, ion, Constant(electron)),
    )
    sides = [
        Interphase(k.sigma_ion, Constant(k.sigma_ele), k.volume_per_charge, k.reaction_rate, 1e9)
        for k in (row.cathode, row.anode)
    ]
    return growth(
        Stack(layers, row.E_anode, row.E_cathode),
        Window(row.reduction, row.oxidation),
        TIMES,
        cathode=sides[0],
        anode=sides[1],
        area_factor=row.area_factor,
    )


@pytest.fixture(scope="module")
def columns():
    film, rows = random_rows()
    one = quick_jit(jax.vmap(lambda row: ageing(row, TIMES, LIFE)))
    return film, rows, one(rows)


def test_columns_are_those_of_growth(columns):
    film, rows, found = columns
    whole = quick_jit(jax.vmap(in_general))(film, rows)
    close = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(found.interphase_nm, whole.cathode.thickness * 1e7, **close)
    np.testing.assert_allclose(found.anode_interphase_nm, whole.anode.thickness * 1e7, **close)
    total = whole.cathode.resistance + whole.anode.resistance
    np.testing.assert_allclose(found.asr_interphase_ohm_cm2, total, **close)
    np.testing.assert_allclose(found.interphase_final_nm, whole.cathode.final * 1e7, **close)
    charge = whole.cathode.charge / 3600e-6
    np.testing.assert_allclose(found.electrolyte_oxidised_uAh_cm2, charge, **close)
    assert np.sum(np.asarray(whole.cathode.thickness[:, -1]) > 0) > 10
    assert np.sum(np.asarray(whole.cathode.thickness[:, -1]) == 0) > 10


def test_inverses_put_back(columns):
    """The budget is reached at years_to_budget, and just holds with the largest sigma_ele."""
    _, rows, found = columns
    years = np.asarray(found.years_to_budget)
    finite = np.isfinite(years) & (years > 0)
    assert finite.sum() > 5

    def spent(row, time):
        aged = ageing(row, time[None], LIFE)
        return row.asr_coating + aged.asr_interphase_ohm_cm2[0]

    at = quick_jit(jax.vmap(spent))(rows, jnp.where(finite, years, 1.0) * SECONDS_PER_YEAR)
    np.testing.assert_allclose(np.asarray(at)[finite], 30.0, rtol=1e-6)
    sigma = np.asarray(found.max_interphase_sigma_ele_S_cm)
    placed = (sigma > 1e-29) & (sigma < 1e7)
    assert placed.sum() > 5
    holds = np.asarray(found.asr_after_life_ohm_cm2) <= 30.0
    has = np.asarray(rows.cathode.sigma_ele)
    np.testing.assert_array_equal(holds[placed], (has <= sigma)[placed])
    assert np.all(holds[sigma == np.inf])
    assert not np.any(holds[sigma == 0])
    assert np.all(holds == (years * SECONDS_PER_YEAR >= float(LIFE)))


def test_what_lives(columns):
    """The quick way says what the resistance after a life says."""
    _, rows, found = columns
    alive = quick_jit(jax.vmap(lambda row: lives(row, LIFE)))(rows).as_it_is
    np.testing.assert_array_equal(alive, np.asarray(found.asr_after_life_ohm_cm2) <= 30.0)
    assert 5 < np.sum(np.asarray(alive)) < COUNT - 5


def test_what_is_unknown_stays_unknown():
    _, rows = random_rows()
    row = jax.tree.map(lambda leaf: leaf[0], rows)
    blank = replace(row, oxidation=jnp.asarray(jnp.nan))
    assert np.isnan(float(time_to_budget(blank)))
    assert np.isnan(float(asr_after(blank, LIFE)))
    without = replace(row, asr_budget=jnp.asarray(jnp.nan))
    assert np.isnan(float(max_interphase_sigma_ele(without, LIFE)))


def test_products_whose_conductivity_rises_above_a_floor():
    """The mean of sigma_ion sigma_ele/(sigma_ion + sigma_ele) between the ends, by quadrature."""
    E = np.linspace(2.0, 4.3, 200_001)
    for ion, ele, slope, floor in ((1e-7, 3.6e-10, 10.5, 1e-12), (1e-10, 1e-9, 10.5, 3e-10),
                                   (1e-7, 1e-11, 5.0, 0.0)):  # fmt: skip
        electronic = floor + ele * np.exp(slope * (E - 4.3))
        mean = np.trapezoid(ion * electronic / (ion + electronic), E) / (E[-1] - E[0])
        with jax.enable_x64(True):
            made = Layer(ion, ele, 2e-4, np.inf, Rising(slope, 4.3, floor))
            ends = jnp.asarray(2.0), jnp.asarray(4.3)
            found = _per_length(jax.tree.map(jnp.asarray, made), ends)
        assert float(found) == pytest.approx(1.0 / mean, rel=1e-8)
