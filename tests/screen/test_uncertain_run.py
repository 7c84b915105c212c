"""`[uncertainty]` in a screen: every column of a row against the same draws counted by hand."""

import json

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from muli.candidates import load
from muli.kernels import Constant, Layer, Stack, min_thickness
from muli.screen import rank
from muli.screen.engine import confidence
from muli.screen.errors import SpecError
from muli.screen.running.run import run
from muli.screen.space import layout as space
from muli.screen.space.distributions import draw, importance
from muli.screen.vocabulary import P_COLUMNS
from tests.screen.screens import contents, read

FILMS = """name,sigma_ion_S_cm,sigma_ele_S_cm,reduction_limit_V,oxidation_limit_V,source
film A,1e-6,1e-12,1.74,3.88,here
film B,1e-8,1e-13,0.69,4.4,here
film C,2e-7,,0.34,4.5,here
film D,1e-7,1e-12,2.0,4.5,here
"""
LIMITS = {"film A": (1.74, 3.88), "film B": (0.69, 4.4), "film C": (0.34, 4.5), "film D": (2, 4.5)}
DRAWS = 64
GIVEN = {
    "coating.sigma_ele_S_cm": {"lognormal": {"median": 3e-13, "decades": 0.7}},
    "electrolyte.sigma_ele_S_cm": {"loguniform": [1e-9, 1e-8]},
    "electrolyte.oxidation_limit_V": {"normal": {"mean": 2.3, "std": 0.1}},
}
BUDGET, TOP_K = 10.0, 2


def spec(folder, mode="all", given=GIVEN, draws=DRAWS, **axes):
    path = folder / "films.csv"
    path.write_text(FILMS)
    return {
        "axes": {
            "coating": {"file": str(path)},
            "coating_thickness_nm": {"start": 1, "stop": 300, "num": 9, "spacing": "log"},
            "electrolyte": ["Li6PS5Cl"],
            "electrolyte_thickness_um": [20, 50],
            "cathode": ["NMC811"],
            "anode": ["Li-In"],
            **axes,
        },
        "uncertainty": {"draws": draws, "seed": 3, **given},
        "output": {"mode": mode, "top_k": TOP_K},
    }


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uncertain")
    run(spec(folder), folder / "out", precision="float64")
    return read(folder / "out").to_pandas()


def by_hand(rows):
    """Every draw of every row with a formula of its own: (E*, L_min, L_max, resistance)."""
    x = draw(GIVEN, DRAWS, 3)
    ele, se_ele, ox = (x[key][None] for key in GIVEN)
    number = lambda name: rows[name].to_numpy(float)[:, None]  # noqa: E731
    ion, depth = number("coating_sigma_ion_S_cm"), number("electrolyte_thickness_um") * 1e-4
    E_a, E_c = number("anode_potential_V"), number("cathode_potential_V")
    E_red = number("interface_potential_V") - number("reduction_margin_V")
    own = rows.coating.map(lambda name: LIMITS[name][0]).to_numpy(float)[:, None]
    E_a = np.where(rows.boundary.to_numpy()[:, None] == "electrode", E_a, np.maximum(E_a, E_red))
    L = number("coating_thickness_nm") * 1e-7
    rho = 1 / ion + 1 / ele
    SE = depth * (1 / number("electrolyte_sigma_ion_S_cm") + 1 / se_ele)
    E = E_a + (E_c - E_a) * SE / (SE + L * rho)
    to = lambda E: np.maximum(SE * (E_c - E) / (E - E_a), 0) / rho  # noqa: E731
    least = np.where(E_c <= ox, 0.0, to(ox))
    with np.errstate(divide="ignore"):
        reduced = np.where(E_a >= E_red, np.inf, to(E_red))
        bare = np.where(E_a >= own, np.inf, to(own))
    most = np.minimum(np.minimum(BUDGET * ion, bare), reduced)
    return (ox >= E) & (E_red <= E), least * 1e7, (least <= most), most * 1e7, L / ion


def test_columns_are_the_counts_and_percentiles_of_draws_made_by_hand(rows):
    protected, least, open_, _, cost = by_hand(rows)
    np.testing.assert_array_equal(rows.p_protected, protected.mean(axis=1))
    paid = pd.DataFrame(protected & open_ & (cost <= BUDGET))
    keys = ["coating", "electrolyte_thickness_um", "coating_thickness_nm"]
    both = paid.groupby([rows[key] for key in keys], observed=True).transform("all")
    np.testing.assert_array_equal(rows.p_feasible, both.mean(axis=1))
    assert 0 < rows.p_feasible.max() < 1
    for level in (5, 50, 95):
        expected = np.quantile(least, level / 100, axis=1, method="inverted_cdf")
        np.testing.assert_allclose(rows[f"min_thickness_p{level}_nm"], expected, rtol=1e-9)
        np.testing.assert_allclose(rows[f"asr_coating_p{level}_ohm_cm2"], cost[:, 0], rtol=1e-9)


def test_the_other_columns_stand_at_the_medians_and_say_so(rows):
    assert set(rows.coating_sigma_ele_S_cm) == {3e-13}
    np.testing.assert_allclose(rows.electrolyte_sigma_ele_S_cm, 10**-8.5)
    assert set(rows.evidence_sigma_ele.astype(str)) == {"assumed"}
    assert set(rows.status.astype(str)) == {"ok"}


def test_rank_stability_is_the_order_of_rankings_in_every_draw(rows):
    """Coating class, then L_min/L_max, of the coatings whose band is open in the draw."""
    ox = draw(GIVEN, DRAWS, 3)["electrolyte.oxidation_limit_V"]
    _, least, open_, largest, _ = by_hand(rows)
    first = rows[rows.coating_thickness_nm == rows.coating_thickness_nm.min()]
    for _, group in first.groupby(["electrolyte_thickness_um", "cathode_state"], observed=True):
        chosen = dict.fromkeys(group.coating, 0)
        for d in range(DRAWS):
            keys = []
            for i, row in group.iterrows():
                low, high = LIMITS[row.coating]
                beyond = row.cathode_potential_V - high, low - min(ox[d], row.cathode_potential_V)
                ranked = 0 if max(beyond) <= 0 else 1
                if max(beyond) > 0.1:
                    ranked = 4 if min(beyond) > 0.1 else 2 if beyond[0] > 0.1 else 3
                if open_[i, d]:
                    keys.append((ranked, least[i, d] / largest[i, d], row.coating))
            for *_, name in sorted(keys)[:TOP_K]:
                chosen[name] += 1
        np.testing.assert_allclose(group.top_k_share, [chosen[n] / DRAWS for n in group.coating])
    assert first.top_k_share.between(0, 1, inclusive="neither").sum() > 4


@pytest.mark.full
def test_ranked_apart_a_coating_is_first_wherever_it_has_a_thickness(rows, tmp_path):
    apart = spec(tmp_path)
    apart["output"]["per"] = ["coating"]
    run(apart, tmp_path / "out", precision="float64")
    shares = read(tmp_path / "out").to_pandas().top_k_share
    np.testing.assert_array_equal(shares, by_hand(rows)[2].mean(axis=1))


@pytest.mark.full
def test_what_matters_most_agrees_with_scipys_sobol_indices(tmp_path):
    """Gradients, our indices, and scipy's from points of their own, on one stack."""
    one = spec(tmp_path, draws=2048, coating_thickness_nm=[10], electrolyte_thickness_um=[50])
    one["axes"]["coating"] = ["LiNbO3"]
    run(one, tmp_path / "out", precision="float64")
    row = read(tmp_path / "out").to_pandas().iloc[0]
    E_a = max(row.anode_potential_V, row.interface_potential_V - row.reduction_margin_V)
    layer = 50e-4, row.electrolyte_sigma_ion_S_cm

    def log_least(x):
        ele, se_ele, ox = (x[key] for key in GIVEN)
        layers = (Layer(*layer, Constant(se_ele)), Layer(1e-6, 1e-6, Constant(ele)))
        return jnp.log(min_thickness(Stack(layers, E_a, row.cathode_potential_V), ox))

    table = importance(log_least, GIVEN, draws=2048, seed=7).set_index("property")
    for key in GIVEN:
        name = key.replace(".", "_").removesuffix("_S_cm").removesuffix("_V")
        for kind in ("gradient_share", "sobol_first", "sobol_total"):
            assert row[f"{kind}_{name}"] == pytest.approx(table.loc[key, kind], abs=0.02)
    assert row.sobol_total_coating_sigma_ele > 0.7


@pytest.mark.full
def test_probability_is_within_three_standard_errors_of_the_exact_one(tmp_path):
    """Log-normal conductivities: ln L_min is normal up to the ions' share of 1e-4."""
    given = {
        "coating.sigma_ele_S_cm": {"lognormal": {"median": 1e-12, "decades": 0.6}},
        "electrolyte.sigma_ele_S_cm": {"lognormal": {"median": 3e-9, "decades": 0.3}},
    }
    axes = {"electrolyte_thickness_um": [50], "coating_thickness_nm": [3, 10, 30, 100, 300, 1000]}
    one = spec(tmp_path, given=given, draws=1024, **axes)
    run(one, tmp_path / "out")
    rows = read(tmp_path / "out").to_pandas()
    rows = rows[(rows.cathode_state == "charged") & (rows.coating == "film A")]
    middle, spread = np.log(rows.min_thickness_nm), np.log(10) * np.hypot(0.6, 0.3)
    exact = stats.norm.cdf((np.log(rows.coating_thickness_nm) - middle) / spread)
    E_red = rows.interface_potential_V - rows.reduction_margin_V
    E_ox = rows.interface_potential_V + rows.oxidation_margin_V
    E_a = np.maximum(rows.anode_potential_V, E_red)
    assert np.all(E_a == E_red)  # never reduced: the anode side is pinned there
    error = np.sqrt(exact * (1 - exact) / 1024)
    assert np.all(np.abs(rows.p_protected - exact) <= 3 * error + 1e-3)
    assert exact.min() < 0.2 < 0.8 < exact.max()
    assert (E_ox < rows.cathode_potential_V).all()


@pytest.mark.full
def test_best_is_a_subset_of_all_bit_by_bit_and_ranks(rows, tmp_path):
    facts = {"screen": {"missing": "status"}}  # else rows stand at recommended thicknesses
    run(spec(tmp_path, "best") | facts, tmp_path / "best", precision="float64")
    best = read(tmp_path / "best").to_pandas().set_index("row_id")
    same = rows.set_index("row_id").loc[best.index]
    drawn = ("p_", "top_k", "min_thickness_p", "sobol", "gradient")
    new = [c for c in rows if c.startswith(drawn) and c not in P_COLUMNS]
    assert len(best) == 2 * 2 * TOP_K
    assert len(new) == 3 + 3 + 9
    pd.testing.assert_frame_equal(best[new], same[new], check_exact=True)
    found = rank(tmp_path / "best", by="p_feasible", top=None)
    assert found.p_feasible.is_monotonic_decreasing
    assert found.p_feasible.iloc[0] == best.p_feasible.max()


@pytest.mark.full
def test_same_bytes_for_any_batch_chunks_resumed_or_not(tmp_path, monkeypatch):
    monkeypatch.setattr(space, "CHUNK_ROWS", 40)
    monkeypatch.setattr(space, "TILE_ROWS", 20)
    runs = []
    for name, options in {"a": {}, "b": {"batch": 100}}.items():
        result = run(spec(tmp_path, draws=16), tmp_path / name, **options)
        assert result.chunks > 2
        runs.append(contents(tmp_path / name))
    (tmp_path / "a" / sorted(runs[0])[1]).unlink()
    run(spec(tmp_path, draws=16), tmp_path / "a")
    assert runs[0] == runs[1] == contents(tmp_path / "a")


@pytest.mark.full
def test_a_gate_on_a_probability(rows, tmp_path):
    sure = spec(tmp_path) | {"filters": {"sure": "p_protected >= 0.5"}}
    run(sure, tmp_path / "out", precision="float64")
    kept = read(tmp_path / "out").to_pandas()
    assert set(kept.row_id) == set(rows[rows.p_protected >= 0.5].row_id)
    assert 0 < len(kept) < len(rows)
    funnel = json.loads((tmp_path / "out" / "manifest.json").read_text())["funnel"]
    assert funnel[0]["removed"] == len(rows) - len(kept)


@pytest.mark.full
def test_the_range_of_the_literature_is_each_materials_own(tmp_path):
    given = {"coating.sigma_ele_S_cm": {"literature": True}}
    axes = {"coating": ["LiNbO3", "Li3PO4", "LiTaO3"], "electrolyte_thickness_um": [50]}
    run(spec(tmp_path, given=given, **axes), tmp_path / "out", precision="float64")
    rows = read(tmp_path / "out").to_pandas().drop_duplicates(["coating", "cathode_state"])
    assert "assumed" not in set(rows.evidence_sigma_ele.astype(str))
    library = load().set_index("name")
    ends = rows.coating.map(library.sigma_ele_S_cm_high / library.sigma_ele_S_cm_low).astype(float)
    known = ends.notna()
    assert 0 < known.sum() < len(rows)
    ratio = rows.min_thickness_p95_nm / rows.min_thickness_p5_nm
    np.testing.assert_allclose(ratio[known], ends[known] ** 0.9, rtol=0.1)
    assert rows[~known][["p_protected", "p_feasible", "top_k_share"]].isna().all(axis=None)


@pytest.mark.full
def test_without_thicknesses_the_probability_that_one_does(tmp_path, rows):
    inverse = spec(tmp_path)
    del inverse["axes"]["coating_thickness_nm"]
    run(inverse, tmp_path / "out", precision="float64")
    found = read(tmp_path / "out").to_pandas()
    assert found.p_protected.isna().all()
    keys = ["coating", "electrolyte_thickness_um"]
    most = rows.groupby(keys, observed=True).p_feasible.max()
    one = found.groupby(keys, observed=True).p_feasible.first()
    assert (one >= most).all()
    assert one.max() > 0
    np.testing.assert_array_equal(
        found.groupby(keys, observed=True).min_thickness_p50_nm.max(),
        rows.groupby(keys, observed=True).min_thickness_p50_nm.max(),
    )


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("coating.z_n", {"uniform": [0.5, 1]}, "a slope is not drawn"),
        ("coating.sigma_n_S_cm", {"loguniform": [1e-9, 1e-8]}, "has no such number"),
        ("interface.electrolyte_coating_asr_ohm_cm2", {"uniform": [0, 5]}, "of the coating or"),
        ("coating.sigma_ele_S_cm", {"normal": {"mean": 1e-12, "std": 1e-12}}, "not above zero"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, key, value, says):
    with pytest.raises(SpecError, match=says):
        run(spec(tmp_path, given={key: value}), tmp_path / "out")


def test_a_property_is_an_axis_or_uncertain(tmp_path):
    both = spec(tmp_path, **{"coating.sigma_ele_S_cm": [1e-12]})
    with pytest.raises(SpecError, match="also an axis"):
        run(both, tmp_path / "out")


def test_bands_are_counted_at_their_ends_and_in_any_order_of_thicknesses():
    random = np.random.default_rng(1)
    whole = np.arange(20.0)
    least, most = random.choice(whole, (4, 1, 1, 32)), random.choice(whole, (4, 2, 1, 32))
    most[0], most[1, ..., :9], least[2, ..., :9] = np.inf, -np.inf, np.nan
    at = random.choice(np.arange(0, 22, 0.5), (1, 1, 2, 40))
    inside = (least[..., None, :] <= at[..., None]) & (at[..., None] <= most[..., None, :])
    np.testing.assert_array_equal(confidence._bands_at(least, most, at), inside.sum(axis=-1))
