"""Branch laws in a screen: the closed form of one slope, against `kernels` one stack at a time."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from muli.kernels import Branches, Layer, Limits, Stack, Window, metrics, min_thickness, solve
from muli.kernels.constants import BOLTZMANN_EV
from muli.screen.errors import SpecError
from muli.screen.running.run import run
from muli.screen.space import layout as space
from muli.screen.space.distributions import draw, normal_scores, quantile
from muli.screen.space.draws import label
from muli.screen.space.evidence import beliefs
from muli.screen.space.setup import set_up
from tests.quick import quick_jit
from tests.screen.screens import contents, read

HEAD = (
    "name,role,formula,sigma_ion_S_cm,sigma_ele_S_cm,sigma_0_S_cm,sigma_n_S_cm,E_n_V,z_n,"
    "sigma_p_S_cm,E_p_V,z_p,reduction_limit_V,oxidation_limit_V,source"
)
FILMS = [
    "film A,coating,LiNbO3,1e-6,,1e-13,1e-11,1.0,1,1e-11,4.0,,1.74,3.88,here",
    "film B,coating,Li3PO4,1e-8,1e-13,,,,,,,,0.69,4.21,here",
    "film C,coating,Li2ZrO3,1e-7,,,1e-12,0.8,,,,,0.34,3.41,here",
]
ELECTROLYTES = [
    "SE one,electrolyte,Li6PS5Cl,1e-3,,1e-10,1e-9,0.3,,1e-9,2.6,,1.71,2.31,here",
    "SE two,electrolyte,Li3YCl6,5e-4,1e-9,,,,,,,,0.62,4.21,here",
]
NAMES = (
    "interface_potential_V", "oxidation_margin_V", "min_thickness_nm", "max_thickness_nm",
    "max_sigma_ele_S_cm", "max_electrolyte_thickness_um", "transport_ratio",
    "leak_current_A_cm2", "asr_total_ohm_cm2",
)  # fmt: skip


def branchy(folder, mode="all", films=FILMS, missing="prior", **axes):
    """3 coatings, 2 electrolytes of which some have branches, 40 thicknesses."""
    paths = {}
    for role, rows in {"coating": films, "electrolyte": ELECTROLYTES}.items():
        paths[role] = {"file": str(folder / f"{role}.csv")}
        (folder / f"{role}.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    thickness = {"start": 1, "stop": 300, "num": 40, "spacing": "log"}
    chosen = {**paths, "coating_thickness_nm": thickness, "electrolyte_thickness_um": [20, 50]}
    chosen |= {"cathode_potential_V": [3.6, 4.2], "anode_potential_V": [0.0, 0.62], **axes}
    return {
        "screen": {"law": "branches", "boundary": "electrode", "missing": missing},
        "axes": chosen,
        "output": {"mode": mode, "top_k": 2},
    }


def layer(line, thickness):
    """A layer and its window from a line of the files above, in float64."""
    values = [float(cell or "nan") for cell in line.split(",")[3:14]]
    ion, constant, floor, n, E_n, _, p, E_p, _, reduction, oxidation = values
    alone = np.isnan(n) and np.isnan(p)
    floor = (constant if alone else 0.0) if np.isnan(floor) else floor
    law = Branches(floor, *np.nan_to_num([n, E_n, p, E_p]), z_n=1.0, z_p=1.0)
    return Layer(thickness, ion, law), Window(reduction, oxidation)


@pytest.mark.full
def test_rows_are_what_the_kernels_say_of_each_stack(tmp_path, monkeypatch):
    """A run in single precision against single stacks in double, rows of several tiles."""
    monkeypatch.setattr(space, "TILE_ROWS", 256)
    result = run(branchy(tmp_path), tmp_path / "out")
    rows = read(tmp_path / "out").to_pandas()
    lines = {line.split(",")[0]: line for line in (*FILMS, *ELECTROLYTES)}
    assert result.stacks == len(rows) == 3 * 40 * 2 * 2 * 2 * 2
    assert rows[rows.status != "ok"].interface_potential_V.isna().sum() == 0
    known = rows[rows.status == "ok"]
    assert len(known) > 0.9 * len(rows)
    for _, row in known.sample(40, random_state=1).iterrows():
        electrolyte, window = layer(lines[row.electrolyte], row.electrolyte_thickness_um * 1e-4)
        coating, own = layer(lines[row.coating], row.coating_thickness_nm * 1e-7)
        stack = Stack((electrolyte, coating), row.anode_potential_V, row.cathode_potential_V)
        expected = metrics(stack, Limits(window, (own,)))
        assert abs(row.interface_potential_V - float(expected.interface_potential_V)) < 1e-5
        for name in NAMES[2:]:
            np.testing.assert_allclose(row[name], float(getattr(expected, name)), rtol=1e-3)
    laws = rows.groupby(["coating", "electrolyte"], observed=True).law.first()
    assert laws["film B", "SE two"] == "constant"
    assert laws["film A", "SE two"] == laws["film B", "SE one"] == "branches"


@pytest.mark.full
def test_same_bytes_for_any_batch_and_best_is_a_subset(tmp_path, monkeypatch):
    """Without probabilities, which take a thickness of their own and add the bare cell."""
    monkeypatch.setattr(space, "TILE_ROWS", 256)
    run(branchy(tmp_path, missing="status"), tmp_path / "a")
    run(branchy(tmp_path, missing="status"), tmp_path / "b", batch=600)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    run(branchy(tmp_path, "best", missing="status"), tmp_path / "best")
    every = read(tmp_path / "a").to_pandas()
    best = read(tmp_path / "best").to_pandas()
    same = every.set_index("row_id").loc[best.row_id]
    for name in NAMES:
        np.testing.assert_array_equal(best[name], same[name])


@pytest.mark.full
@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_counts_of_mode_best_are_those_of_mode_all(tmp_path, precision):
    """By the thicknesses at which verdicts change; statuses by the ends of the axis."""
    specs = {mode: branchy(tmp_path, mode, missing="status") for mode in ("all", "best")}
    every, best = (run(spec, tmp_path / mode, precision=precision) for mode, spec in specs.items())
    for column, counts in every.outcomes.items():
        if column != "status" or precision == "float64":
            assert best.outcomes[column] == counts, column
    assert best.outcomes["feasible"]["yes"] > 0
    rows = read(tmp_path / "all").to_pandas()
    inside = rows.oxidation_margin_V.ge(0) & rows.reduction_margin_V.ge(0)
    sure = rows.oxidation_margin_V.abs().gt(1e-4) & rows.reduction_margin_V.abs().gt(1e-4)
    assert (inside == rows.protected.astype(bool))[sure & rows.protected.notna()].all()


DRAWN = {
    "coating.sigma_p_S_cm": {"lognormal": {"median": 1e-15, "decades": 0.7}},
    "electrolyte.sigma_0_S_cm": {"loguniform": [5e-10, 5e-9]},
}


@pytest.mark.full
def test_drawn_branches_are_counted_as_solving_every_draw_counts_them(tmp_path):
    """Probabilities, percentiles and shares of a screen with uncertain branches, against `solve`
    and `min_thickness` draw by draw."""
    film = "film D,coating,LiNbO3,1e-6,,3e-15,,,,1e-15,4.0,,1.0,4.4,here"
    spec = branchy(tmp_path, films=[film], cathode_potential_V=[4.2], anode_potential_V=[0.62])
    spec["axes"]["electrolyte"] = {
        "file": str(tmp_path / "electrolyte.csv"),
        "where": "name = 'SE one'",
    }
    spec["uncertainty"] = {"draws": 64, "seed": 3, **DRAWN}
    run(spec, tmp_path / "out", precision="float64")
    rows = read(tmp_path / "out").to_pandas()
    assert rows.p_protected.nunique() > 5
    drawn = draw(DRAWN, 64, 3)
    electrolyte, window = layer(ELECTROLYTES[0], 1e-3)
    coating, _ = layer(film, 1e-6)

    def one(holes, floor, depth, thickness):
        layers = (
            replace(
                electrolyte,
                thickness=depth,
                sigma_ele=replace(electrolyte.sigma_ele, sigma_0=floor),
            ),
            replace(
                coating, thickness=thickness, sigma_ele=replace(coating.sigma_ele, sigma_p=holes)
            ),
        )
        stack = Stack(layers, 0.62, 4.2)
        return solve(stack).faces[0, 1], min_thickness(stack, window.oxidation)

    every = quick_jit(jax.vmap(one, (0, 0, None, None)))
    for _, row in rows.iterrows():
        sizes = row.electrolyte_thickness_um * 1e-4, row.coating_thickness_nm * 1e-7
        E, least = (np.asarray(x) for x in every(*map(jnp.asarray, drawn.values()), *sizes))
        held = (window.oxidation >= E) & (window.reduction <= E)
        assert row.p_protected == np.mean(held)
        affordable = 10.0 * 1e-6  # budget (ohm cm2) times sigma_ion, cm
        assert row.p_feasible == np.mean(held & (sizes[1] <= affordable))
        for level in (5, 50, 95):
            expected = np.quantile(least, level / 100, method="inverted_cdf") * 1e7
            assert row[f"min_thickness_p{level}_nm"] == pytest.approx(expected, rel=1e-8)

    def log_of_one(drawn, depth):
        return jnp.log(one(*drawn, depth, 1e-6)[1])

    value_and_slope = quick_jit(jax.vmap(jax.value_and_grad(log_of_one), (0, None)))

    def log_least(scores, depth):
        """ln L_min at normal scores of the two properties, and its slope."""
        given = zip(DRAWN.values(), scores.T, strict=True)
        values, scales = zip(*(quantile(spec, z) for spec, z in given), strict=True)
        value, slope = value_and_slope(jnp.stack(values, axis=1), depth)
        return np.asarray(value), np.asarray(slope) * np.stack(scales, axis=1)

    a, b = normal_scores(2, 64, 3), normal_scores(4, 64, 4)[:, 2:]
    for depth, row in rows.groupby("electrolyte_thickness_um").first().iterrows():
        at_a, slope = log_least(a, depth * 1e-4)
        at_b, _ = log_least(b, depth * 1e-4)
        square = np.mean(slope**2, axis=0)
        center, variance = np.mean([at_a, at_b]), np.var([at_a, at_b])
        for i, key in enumerate(DRAWN):
            mixed, _ = log_least(np.where(np.arange(2) == i, b, a), depth * 1e-4)
            shares = {
                "gradient_share": square[i] / square.sum(),
                "sobol_first": np.mean((at_b - center) * (mixed - at_a)) / variance,
                "sobol_total": np.mean((at_a - mixed) ** 2) / (2 * variance),
            }
            for kind, expected in shares.items():
                assert row[f"{kind}_{label(key)}"] == pytest.approx(expected, rel=1e-6)


def test_what_the_closed_form_does_not_cover_is_refused(tmp_path):
    bent = [FILMS[0].replace(",1.0,1,", ",1.0,0.5,"), *FILMS[1:]]
    with pytest.raises(SpecError, match="must be equal"):
        run(branchy(tmp_path, films=bent), tmp_path / "out")
    drawn = {
        "uncertainty": {"coating.sigma_0_S_cm": {"lognormal": {"median": 1e-13, "decades": 1.0}}}
    }
    with pytest.raises(SpecError, match="under current"):
        run(branchy(tmp_path, current_density_mA_cm2=[0.0, 1.0]) | drawn, tmp_path / "out")


def test_probabilities_take_the_constant_that_leaks_as_the_branches(tmp_path):
    """By the closed integral of both branches, at two temperatures; the rest stays as it is."""
    problem = set_up(
        branchy(tmp_path, cathode_potential_V=[4.2], temperature_K=[298.15, 350.0])
    ).problem
    found = beliefs(problem).fields["sigma_ele"]
    electrolyte, film = found.axes.index("electrolyte"), found.axes.index("coating")
    for t, kelvin in enumerate((298.15, 350.0)):
        V_T, low, high = BOLTZMANN_EV * kelvin, 2.31, 4.2
        electrons = 1e-11 * (np.exp((1.0 - low) / V_T) - np.exp((1.0 - high) / V_T))
        holes = 1e-11 * (np.exp((high - 4.0) / V_T) - np.exp((low - 4.0) / V_T))
        mean = 1e-13 + V_T * (electrons + holes) / (high - low)
        at = [0] * found.mean.ndim
        at[found.axes.index("temperature_K")] = t
        assert found.mean[tuple(at)] == pytest.approx(np.log10(mean), abs=2e-3)
        assert found.sd[tuple(at)] == 0.0
        at[film] = 1
        assert found.mean[tuple(at)] == pytest.approx(-13.0)
    assert found.mean.shape[electrolyte] == 2
    assert beliefs(problem).columns["sigma_ele_basis"].words == ("given",)


def test_branches_that_a_spec_gives_count_in_probabilities(tmp_path):
    """One value of each part is taken as a table's is, at the row's temperature; swept ones not."""
    parts = {"sigma_0_S_cm": 1e-13, "sigma_n_S_cm": 1e-11, "E_n_V": 1.0}
    parts |= {"sigma_p_S_cm": 1e-11, "E_p_V": 4.0}
    axes = {f"coating.{name}": [value] for name, value in parts.items()}
    cell = {"cathode_potential_V": [4.2], "temperature_K": [350.0]}

    def taken(**more):
        return beliefs(set_up(branchy(tmp_path, **cell, **axes | more)).problem).fields["sigma_ele"]

    kelvin, low, high = 350.0, 2.31, 4.2
    V_T = BOLTZMANN_EV * kelvin
    electrons = 1e-11 * (np.exp((1.0 - low) / V_T) - np.exp((1.0 - high) / V_T))
    holes = 1e-11 * (np.exp((high - 4.0) / V_T) - np.exp((low - 4.0) / V_T))
    mean = np.log10(1e-13 + V_T * (electrons + holes) / (high - low))
    ele = taken()
    first = np.take(ele.mean, 0, axis=ele.axes.index("electrolyte"))
    assert np.allclose(first, mean, atol=2e-3)
    assert (ele.sd == 0).all()
    assert (taken(**{"coating.E_p_V": [4.0, 3.9]}).sd > 0).any()
