"""A user's database of 100,000 materials: bad rows are reported and counted, the rest runs."""

import numpy as np
import pytest

from muli.screen.running.run import run


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.full)])
def test_a_database_of_materials(count, tmp_path):
    rng = np.random.default_rng(1)
    sigma = 10 ** rng.uniform(-16, -10, count)
    rows = [f"m{i},1e-7,{s:.3e},1.0,4.5" for i, s in enumerate(sigma)]
    rows[7] = "m7,1e-7,about 1e-12,1.0,4.5"
    rows[7_000] = "m7000,-1e-7,1e-12,1.0,4.5"
    header = "name,sigma_ion_S_cm,sigma_ele_S_cm,reduction_limit_V,oxidation_limit_V"
    (tmp_path / "mine.csv").write_text("\n".join([header, *rows]))
    spec = {
        "screen": {"missing": "status"},
        "axes": {
            "coating": {"file": str(tmp_path / "mine.csv")},
            "coating_thickness_nm": [2, 10, 50],
            "electrolyte": ["Li6PS5Cl"],
            "cathode_potential_V": [4.0],
        },
        "output": {"mode": "best", "top_k": 5},
    }
    result = run(spec, tmp_path / "out")
    assert result.stacks == 3 * (count - 1)
    assert sum(result.counts.values()) == result.stacks
    assert result.rows == 5
    notes = "\n".join(result.notes)
    assert "row 7002" in notes
