"""The table of interphases: every row is sound, derivations hold, priors fill the rest."""

import math

import numpy as np
import pytest

from muli import candidates
from muli.candidates import reality
from muli.candidates.defaults import BOLTZMANN_EV_K
from muli.candidates.interphases import (
    ANY,
    KINDS,
    PARTNERS,
    PROPERTIES,
    interphases,
    products,
)

TABLE = interphases()


def test_every_row_is_sound():
    known = set(candidates.load(role="electrolyte")["name"]) | {ANY}
    sources = set(reality.sources()["id"])
    for row in TABLE.to_dict("records"):
        assert row["electrolyte"] in known
        assert row["partner"] in PARTNERS[row["side"]]
        assert row["property"] in PROPERTIES
        assert row["kind"] in KINDS
        assert row["derivation"]
        named = [each.strip() for each in row["source"].split(";") if each.strip()]
        assert set(named) <= sources
        assert bool(named) == (row["kind"] == "derived")
        if row["property"] != "products":
            assert float(row["value"]) > 0
    keys = TABLE[["electrolyte", "side", "partner", "property"]]
    assert not keys.duplicated().any()


@pytest.mark.parametrize(("side", "partner"), [(s, p) for s in PARTNERS for p in PARTNERS[s]])
def test_the_prior_knows_every_side(side, partner):
    found = products("an electrolyte without a row", side, partner)
    for estimate in (found.sigma_ion, found.sigma_ele, found.volume_per_charge):
        assert estimate.kind == "prior"
        assert estimate.sd_log10 > 0
    assert found.names == ()
    assert found.reaction_rate is None


def test_lithium_on_argyrodite_as_derived():
    """sigma_ion, sigma_ele and v from the published charge, thickness and resistance."""
    rows = reality.growth()
    rows = rows[rows["electrolyte_material"] == "Li6PS5Cl"]

    def value(quantity, source):
        found = rows[(rows["quantity"] == quantity) & (rows["source"] == source)]
        return float(found["value"].iloc[0])

    thickness = value("SEI thickness (from charge)", "Aktekin2023") * 1e-7
    resistance = value("rate constant, resistance", "Asakura2021")
    current = value("instantaneous loss current", "Aktekin2023") * 1e-9
    factor = value("thickness factor", "Aktekin2023") * 1e-7
    found = products("Li6PS5Cl", "anode", "lithium")
    assert found.sigma_ion.value == pytest.approx(thickness / math.sqrt(400) / resistance, rel=0.05)
    assert found.sigma_ele.value == pytest.approx(current * thickness / 1.71, rel=0.2)
    assert found.volume_per_charge.value == pytest.approx(factor / 3600e-6, rel=1e-12)
    assert found.names == ("Li2S", "Li3P", "LiCl")


@pytest.mark.parametrize("electrolyte", ["Li3InCl6", "Li3YCl6", "Li4GeS4"])
def test_products_with_metal_conduct_as_the_measured_ones_do_and_are_less_sure(electrolyte):
    found, measured = (
        products(name, "anode", "lithium").sigma_ele for name in (electrolyte, "Li10GeP2S12")
    )
    assert found.value == measured.value
    assert found.kind == "prior"
    assert found.sd_log10 > measured.sd_log10


def test_a_side_that_does_not_exist():
    with pytest.raises(ValueError, match="no interphase cathode"):
        products("Li6PS5Cl", "cathode", "lithium")


@pytest.mark.parametrize("cathode_V", [3.4, 4.0, 4.3, 4.6])
def test_an_oxide_adds_to_what_the_products_conduct(cathode_V):
    """The integral of sigma_ele from 2.01 V: never less than under a coating, 16 times at 4.3 V."""
    bare = products("Li6PS5Cl", "cathode", "oxide")
    coated = products("Li6PS5Cl", "cathode", "coating")
    E = np.linspace(2.01, cathode_V, 20_001)
    slope = bare.hole_slope.value / (BOLTZMANN_EV_K * 298.15)
    rising = bare.sigma_ele.value * np.exp(slope * (E - bare.hole_reference.value))
    whole = np.trapezoid(bare.hole_floor.value + rising, E)
    ratio = whole / (coated.sigma_ele.value * (cathode_V - 2.01))
    assert ratio > 1.0
    if cathode_V == 4.3:
        assert ratio == pytest.approx(16.0, rel=0.02)
