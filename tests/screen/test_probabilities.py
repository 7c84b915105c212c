"""Probabilities by quadrature against draws, and what must always hold."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import qmc

from muli.screen.engine.probabilities import at_thickness, bare, recommend
from muli.screen.engine.probability_line import Line, Probabilities, Recommended
from tests.quick import quick_jit
from tests.screen.reference_probabilities import Case, draw, recommended

BATCH = 64
"""All tests share one program."""
PAIRS = (
    "sigma_ele",
    "reduction_V",
    "reduction_allowance_V",
    "oxidation_V",
    "oxidation_allowance_V",
    "electrolyte_sigma_ele",
    "electrolyte_reduction_V",
    "electrolyte_oxidation_V",
)


@quick_jit
def _program(line: Line) -> tuple[Recommended, Probabilities]:
    best = recommend(line)
    return best, at_thickness(line, best.thickness_nm)


def answers(cases: list[Case]) -> tuple[Recommended, Probabilities]:
    """Thickness and probabilities of up to BATCH cases."""
    padded = [*cases, *[cases[-1]] * (BATCH - len(cases))]
    found = jax.tree.map(np.asarray, _program(line_of(padded)))
    return jax.tree.map(lambda values: values[: len(cases)], found)


def line_of(cases: list[Case]) -> Line:
    """The same cases as arrays."""
    rows = []
    for case in cases:
        parts = [*case.sigma_ion, (0.0, -9.0, 1.0)][:2]
        row = {"sigma_ion": parts[0][1], "sigma_ion_sd": parts[0][2]}
        row |= {"sigma_ion_second": parts[1][1], "sigma_ion_second_sd": parts[1][2]}
        row |= {"second_weight": parts[1][0]}
        for name in PAIRS:
            short = "allowance_V" if name == "oxidation_allowance_V" else name
            sd = f"{short.removesuffix('_V')}_sd"
            row[short], row[sd] = getattr(case, name)
        for side in ("electrolyte", "cathode"):
            for name in (f"reaction_{side}", f"limit_{side}"):
                row[name], row[f"{name}_sd"] = getattr(case, name)
        row["electrolyte_sigma_ion_S_cm"] = case.electrolyte_sigma_ion
        for name in Line._fields:
            if name not in row:
                row[name] = float(getattr(case, name))
        rows.append(row)
    return Line(**{name: jnp.array([row[name] for row in rows]) for name in Line._fields})


def random_case(rng: np.random.Generator) -> Case:
    """A coating and a cell; each spread is zero now and then."""
    u = rng.uniform

    def maybe(sd: float, share: float = 0.25) -> float:
        return 0.0 if rng.random() < share else sd

    weight = rng.choice([0.0, 0.0, 0.5])
    ion, second = (u(-9, -5), maybe(u(0.1, 2.5))), (u(-18, -8), u(0.3, 3))
    parts = ((1.0, *ion),) if weight == 0 else ((1 - weight, *ion), (weight, *second))
    reduction, high = u(0.0, 2.6), u(3.6, 4.6)
    return Case(
        sigma_ion=parts,
        sigma_ele=(u(-18, -7), maybe(u(0.2, 3.5))),
        electrolyte_sigma_ele=(u(-10, -8), maybe(u(0.1, 0.8))),
        electrolyte_sigma_ion=10 ** u(-4, -2),
        electrolyte_cm=u(10, 200) * 1e-4,
        anode_V=float(rng.choice([0, 0.62])),
        pinned=bool(rng.random() < 0.8),
        cathode_high_V=high,
        cathode_low_V=high - u(0, 1),
        electrolyte_reduction_V=(reduction, maybe(u(0.03, 0.25))),
        electrolyte_oxidation_V=(reduction + u(0.15, 2.0), maybe(u(0.03, 0.25))),
        reduction_V=(u(0, 2.6), maybe(u(0.05, 0.3))),
        reduction_allowance_V=(u(0, 0.4), maybe(0.3, 0.5)),
        oxidation_V=(u(3, 6.5) if rng.random() < 0.8 else 99.0, maybe(u(0.05, 0.6))),
        oxidation_allowance_V=(u(0, 1.2), maybe(0.3)),
        oxidised_loses=bool(rng.random() < 0.3),
        reaction_electrolyte=(-u(0, 300), maybe(25.0)),
        limit_electrolyte=(-u(50, 300), maybe(100.0)),
        reaction_cathode=(-u(0, 300), maybe(25.0)),
        limit_cathode=(-u(50, 300), maybe(100.0)),
        budget_ohm_cm2=u(3, 50),
        contacts_ohm_cm2=float(rng.choice([0, u(0, 5)])),
        area_factor=float(rng.choice([1, 20.0])),
        current_A_cm2=float(rng.choice([0, 0, 1e-3, -1e-3])),
        rho_ion=float(rng.choice([0, 0, 0.6])),
        rho_electrolyte=float(rng.choice([0, 0, 0.5])),
    )


@cache
def normals(power: int) -> np.ndarray:
    """2**power points of independent standard normals."""
    points = qmc.Sobol(14, seed=1).random(2**power)
    return ndtri(np.clip(points, 1e-9, 1 - 1e-9))


def _differences(cases: list[Case], power: int) -> dict[str, np.ndarray]:
    best, found = answers(cases)
    wrong: dict[str, list[float]] = {name: [] for name in (*found._fields, "thickness")}
    for place, case in enumerate(cases):
        draws = draw(case, normals(power))
        thickness = float(best.thickness_nm[place])
        drawn = draws.all(thickness)
        for name in found._fields:
            if name == "p_protects" and case.current_A_cm2:
                continue  # a coating that is not affordable polarises without bound
            wrong[name].append(abs(drawn[name] - float(getattr(found, name)[place])))
        reference, _, _ = recommended(draws)
        wrong["thickness"].append(draws.transport(reference) - draws.transport(thickness))
    return {name: np.array(values) for name, values in wrong.items()}


def test_probabilities_equal_draws() -> None:
    rng = np.random.default_rng(11)
    wrong = _differences([random_case(rng) for _ in range(BATCH)], 13)
    for name, values in wrong.items():
        assert np.quantile(values, 0.95) < 0.012, (name, values.max())


@pytest.mark.full
def test_probabilities_equal_many_draws_over_500_coatings_and_cells() -> None:
    rng = np.random.default_rng(7)
    cases = [random_case(rng) for _ in range(512)]
    parts = [_differences(cases[i : i + BATCH], 17) for i in range(0, 512, BATCH)]
    wrong = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    assert wrong["p_works"].max() < 0.01
    assert wrong["p_chemistry"].max() < 0.01
    for name, values in wrong.items():
        # the rest: a threshold that is all but sharp with a thickness at its edge, and whether
        # a coating protects that no budget allows
        assert np.mean(values > 0.01) < 0.04, (name, np.sort(values)[-10:])


@pytest.mark.full
def test_few_nodes_are_close_to_many() -> None:
    rng = np.random.default_rng(13)
    line = line_of([random_case(rng) for _ in range(BATCH)])
    thickness = jnp.asarray(recommend(line).thickness_nm)
    many, few = at_thickness(line, thickness), at_thickness(line, thickness, fine=False)
    difference = np.abs(np.asarray(many.p_works) - np.asarray(few.p_works))
    assert np.quantile(difference, 0.9) < 0.01
    assert difference.max() < 0.05


def _plain(**changes: object) -> Case:
    """Li6PS5Cl and NMC811 with a tight glass, every number exact."""
    exact: dict[str, object] = {
        "sigma_ion": ((1.0, -6.5, 0.0),),
        "sigma_ele": (-15.0, 0.0),
        "electrolyte_sigma_ele": (-8.3, 0.0),
        "electrolyte_sigma_ion": 1e-3,
        "electrolyte_cm": 30e-4,
        "anode_V": 0.0,
        "pinned": True,
        "cathode_high_V": 4.273,
        "cathode_low_V": 3.568,
        "electrolyte_reduction_V": (1.71, 0.0),
        "electrolyte_oxidation_V": (2.01, 0.0),
        "reduction_V": (1.0, 0.0),
        "reduction_allowance_V": (0.0, 0.0),
        "oxidation_V": (3.6, 0.0),
        "oxidation_allowance_V": (1.0, 0.0),
        "oxidised_loses": False,
        "reaction_electrolyte": (-80.0, 0.0),
        "limit_electrolyte": (-270.0, 0.0),
        "reaction_cathode": (0.0, 0.0),
        "limit_cathode": (-270.0, 0.0),
    }
    return Case(**(exact | changes))  # type: ignore[arg-type]


def test_exact_numbers_give_the_verdicts() -> None:
    cases = [
        _plain(),
        _plain(sigma_ele=(-10.0, 0.0)),  # leaks at any affordable thickness
        _plain(sigma_ion=((1.0, -9.0, 0.0),)),  # too resistive
        _plain(oxidation_allowance_V=(0.5, 0.0)),  # oxidised
        _plain(limit_electrolyte=(-70.0, 0.0)),  # reacts
        _plain(reduction_V=(2.2, 0.0)),  # reduced at the electrolyte's face
        _plain(sigma_ele=(-12.5, 0.0)),  # protects, thick enough
        _plain(oxidation_V=(99.0, 0.0)),
    ]
    best, found = answers(cases)
    names = ("p_works", "p_protects", "p_affordable", "p_stable", "p_inert")
    values = np.stack([getattr(found, name) for name in names], axis=1)
    wanted = [
        [1, 1, 1, 1, 1],
        [0, 0, 1, 1, 1],
        [0, 1, 0, 1, 1],
        [0, 1, 1, 0, 1],
        [0, 1, 1, 1, 0],
        [0, 0, 1, 1, 1],
        [1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1],
    ]
    np.testing.assert_allclose(values, wanted, atol=1e-12)
    assert best.thickness_nm[0] == pytest.approx(2.5)
    assert best.thin[0]
    assert best.not_affordable.tolist() == [False, False, True, *[False] * 5]
    # 10 ohm cm2 of 10**-6.5 S/cm are 31.6 nm; ratio (4.273 - 2.01)/(2.01 - 1.71) protects from 14.2
    assert 14.1 < best.thickness_nm[6] < 14.4
    assert best.asr_median_ohm_cm2[0] == pytest.approx(2.5e-7 / 10**-6.5)


def test_exact_random_cases_give_the_verdict_of_the_equations() -> None:
    rng = np.random.default_rng(5)
    cases = [_exact(random_case(rng)) for _ in range(BATCH)]
    best, found = answers(cases)
    for place, case in enumerate(cases):
        drawn = draw(case, np.zeros((1, 14))).all(float(best.thickness_nm[place]))
        for name in ("p_works", "p_transport", "p_affordable", "p_stable", "p_inert"):
            assert float(getattr(found, name)[place]) == pytest.approx(drawn[name], abs=1e-9)


def _exact(case: Case) -> Case:
    values = {}
    for name, value in vars(case).items():
        pair = isinstance(value, tuple) and name != "sigma_ion"
        values[name] = (value[0], 0.0) if pair else value
    return Case(**(values | {"sigma_ion": ((1.0, case.sigma_ion[0][1], 0.0),)}))


def test_probabilities_move_the_right_way() -> None:
    rng = np.random.default_rng(3)
    cases = [random_case(rng) for _ in range(16)]
    thickness = jnp.full(BATCH, 4.0)
    start = line_of(cases * 4)
    at = quick_jit(at_thickness)

    def p(**changes: float) -> Probabilities:
        moved = {name: getattr(start, name) + step for name, step in changes.items()}
        return jax.tree.map(np.asarray, at(start._replace(**moved), thickness))

    now = p()
    assert np.all(p(budget_ohm_cm2=5.0).p_affordable >= now.p_affordable - 1e-9)
    assert np.all(p(allowance_V=0.2).p_works >= now.p_works - 1e-9)
    assert np.all(p(oxidation_V=0.2).p_works >= now.p_works - 1e-9)
    assert np.all(p(limit_cathode=-50.0, limit_electrolyte=-50.0).p_inert >= now.p_inert - 1e-9)
    # with a coating that is never reduced, less electronic conduction protects more
    never = start._replace(reduction_V=jnp.full(BATCH, -5.0), pinned=jnp.ones(BATCH))
    usual = at(never, thickness).p_protects
    tighter = at(never._replace(sigma_ele=never.sigma_ele - 1.0), thickness).p_protects
    wider = at(
        never._replace(electrolyte_oxidation_V=never.electrolyte_oxidation_V + 0.1), thickness
    )
    assert np.all(np.asarray(tighter) >= np.asarray(usual) - 2e-3)
    assert np.all(np.asarray(wider.p_protects) >= np.asarray(usual) - 2e-3)
    for values in now:
        assert np.all((values >= 0) & (values <= 1))


def test_no_coating_is_judged_by_the_electrolyte_alone() -> None:
    halide = _plain(
        electrolyte_reduction_V=(2.62, 0.1),
        electrolyte_oxidation_V=(4.305, 0.1),
        cathode_high_V=4.2,
        cathode_low_V=3.9,
        reaction_cathode=(-34.0, 25.0),
        limit_cathode=(-270.0, 100.0),
    )
    found = jax.tree.map(np.asarray, bare(line_of([halide, _plain()])))
    assert found.p_protects[0] == pytest.approx(0.853, abs=1e-3)
    assert found.p_works[0] == pytest.approx(found.p_protects[0] * found.p_inert[0])
    assert found.p_protects[1] == 0.0
    assert found.p_affordable.tolist() == [1.0, 1.0]


@pytest.mark.full
def test_gradients_equal_finite_differences() -> None:
    rng = np.random.default_rng(2)
    lines = line_of([random_case(rng) for _ in range(8)])
    smooth = lines._replace(**{n: getattr(lines, n) + 0.05 for n in Line._fields if "_sd" in n})
    names = [n for n in Line._fields if n not in ("pinned", "oxidised_loses", "second_weight")]

    def works(line: Line) -> jax.Array:
        return at_thickness(line, jnp.full(8, 6.0)).p_works.sum()

    gradient = jax.jit(jax.grad(works))(smooth)
    evaluate = jax.jit(works)
    for name in names:
        value = getattr(smooth, name)
        step = 1e-5 * jnp.maximum(jnp.abs(value), 1e-2)
        for place in range(8):
            moved = step.at[jnp.arange(8) != place].set(0.0)
            up = evaluate(smooth._replace(**{name: value + moved}))
            down = evaluate(smooth._replace(**{name: value - moved}))
            slope = float((up - down) / (2.0 * step[place]))
            exact = float(getattr(gradient, name)[place])
            assert exact == pytest.approx(slope, rel=2e-3, abs=2e-5), (name, place)


@pytest.mark.full
def test_float32_agrees_and_gradients_are_finite_at_exact_numbers() -> None:
    rng = np.random.default_rng(9)
    cases = [random_case(rng) for _ in range(BATCH - 1)] + [_plain()]
    line = line_of(cases)
    with jax.enable_x64(False):
        single = jax.tree.map(lambda values: jnp.asarray(np.asarray(values), jnp.float32), line)
        best = recommend(single)
        low = at_thickness(single, best.thickness_nm)
        slopes = jax.grad(lambda one: at_thickness(one, jnp.full(BATCH, 5.0)).p_works.sum())(single)
    high = at_thickness(line, jnp.asarray(np.asarray(best.thickness_nm), float))
    for name in low._fields:
        difference = np.abs(np.asarray(getattr(low, name)) - np.asarray(getattr(high, name)))
        assert np.quantile(difference, 0.95) < 2e-3, name
    assert all(np.all(np.isfinite(np.asarray(values))) for values in slopes)
