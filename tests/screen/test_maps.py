"""The design map: its boundaries put back into the solver, and the picture that is written."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from typer.testing import CliRunner

from muli.kernels import Constant, Layer, Stack, solve
from muli.screen.cli.app import app
from muli.screen.errors import SpecError
from muli.screen.optimize.maps import design_maps
from muli.screen.pictures import map as map_picture
from muli.screen.pictures.map import draw_map
from muli.screen.spec import load
from tests.quick import quick_jit

SPEC = """
[library]
tables = ["coatings.csv"]
[screen]
asr_budget_ohm_cm2 = 20.0
boundary = "electrode"
[axes]
coating = ["good", "bad", "between", "unknown"]
electrolyte = ["Li6PS5Cl"]
electrolyte_thickness_um = [30]
cathode_potential_V = [4.2]
"electrolyte.sigma_ion_S_cm" = [1e-3]
"electrolyte.sigma_ele_S_cm" = [1e-9]
"electrolyte.oxidation_limit_V" = [2.31]
"electrolyte.reduction_limit_V" = [1.71]
"""
COATINGS = """name,sigma_ion_S_cm,sigma_ele_S_cm
good,1e-6,1e-16
bad,1e-8,1e-9
between,1e-6,3.2e-12
unknown,1e-6,
"""


@pytest.fixture(scope="module")
def one_map(tmp_path_factory):
    folder = tmp_path_factory.mktemp("map")
    (folder / "coatings.csv").write_text(COATINGS)
    (folder / "spec.toml").write_text(SPEC)
    (found,) = design_maps(load(folder / "spec.toml"))
    return found


def node(thickness, sigma_ion, sigma_ele):
    layers = (
        Layer(30e-4, 1e-3, Constant(1e-9)),
        Layer(thickness, sigma_ion, Constant(sigma_ele)),
    )
    return solve(Stack(layers, 0.0, 4.2)).faces[0, 1]


nodes = quick_jit(jax.vmap(node))


@pytest.mark.parametrize(
    ("column", "limit"), [("max_sigma_ele_S_cm", 2.31), ("min_sigma_ele_S_cm", 1.71)]
)
def test_on_a_boundary_the_electrolyte_sits_at_its_limit(one_map, column, limit):
    table = one_map.boundaries
    E = nodes(
        jnp.asarray(table["coating_thickness_nm"].to_numpy() * 1e-7),
        jnp.asarray(table["min_sigma_ion_S_cm"].to_numpy()),
        jnp.asarray(table[column].to_numpy()),
    )
    np.testing.assert_allclose(E, limit, atol=1e-9)


def test_the_frontier_spends_the_whole_budget(one_map):
    table = one_map.frontier
    thickness = table["max_thickness_nm"].to_numpy() * 1e-7
    np.testing.assert_allclose(thickness / table["sigma_ion_S_cm"], 20.0, rtol=1e-12)
    E = nodes(
        *(
            jnp.asarray(x)
            for x in (
                thickness,
                table["sigma_ion_S_cm"].to_numpy(),
                table["max_sigma_ele_S_cm"].to_numpy(),
            )
        )
    )
    np.testing.assert_allclose(E, 2.31, atol=1e-9)


def test_the_map_by_hand(one_map):
    """sigma_amb = L sigma_SE E_ox/(L_SE (E_c - E_ox)), then ions and electrons in series."""
    row = one_map.boundaries.iloc[(one_map.boundaries["coating_thickness_nm"] - 100).abs().argmin()]
    L, ion = row["coating_thickness_nm"] * 1e-7, row["min_sigma_ion_S_cm"]
    amb = L * (1e-3 * 1e-9 / (1e-3 + 1e-9)) * 2.31 / (30e-4 * (4.2 - 2.31))
    assert row["max_sigma_ele_S_cm"] == pytest.approx(amb * ion / (ion - amb), rel=1e-9)


def test_materials_are_placed_by_their_ranges(one_map):
    places = one_map.materials.set_index("name")["place"].to_dict()
    assert places["good"] == "inside"
    assert places["bad"] == "outside"
    assert places["unknown"] == "unknown sigma_ele"
    limit = one_map.materials.set_index("name")["max_sigma_ele_S_cm_low"]["between"]
    assert places["between"] == ("inside" if limit >= 3.2e-12 else "outside")


@pytest.fixture
def written(tmp_path):
    def write(more, replaced="[30]"):
        (tmp_path / "coatings.csv").write_text(COATINGS)
        path = tmp_path / "spec.toml"
        path.write_text(SPEC.replace("thickness_um = [30]", f"thickness_um = {replaced}") + more)
        return path

    return write


def test_an_axis_of_the_coating_is_a_range_in_one_map(one_map, written):
    (found,) = design_maps(load(written('"coating.sigma_ele_S_cm" = [1e-9, 1e-18, 1e-12]')))
    np.testing.assert_array_equal(found.boundaries, one_map.boundaries)
    assert set(found.materials["sigma_ele_S_cm_low"]) == {1e-18}
    assert set(found.materials["sigma_ele_S_cm_high"]) == {1e-9}
    assert set(found.materials["place"]) == {"partly"}


def test_a_title_names_what_moves_the_boundaries(written):
    maps = design_maps(load(written("temperature_K = [298.15, 333.15]", "[20, 30]")))
    titles = [each.title for each in maps]
    assert len(set(titles)) == 4
    assert sum("333.15 K" in title for title in titles) == 2
    assert all("electrolyte.oxidation_limit_V 2.31" in title for title in titles)


def test_under_current_there_is_no_map(written):
    with pytest.raises(SpecError, match="open circuit"):
        design_maps(load(written("current_density_mA_cm2 = [1.0]")))


def test_the_command_draws_some_and_says_what_is_left_out(written, tmp_path):
    path = str(written("", "[20, 30, 40]"))
    picture = tmp_path / "map.svg"
    ask = ["map", path, "--out", str(picture), "--csv"]
    done = CliRunner().invoke(app, [*ask, "--pictures", "2"])
    assert done.exit_code == 0
    assert sorted(p.name for p in tmp_path.glob("*.svg")) == ["map-1.svg", "map-2.svg"]
    assert "1 of 3 cells are not drawn" in done.stderr
    assert all(f"{depth} µm" in done.stdout for depth in (20, 30, 40))
    chosen = CliRunner().invoke(app, [*ask, "--only", "40 µM"])
    assert picture.exists()
    assert "20 µm" not in chosen.stdout
    assert "40 µm" in chosen.stdout
    none = CliRunner().invoke(app, [*ask, "--only", "50 µm"])
    assert "no cell has '50 µm' in its title" in str(none.exception)


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_picture_is_written_and_repeats_itself(one_map, tmp_path, suffix):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    draw_map(one_map, first)
    draw_map(one_map, second)
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_bytes()) > 10_000
    if suffix == ".svg":
        assert "<text" not in first.read_text()  # letters are outlines: no font is needed


CONTACTS = """
"cathode.area_factor" = [3.0]
"interface.electrolyte_coating_asr_ohm_cm2" = [4.0]
"interface.anode_electrolyte_asr_ohm_cm2" = [2.0]
"""


def test_contacts_and_area_leave_the_coating_less_and_more(written):
    """A coating of a frontier point, its contacts and its area spend the budget exactly."""
    (found,) = design_maps(load(written(CONTACTS)))
    spare = 20.0 - 2.0 - 4.0 / 3
    assert found.spare == pytest.approx(spare)
    table = found.frontier
    cost = table["max_thickness_nm"] * 1e-7 / 3.0 / table["sigma_ion_S_cm"]
    np.testing.assert_allclose(cost, spare, rtol=1e-12)
    row = found.boundaries.iloc[100]
    real = row["coating_thickness_nm"] * 1e-7 / 3.0
    assert real / row["min_sigma_ion_S_cm"] == pytest.approx(spare)
    layers = (
        Layer(30e-4, 1e-3, Constant(1e-9)),
        Layer(real, row["min_sigma_ion_S_cm"], Constant(row["max_sigma_ele_S_cm"])),
    )
    stack = Stack(layers, 0.0, 4.2, interface_asr=(2.0, 4.0 / 3, 0.0))
    assert float(solve(stack).faces[0, 1]) == pytest.approx(2.31, abs=1e-9)


def test_a_budget_that_contacts_take_whole_leaves_nothing(written, tmp_path):
    (found,) = design_maps(load(written('"interface.electrolyte_coating_asr_ohm_cm2" = [20.0]')))
    assert (found.frontier["max_sigma_ele_S_cm"] == 0).all()
    assert set(found.materials["place"]) <= {"outside", "unknown sigma_ele"}
    draw_map(found, tmp_path / "none.svg")
    assert "some thickness protects" not in (tmp_path / "none.svg").read_text()


@pytest.mark.parametrize("is_written", [False, pytest.param(True, marks=pytest.mark.full)])
@pytest.mark.parametrize("seed", range(6))
def test_picture_and_table_say_the_same(written, monkeypatch, tmp_path, seed, is_written):
    """Random cells: what is painted is where the table has a sigma_ele that protects."""
    from matplotlib.axes import Axes

    if not is_written:
        monkeypatch.setattr(map_picture, "save", lambda *_: None)

    rng = np.random.default_rng(seed)
    E_red, gap, E_c = rng.uniform(0.2, 2.0), rng.uniform(0.0, 2.0), rng.uniform(1.0, 5.0)
    path = written("")
    text = path.read_text().replace("[2.31]", f"[{E_red + gap}]").replace("[1.71]", f"[{E_red}]")
    path.write_text(text.replace("[4.2]", f"[{E_c}]"))
    (found,) = design_maps(load(path))
    texts, filled = [], []
    text_of, fill_of = Axes.text, Axes.fill_between

    def text(self, x, y, s, *args, **more):
        texts.append(s)
        return text_of(self, x, y, s, *args, **more)

    def fill(self, x, low, high, *args, **more):
        where = np.broadcast_to(more.get("where", True), np.shape(x))
        filled.append(bool(((np.asarray(high) > np.asarray(low)) & where).any()))
        return fill_of(self, x, low, high, *args, **more)

    monkeypatch.setattr(Axes, "text", text)
    monkeypatch.setattr(Axes, "fill_between", fill)
    draw_map(found, tmp_path / "map.svg")
    some = found.frontier["max_sigma_ele_S_cm"].to_numpy() > 1e-17
    assert any("some thickness protects" in each for each in texts) == some.any()
    table = found.boundaries
    band = table["max_sigma_ele_S_cm"] >= table["min_sigma_ele_S_cm"]
    band &= np.isfinite(table["min_sigma_ele_S_cm"])
    band &= table["max_sigma_ele_S_cm"] > 1e-17
    assert filled == [band.any(), some.any()]


def test_the_boundary_is_told_and_filters_are_refused(one_map, tmp_path):
    assert (one_map.boundary, one_map.anode_side_V) == ("electrode", 0.0)
    assert one_map.criteria == ("protects", "affordable")
    (tmp_path / "coatings.csv").write_text(COATINGS)
    spec = tmp_path / "spec.toml"
    spec.write_text(SPEC.replace("[screen]", '[filters]\nwide = "band_gap_eV > 4"\n[screen]'))
    with pytest.raises(SpecError, match="filters: a design or map does not apply them"):
        design_maps(load(spec))
