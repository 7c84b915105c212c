"""The what-if panel answers as the kernels do, at many settings."""

import numpy as np
import pytest

from muli.kernels import Constant, Layer, Limits, Stack, Window, metrics, resolve_boundary
from muli.kernels.constants import CM_PER_NM, CM_PER_UM
from muli.screen.space.conductivity import Measured, used_on_host

SETTINGS = {
    "coating_thickness_nm": (0.5, 500),
    "coating_sigma_ion_S_cm": (1e-9, 1e-5),
    "coating_sigma_ele_S_cm": (1e-14, 1e-8),
    "electrolyte_thickness_um": (5, 500),
    "electrolyte_sigma_ion_S_cm": (1e-5, 1e-2),
    "electrolyte_sigma_ele_S_cm": (1e-11, 1e-7),
    "cathode_potential_V": (2.5, 4.8),
    "asr_budget_ohm_cm2": (1, 100),
}
AS_THEY_ARE = {"anode_electrode_V": (-0.2, 2.4), "current_density_mA_cm2": (-3, 3)}
"""Settings that are drawn evenly, not in decades."""
VOLTS = (
    "terminal_voltage_V",
    "interface_potential_V",
    "oxidation_margin_V",
    "reduction_margin_V",
    "coating_oxidation_margin_V",
    "coating_reduction_margin_V",
)
NUMBERS = (
    "min_thickness_nm",
    "max_thickness_nm",
    "max_sigma_ele_S_cm",
    "leak_current_A_cm2",
    "self_discharge_percent_per_month",
    "asr_coating_ohm_cm2",
    "asr_total_ohm_cm2",
)
TYPE = """
for (const [name, value] of Object.entries(arguments[0])) {
  const field = document.querySelector(`#whatif-controls input[name="${name}"]`);
  field.value = String(value);
  field.dispatchEvent(new Event("change"));
}
"""
START = "return unpack(JSON.parse(document.querySelector('#data').textContent).starts)[0]"
READ_STATE = "return JSON.parse(document.querySelector('#whatif').dataset.state)"
READ = """
const nodes = [...document.querySelectorAll("[data-answer]")];
return Object.fromEntries(nodes.map((n) => [n.dataset.answer, n.dataset.value]));
"""


def _kernels(settings, start):
    """The same stack by the kernels, in float64."""
    layers = (
        Layer(
            settings["electrolyte_thickness_um"] * CM_PER_UM,
            settings["electrolyte_sigma_ion_S_cm"],
            Constant(settings["electrolyte_sigma_ele_S_cm"]),
        ),
        Layer(
            settings["coating_thickness_nm"] * CM_PER_NM,
            settings["coating_sigma_ion_S_cm"],
            Constant(settings["coating_sigma_ele_S_cm"]),
        ),
    )
    windows = [
        Window(start[f"{role}_reduction_limit_V"], start[f"{role}_oxidation_limit_V"])
        for role in ("electrolyte", "coating")
    ]
    limits = Limits(
        windows[0],
        (windows[1],),
        asr_budget=settings["asr_budget_ohm_cm2"],
        areal_capacity=start["areal_capacity_mAh_cm2"],
    )
    ends = resolve_boundary(
        settings["anode_electrode_V"],
        settings["cathode_potential_V"],
        windows[0],
        choice="auto" if start["pins"] else "electrode",
    )
    stack = Stack(
        layers,
        ends.E_anode,
        ends.E_cathode,
        current_density=settings["current_density_mA_cm2"] * 1e-3,
    )
    return metrics(stack, limits, boundary=ends)


def _settings(count):
    """Every second is at open circuit over lithium."""
    random = np.random.default_rng(7)
    for i in range(count):
        drawn = {n: float(np.exp(random.uniform(*np.log(r)))) for n, r in SETTINGS.items()}
        drawn |= {name: random.uniform(*ends) for name, ends in AS_THEY_ARE.items()}
        if i % 2 == 0:
            drawn |= dict.fromkeys(AS_THEY_ARE, 0.0)
        yield {name: float(f"{value:.4g}") for name, value in drawn.items()}


def _value(found):
    return found[0] if isinstance(found, tuple) else found


@pytest.fixture(scope="module")
def panel(browser, report):
    browser.emulate()
    return browser.open(report)


def test_numbers_and_verdicts_are_those_of_the_kernels(panel):
    start = panel.run(START)
    verdicts = set()
    for settings in _settings(60):
        panel.run(TYPE, settings)
        shown, expected = panel.run(READ), _kernels(settings, start)
        for name in VOLTS:
            assert float(shown[name]) == pytest.approx(
                float(_value(getattr(expected, name))), abs=1e-9
            ), (name, settings)
        for name in NUMBERS:
            assert float(shown[name]) == pytest.approx(
                float(_value(getattr(expected, name))), rel=1e-9
            ), (name, settings)
        verdict = panel.run("return document.querySelector('#whatif-verdict').textContent")
        assert (verdict == "protects") == bool(expected.feasible), settings
        assert (verdict == "fails") == (not bool(expected.protected)), settings
        verdicts.add(verdict)
    assert verdicts == {"protects", "fails", "too resistive"}


def test_conductivities_follow_the_temperature_as_a_run_has_them(panel):
    """Arrhenius where an activation energy is known, unchanged where none is."""
    start = panel.run(START)
    panel.run(TYPE, {"temperature_K": start["temperature_K"]})
    before = panel.run(READ_STATE)
    checked = 0
    for temperature in (263.0, 298.15, 318.0, 353.0):
        panel.run(TYPE, {"temperature_K": temperature})
        now = panel.run(READ_STATE)
        for role in ("coating", "electrolyte"):
            for kind in ("sigma_ion", "sigma_ele"):
                activation = start[f"{role}_{kind}_activation_eV"]
                measured = Measured(
                    before[f"{role}_{kind}_S_cm"],
                    0.0 if activation is None else activation,
                    start["temperature_K"],
                )
                expected = float(used_on_host(kind, measured, temperature))
                assert now[f"{role}_{kind}_S_cm"] == pytest.approx(expected, rel=1e-9)
                checked += activation is not None
    assert checked >= 4
    notes = panel.run("return document.querySelector('#whatif-notes').textContent")
    said = notes.partition("Temperature leaves constant: ")[2].partition(". No activation")[0]
    labels = {"coating": "Coating", "electrolyte": "Electrolyte", "ion": "σi", "ele": "σe"}
    held = [
        f"{labels[role]} {labels[kind]}"
        for role in ("coating", "electrolyte")
        for kind in ("ion", "ele")
        if not start[f"{role}_sigma_{kind}_activation_eV"]
    ]
    assert said == ", ".join(held)
    panel.run(TYPE, {"temperature_K": start["temperature_K"]})


def test_a_wrong_formula_would_be_seen(panel):
    """The comparison has teeth: a stack one part in 1e6 thicker gives other numbers."""
    start = panel.run(START)
    settings = next(_settings(1))
    panel.run(TYPE, settings)
    shown = float(panel.run(READ)["interface_potential_V"])
    thicker = {**settings, "coating_thickness_nm": settings["coating_thickness_nm"] * (1 + 1e-6)}
    assert abs(shown - float(_kernels(thicker, start).interface_potential_V)) > 1e-9


def test_sliders_move_profile_and_verdict_from_the_keyboard(panel):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    panel.draw_all()
    panel.run(TYPE, {**next(_settings(1)), "coating_sigma_ele_S_cm": 1e-8})
    line = "[data-picture=whatif-profile] .mark-line path"
    curve = f"return document.querySelector('{line}').getAttribute('d')"
    before, sentence = panel.run(curve), panel.run(READ)["interface_potential_V"]
    slider = panel.driver.find_element(By.ID, "whatif-coating_sigma_ele_S_cm")
    slider.send_keys(Keys.HOME)
    assert panel.run(READ)["interface_potential_V"] != sentence
    panel.wait(f"return (() => {{ {curve} }})() !== arguments[0]", before)


def test_a_value_that_is_no_number_is_refused_and_changes_nothing(panel):
    before = panel.run(READ)
    panel.run(TYPE, {"coating_thickness_nm": "-3"})
    panel.run(TYPE, {"electrolyte_thickness_um": "thick"})
    assert panel.run(READ) == before
    bad = "return document.querySelectorAll('#whatif-controls [aria-invalid=true]').length"
    assert panel.run(bad) == 2
