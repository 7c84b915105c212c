"""Probabilities of coatings of several layers against independent draws of everything."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.screen.engine.layered_probabilities import Layers, judge, points
from muli.screen.engine.probabilities import at_thickness
from muli.screen.engine.probability_line import Line, Probabilities

NM = 1e-7
OWN = ("sigma_ion", "sigma_ion_second", "sigma_ele", "reduction", "reduction_allowance",
       "oxidation", "allowance", "reaction_electrolyte", "limit_electrolyte", "reaction_cathode",
       "limit_cathode")  # fmt: skip


def random_case(rng, layers, same, *, exact=False):
    """A coating in a cell: layers that are alike by `same` have the same numbers."""
    U, spread = rng.uniform, 0.0 if exact else 1.0
    kinds = [{
        "sigma_ion": U(-9, -5), "sigma_ion_sd": spread * U(0.2, 2), "sigma_ion_second": U(-18, -9),
        "sigma_ion_second_sd": spread * U(0.2, 2), "second_weight": spread * rng.choice([0.0, 0.4]),
        "sigma_ele": U(-16, -12), "sigma_ele_sd": spread * U(0.3, 3), "reduction_V": U(0, 1),
        "reduction_sd": spread * 0.2, "reduction_allowance_V": 0.3,
        "reduction_allowance_sd": spread * 0.3,
        "oxidation_V": U(2.5, 4.5), "oxidation_sd": spread * U(0.1, 0.4), "allowance_V": U(0, 1.2),
        "allowance_sd": spread * 0.3, "oxidised_loses": rng.choice([0.0, 1.0]),
        "reaction_electrolyte": U(-300, 0), "reaction_electrolyte_sd": spread * 25,
        "limit_electrolyte": -234.0, "limit_electrolyte_sd": spread * 100,
        "reaction_cathode": U(-300, 0), "reaction_cathode_sd": spread * 25,
        "limit_cathode": -234.0, "limit_cathode_sd": spread * 100,
    } for _ in range(layers)]  # fmt: skip
    first = np.argmax(same, axis=1)
    cell = {
        "electrolyte_sigma_ele": U(-10, -8), "electrolyte_sigma_ele_sd": spread * U(0.1, 0.7),
        "electrolyte_sigma_ion_S_cm": 10 ** U(-4, -2), "electrolyte_cm": U(1e-3, 1e-2),
        "electrolyte_reduction_V": U(0.5, 1.9), "electrolyte_reduction_sd": spread * U(0.1, 0.3),
        "electrolyte_oxidation_V": U(2.0, 3.0), "electrolyte_oxidation_sd": spread * U(0.1, 0.3),
        "anode_V": U(0, 0.6), "pinned": rng.choice([0.0, 1.0]), "cathode_high_V": U(3.8, 4.6),
        "cathode_low_V": U(2.8, 3.7), "budget_ohm_cm2": U(2, 100),
        "contacts_ohm_cm2": rng.choice([0.0, 2]),
        "area_factor": rng.choice([1.0, 10.0]), "current_A_cm2": rng.choice([0.0, 1e-3, -1e-3]),
    }  # fmt: skip
    each = Line(**{name: np.array([(kinds[k] | cell)[name] for k in first])
                   for name in kinds[0] | cell})  # fmt: skip
    contacts = layers - 1
    touching = Layers(
        each, U(-250, 0, contacts), np.full(contacts, spread * 40.0), np.full(contacts, -234.0),
        np.full(contacts, spread * 100.0), same,
    )  # fmt: skip
    return touching, U(1, 15, layers)


def drawn(case, nm, rng, count):
    """Every probability by draws of every property, worked out from the resistors."""
    each, n = case.each, len(nm)
    cell = {name: np.asarray(getattr(each, name))[0] for name in Line._fields
            if np.ndim(getattr(each, name))}  # fmt: skip
    first = np.argmax(case.same, axis=1)

    def own(name):
        mean = np.asarray(getattr(each, name if hasattr(each, name) else f"{name}_V"))
        z = rng.normal(size=(count, n))[:, first]
        return mean + np.asarray(getattr(each, f"{name}_sd")) * z

    value = {name: own(name) for name in OWN}
    second = rng.random((count, n))[:, first] < each.second_weight
    log_ion = np.where(second, value["sigma_ion_second"], value["sigma_ion"])

    def of_cell(name):
        mean = cell[name if name in cell else f"{name}_V"]
        return mean + cell[f"{name}_sd"] * rng.normal(size=count)

    ele, red, ox = (of_cell(f"electrolyte_{k}") for k in ("sigma_ele", "reduction", "oxidation"))
    cm = nm * NM / cell["area_factor"]
    R_ion = cm * 10.0**-log_ion
    r = R_ion + cm * 10.0 ** -value["sigma_ele"]
    ion_SE = cell["electrolyte_cm"] / cell["electrolyte_sigma_ion_S_cm"]
    r_SE = ion_SE + cell["electrolyte_cm"] / 10.0**ele
    contacts, i = cell["contacts_ohm_cm2"], cell["current_A_cm2"]
    side = np.maximum(cell["anode_V"], red) if cell["pinned"] else cell["anode_V"] + 0 * red
    cost = R_ion.sum(1) + contacts
    pays = cost <= cell["budget_ohm_cm2"]
    scale = np.minimum(1.0, max(cell["budget_ohm_cm2"], contacts) / cost)

    def potentials(cathode):
        leak = (cathode - side - i * (ion_SE + cost * scale)) / (r_SE + r.sum(1) + contacts)
        E = [cathode + 0 * leak]
        for k in range(n - 1, -1, -1):
            E.append(E[-1] - leak * r[:, k] - i * scale * R_ion[:, k])
        star = side + i * ion_SE + leak * r_SE
        outer = np.stack(E[:-1][::-1], axis=1)
        inner = np.concatenate([star[:, None], outer[:, :-1]], axis=1)
        return star, outer, inner

    star, outer, _ = potentials(cell["cathode_high_V"])
    low_star, _, inner = potentials(cell["cathode_low_V"])
    stands = outer <= value["oxidation"] + value["allowance"]
    protects = (star <= ox) & ((cell["pinned"] > 0) | (low_star >= red))
    protects &= (inner >= value["reduction"] - value["reduction_allowance"]).all(1)
    protects &= (stands | (each.oxidised_loses == 0)).all(1)
    stable = stands.all(1)
    inert = value["reaction_electrolyte"][:, 0] >= value["limit_electrolyte"][:, 0]
    inert &= value["reaction_cathode"][:, -1] >= value["limit_cathode"][:, -1]
    for k in range(n - 1):
        if not case.same[k, k + 1]:
            mean, sd, limit, limit_sd = (each[k] for each in case[1:5])
            energy = mean + sd * rng.normal(size=count)
            inert &= energy >= limit + limit_sd * rng.normal(size=count)
    verdicts = np.stack([protects & pays & stable & inert, pays & stable & inert, protects & pays,
                         protects, pays, stable, inert])  # fmt: skip
    return Probabilities(*verdicts[:, red < ox].mean(1))


def judged(cases, layers, count=4096):
    """Probabilities of many cases at once, each at its own thicknesses."""
    stacked = jax.tree.map(lambda *x: jnp.stack([jnp.asarray(v) for v in x]), *cases)
    z = points(layers, count)
    found = jax.jit(jax.vmap(lambda case, nm: judge(case, nm[None], z)))(*stacked)
    return jax.tree.map(lambda each: np.asarray(each)[:, 0], found)


def filled(case):
    """Every field of the line with the layers as its axis."""
    n = len(case.same)
    return case._replace(each=Line(*(np.broadcast_to(v, (n,)).astype(float) for v in case.each)))


def cases_of(count, layers, same, seed, **how):
    rng = np.random.default_rng(seed)
    made = [random_case(rng, layers, same, **how) for _ in range(count)]
    return [(filled(case), nm) for case, nm in made]


@pytest.mark.parametrize(
    "same",
    [np.eye(2, dtype=bool), pytest.param(np.eye(3) + np.eye(3)[::-1] > 0, marks=pytest.mark.full)],
    ids=["two", "three, the outer ones of one material"],
)
def test_probabilities_equal_draws_of_everything(same):
    cases = cases_of(24, len(same), same, 5)
    with jax.enable_x64(True):
        found = judged(cases, len(same)).p
    rng = np.random.default_rng(6)
    seen = [drawn(case, nm, rng, 100_000) for case, nm in cases]
    for name in Probabilities._fields:
        expected = np.array([getattr(each, name) for each in seen])
        assert np.abs(getattr(found, name) - expected).max() < 0.01, name
    assert 0.2 < found.p_protects.mean() < 0.8


def test_exact_numbers_give_verdicts_and_one_layer_is_a_single_coating():
    cases = cases_of(24, 2, np.eye(2, dtype=bool), 8, exact=True)
    with jax.enable_x64(True):
        exact = judged(cases, 2)
    for name in Probabilities._fields:
        assert set(getattr(exact.p, name).tolist()) <= {0.0, 1.0}
    alone = cases_of(24, 1, np.eye(1, dtype=bool), 9)
    with jax.enable_x64(True):
        found = judged(alone, 1).p
        lines = jax.tree.map(lambda *x: np.concatenate(x), *(case.each for case, _ in alone))
        single = jax.jit(at_thickness)(lines, np.array([nm[0] for _, nm in alone]))
    for name in Probabilities._fields:
        # whether a coating protects that no budget allows is known less closely
        most = 0.02 if name == "p_protects" else 0.01
        assert np.abs(getattr(found, name) - getattr(single, name)).max() < most, name
