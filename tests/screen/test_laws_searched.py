"""Branch laws under current, in multilayers and with an anode coating: rows are those of a file."""

import json

import numpy as np
import pytest

from muli.screen.running.run import run
from muli.screen.solving.solve_file import solve_file
from tests.screen.screens import read
from tests.screen.test_branches import ELECTROLYTES, FILMS, HEAD, branchy

CASES = {
    "current": {"current_density_mA_cm2": [-0.5, 0.0, 0.5]},
    "layers": {
        "coating": [["film A", "film B"], ["film C", "film A"]],
        "coating_thickness_nm": [[1, 5, 20], [2, 10]],
    },
    "anode": {"anode_coating": ["film B"], "anode_coating_thickness_nm": [2.0]},
}
LINES = {line.split(",")[0]: line for line in (*FILMS, *ELECTROLYTES)}


def layer(role, name, thickness_cm):
    """A layer of a file of stacks, from a line of the table."""
    values = [float(cell or "nan") for cell in LINES[name].split(",")[3:14]]
    ion, constant, floor, n, E_n, _, p, E_p, *_ = values
    alone = np.isnan(n) and np.isnan(p)
    floor = (constant if alone else 0.0) if np.isnan(floor) else floor
    n, E_n, p, E_p = np.nan_to_num([n, E_n, p, E_p])
    law = {"sigma_0_S_cm": floor, "sigma_n_S_cm": n, "E_n_V": E_n, "sigma_p_S_cm": p, "E_p_V": E_p}
    return {"role": role, "thickness_cm": thickness_cm, "sigma_ion_S_cm": ion} | law


def stack(row, case):
    """A row as a stack of a file."""
    films = {f"coating_{k}": f"coating_{k}_thickness_nm" for k in (1, 2)}
    films = films if case == "layers" else {"coating": "coating_thickness_nm"}
    layers = [layer("electrolyte", row["electrolyte"], row["electrolyte_thickness_um"] * 1e-4)]
    layers += [layer("cathode_coating", row[k], row[L] * 1e-7) for k, L in films.items()]
    if case == "anode":
        own = row["anode_coating"], row["anode_coating_thickness_nm"] * 1e-7
        layers.insert(0, layer("anode_coating", *own))
    return {
        "layers": layers,
        "E_anode_V": row["anode_potential_V"],
        "E_cathode_V": row["cathode_potential_V"],
        "temperature_K": 298.15,
        "current_density_A_cm2": 1e-3 * row["current_density_mA_cm2"],
    }


@pytest.mark.full
@pytest.mark.parametrize(
    ("case", "mode"), [("current", "best"), ("layers", "all"), ("anode", "all")]
)
def test_rows_are_those_of_the_same_stacks_in_a_file(tmp_path, case, mode):
    given = branchy(tmp_path, mode=mode, missing="status", anode_potential_V=[0.62])
    (tmp_path / "all.csv").write_text("\n".join([HEAD, *FILMS, *ELECTROLYTES]) + "\n")
    given["library"] = {"tables": [str(tmp_path / "all.csv")]}
    names = {"coating": ["film A", "film B", "film C"], "electrolyte": ["SE one", "SE two"]}
    given["axes"] |= names | {"coating_thickness_nm": [1, 10, 100]} | CASES[case]
    run(given, tmp_path / "out", precision="float64")
    rows = read(tmp_path / "out").to_pandas()
    assert set(rows["status"]) == {"ok"}
    some = rows.sample(min(len(rows), 24), random_state=0)
    stacks = [stack(row, case) for _, row in some.iterrows()]
    (tmp_path / "stacks.json").write_text(json.dumps(stacks, default=float))
    answers = solve_file(tmp_path / "stacks.json")
    place = 2 if case == "anode" else 1
    nodes = [answer["nodes_V"][place] for answer in answers]
    leaks = [answer["leak_current_density_A_cm2"] for answer in answers]
    np.testing.assert_allclose(some["interface_potential_V"], nodes, atol=1e-6)
    np.testing.assert_allclose(some["leak_current_A_cm2"], leaks, rtol=1e-6)
