"""The panel grows interphases as `muli age` does, and with holes as a run does."""

import jax
import numpy as np
import pytest

from muli.kernels import AgeingHoles, AgeingLayer, AgeingRising, AgeingRow, ageing
from muli.kernels.constants import BOLTZMANN_EV, CM_PER_NM, CM_PER_UM
from muli.screen.solving.age import answers_to
from muli.screen.solving.age_file import AgeEntry
from tests.browser.test_what_if import READ, READ_STATE, TYPE

YEAR = 3.15576e7
SETTINGS = {
    "coating_thickness_nm": (0.5, 500),
    "coating_sigma_ion_S_cm": (1e-9, 1e-5),
    "coating_sigma_ele_S_cm": (1e-14, 1e-9),
    "electrolyte_thickness_um": (5, 500),
    "electrolyte_sigma_ele_S_cm": (1e-11, 1e-8),
    "interphase_sigma_ion_S_cm": (1e-9, 1e-5),
    "interphase_sigma_ele_S_cm": (1e-14, 1e-9),
    "ageing_years": (1e-4, 50),
    "asr_budget_ohm_cm2": (5, 500),
    "hole_radius_nm": (5, 200),
}
OURS = {
    "interphase_nm": "interphase_nm",
    "anode_interphase_nm": "anode_interphase_nm",
    "asr_interphase_ohm_cm2": "asr_interphase_ohm_cm2",
    "anode_lithium_lost_uAh_cm2": "anode_lithium_lost_uAh_cm2",
    "interphase_final_nm": "final_nm",
}


@pytest.fixture(scope="module")
def panel(browser, report):
    browser.emulate()
    return browser.open(report)


def shown_at(panel, count, coverages):
    """States of the panel and its numbers at random settings."""
    random = np.random.default_rng(11)
    found = []
    for place in range(count):
        drawn = {n: float(np.exp(random.uniform(*np.log(r)))) for n, r in SETTINGS.items()}
        drawn = {name: float(f"{value:.4g}") for name, value in drawn.items()}
        panel.run(TYPE, {**drawn, "coverage": coverages[place % len(coverages)]})
        numbers = panel.run(READ)
        found.append((panel.run(READ_STATE), {name: _number(x) for name, x in numbers.items()}))
    return found


def _number(text):
    return np.nan if text == "null" else float(text.replace("Infinity", "inf"))


def entry_of(state):
    """The panel's cell as one of a file."""
    own, anode = (
        {
            "sigma_ion_S_cm": s["sigma_ion_S_cm"],
            "sigma_ele_S_cm": s["sigma_ele_S_cm"],
            "volume_per_charge_cm3_C": s["volume_per_charge_cm3_C"],
        }
        for s in (state["products"]["coated"], state["products"]["anode"])
    )
    own |= {kind: state[f"interphase_{kind}"] for kind in ("sigma_ion_S_cm", "sigma_ele_S_cm")}
    layers = [
        {
            "role": role,
            "thickness_cm": thickness,
            "sigma_ion_S_cm": state[f"{material}_sigma_ion_S_cm"],
            "sigma_0_S_cm": state[f"{material}_sigma_ele_S_cm"],
        }
        for role, material, thickness in (
            ("electrolyte", "electrolyte", state["electrolyte_thickness_um"] * CM_PER_UM),
            ("cathode_coating", "coating", state["coating_thickness_nm"] * CM_PER_NM),
        )
    ]
    return AgeEntry(
        layers=layers,
        E_anode_V=state["anode_electrode_V"],
        E_cathode_V=state["cathode_potential_V"],
        temperature_K=state["temperature_K"],
        oxidation_limit_V=state["electrolyte_oxidation_limit_V"],
        reduction_limit_V=state["electrolyte_reduction_limit_V"],
        interphase=own,
        anode_interphase=anode,
        times_s=[state["ageing_years"] * YEAR],
    )


def row_of(state):
    """The panel's cell as a row of a run."""
    film = state["coating_thickness_nm"] * CM_PER_NM
    length = state["electrolyte_thickness_um"] * CM_PER_UM
    ion, ele = state["electrolyte_sigma_ion_S_cm"], state["electrolyte_sigma_ele_S_cm"]
    asr = film / state["coating_sigma_ion_S_cm"]
    own = {kind: state[f"interphase_{kind}"] for kind in ("sigma_ion_S_cm", "sigma_ele_S_cm")}

    def layer(p):
        slope = p["hole_slope"] / (BOLTZMANN_EV * state["temperature_K"])
        rate = p["reaction_rate_cm_s"]
        return AgeingLayer(
            p["sigma_ion_S_cm"],
            p["sigma_ele_S_cm"],
            p["volume_per_charge_cm3_C"],
            np.inf if rate is None else rate,
            AgeingRising(slope, p["hole_reference_V"], p["hole_floor_S_cm"]),
        )

    return AgeingRow(
        E_anode=state["anode_electrode_V"],
        E_cathode=state["cathode_potential_V"],
        reduction=state["electrolyte_reduction_limit_V"],
        oxidation=state["electrolyte_oxidation_limit_V"],
        electrolyte_resistance=length * (1 / ion + 1 / ele),
        coating_resistance=asr + film / state["coating_sigma_ele_S_cm"],
        asr_coating=asr,
        asr_budget=state["asr_budget_ohm_cm2"],
        area_factor=1.0,
        cathode=layer({**state["products"]["coated"], **own}),
        anode=layer(state["products"]["anode"]),
        electrolyte_thickness=length,
        anode_counts=float(state["count_anode_side"]),
        holes=AgeingHoles(
            state["coverage"],
            state["hole_radius_nm"] * CM_PER_NM,
            layer(state["products"]["bare"]),
        ),
    )


def test_growth_is_that_of_muli_age(panel):
    found = shown_at(panel, 30, [1.0])
    answers = answers_to([entry_of(state) for state, _ in found])
    held = 0
    for (state, shown), answer in zip(found, answers, strict=True):
        for name, key in OURS.items():
            expected = np.ravel(answer[key])[0]
            assert shown[name] == pytest.approx(expected, rel=1e-9, abs=1e-12), (name, state)
        held += answer["final_nm"] > 0
    assert 5 < held < 30


def test_holes_grow_as_in_a_run(panel):
    found = shown_at(panel, 30, [0.0, 0.05, 0.5, 0.9, 0.99, 1.0])
    rows = [row_of(state) for state, _ in found]
    times = np.array([[state["ageing_years"] * YEAR] for state, _ in found])
    with jax.enable_x64(True):
        batch = jax.tree.map(lambda *leaves: np.array(leaves, float), *rows)
        aged = jax.jit(jax.vmap(lambda row, t: ageing(row, t, t[0])))(batch, times)
    for place, (state, shown) in enumerate(found):
        for name in (*OURS, "unprotected_share"):
            expected = float(np.ravel(np.asarray(getattr(aged, name))[place])[0])
            assert shown[name] == pytest.approx(expected, rel=1e-9, abs=1e-9), (name, state)
        expected = float(aged.years_to_budget[place])
        assert shown["years_to_budget"] == pytest.approx(expected, rel=1e-5), state


def test_an_impossible_coverage_is_refused(panel):
    panel.run(TYPE, {"coverage": 0.5})
    panel.run(TYPE, {"coverage": 1.5})
    assert panel.run(READ_STATE)["coverage"] == 0.5


def test_its_picture_follows_the_sliders(panel):
    panel.draw_all()
    line = "[data-picture=whatif-growth] .mark-line path"
    curve = f"return document.querySelector('{line}').getAttribute('d')"
    panel.run(TYPE, {"coverage": 1, "coating_sigma_ele_S_cm": 1e-8})
    before = panel.run(curve)
    panel.run(TYPE, {"interphase_sigma_ele_S_cm": 1e-15})
    panel.wait(f"return (() => {{ {curve} }})() !== arguments[0]", before)
    assert panel.errors() == []
