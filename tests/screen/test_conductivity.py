"""One rule for a conductivity at a temperature: run, design and map use the same numbers."""

import numpy as np
import pytest

from muli import candidates
from muli.kernels.constants import BOLTZMANN_EV
from muli.screen.optimize.read import chosen_materials, scenarios, tables_at
from muli.screen.space.conductivity import Measured, said, used_on_host
from muli.screen.space.evidence import beliefs
from muli.screen.space.facts import used_column
from muli.screen.space.problem import prepare
from muli.screen.space.source import source_of

TEMPERATURES = [233.0, 298.0, 350.0]


def screen(**axes):
    cell = {"coating": "*", "electrolyte": "*", "cathode": ["NMC811"]}
    spec = {"axes": {**cell, "temperature_K": TEMPERATURES, **axes}}
    return source_of({**spec, "screen": {"boundary": ["auto", "electrode"]}})


def both(source, role, kind):
    """(materials, temperatures) as a run and as a design use them.

    All cells of a temperature and a boundary share their tables: those of the first are read.
    """
    run = used_column(prepare(source), role, kind)
    materials = chosen_materials(source, None)[1]
    found = {}
    for scenario in scenarios(source.spec, materials):
        key = scenario.numbers["temperature_K"], scenario.boundary
        if key not in found:
            found[key] = tables_at(materials, scenario)[role][f"{kind}_S_cm"]
    of_design = [
        [found[T, name].to_numpy(float) for T in TEMPERATURES] for name in ("auto", "electrode")
    ]
    np.testing.assert_array_equal(*of_design)
    return run, np.array(of_design[0]).T


@pytest.mark.parametrize("role", ["coating", "electrolyte"])
@pytest.mark.parametrize("kind", ["sigma_ion", "sigma_ele"])
def test_a_run_and_a_design_use_the_same_conductivity_of_every_material(role, kind):
    run, design = both(screen(electrolyte_thickness_um=[30]), role, kind)
    assert run.axes == (role, "temperature_K")
    assert np.isfinite(design).sum() > 10
    np.testing.assert_allclose(run.values, design, rtol=1e-14)


def test_a_typed_value_holds_at_the_temperature_of_the_row():
    run, design = both(screen(**{"coating.sigma_ion_S_cm": [3e-7]}), "coating", "sigma_ion")
    assert run.values.tolist() == [3e-7]
    assert (design == 3e-7).all()


def test_a_typed_value_with_its_measuring_temperature_is_scaled():
    typed = {"coating.sigma_ion_S_cm": [3e-7], "coating.sigma_ion_temperature_K": [350.0]}
    run, design = both(
        screen(coating=["LiNbO3"], **typed, **{"coating.sigma_ion_activation_eV": [0.5]}),
        "coating",
        "sigma_ion",
    )
    expected = 3e-7 * 350 / 298 * np.exp(-0.5 / BOLTZMANN_EV * (1 / 298 - 1 / 350))
    assert design[0, 1] == pytest.approx(expected, rel=1e-12)
    assert run.values.ravel()[1] == pytest.approx(expected, rel=1e-12)
    assert design[0, 2] == pytest.approx(3e-7)


def test_without_an_activation_energy_ions_are_unknown_far_away_and_electrons_held():
    for kind, far in (("sigma_ion", np.nan), ("sigma_ele", 1e-9)):
        measured = Measured(1e-9, np.nan, np.nan)
        np.testing.assert_equal(used_on_host(kind, measured, 350.0), far)
        np.testing.assert_equal(used_on_host(kind, measured, 320.0), 1e-9)


def test_what_was_done_to_a_value_is_said():
    table = candidates.load(role="coating").set_index("name", drop=False)
    known = table[table.sigma_ion_S_cm.notna() & table.sigma_ion_activation_eV.notna()]
    name = known.index[0]
    assert said(known.loc[[name]], 298.15) == []
    assert "scaled to 350 K with" in said(known.loc[[name]], 350.0)[0][1]
    assert said(known.loc[[name]], 350.0, frozenset(["sigma_ion_S_cm", "sigma_ele_S_cm"])) == []


@pytest.mark.parametrize("kelvin", [300.0, 350.0])
def test_what_is_believed_of_a_users_number_is_what_a_row_uses(tmp_path, kelvin):
    """Measured at 340 K: neither is it one of 298 K for the probabilities."""
    table = tmp_path / "films.csv"
    table.write_text(
        "name,formula,role,sigma_ion_S_cm,sigma_ion_activation_eV,sigma_ion_temperature_K,source\n"
        "film,LiNbO3,coating,1e-6,0.6,340,here\n"
    )
    axes = {"coating": {"file": str(table)}, "coating_thickness_nm": [10.0], "anode": ["Li"]}
    axes |= {"electrolyte": ["Li6PS5Cl"], "electrolyte_thickness_um": [30.0]}
    problem = prepare(
        source_of({"axes": axes | {"cathode": ["NMC811"], "temperature_K": [kelvin]}})
    )
    believed = beliefs(problem).fields["sigma_ion"]
    used = used_column(problem, "coating", "sigma_ion").values
    np.testing.assert_allclose(10.0 ** believed.mean.ravel(), used.ravel(), rtol=1e-12)
    assert not believed.sd.any()
