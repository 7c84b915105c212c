"""Ready cells are specs the screen takes, for every target."""

import pytest

from muli import candidates
from muli.screen.spec import parse


@pytest.mark.parametrize("cell", candidates.cells(), ids=lambda cell: cell.name)
@pytest.mark.parametrize("target", [None, "high_durability", "high_power", "high_energy"])
def test_a_ready_cell_is_a_valid_spec(cell, target):
    spec = parse(candidates.cell(cell.name, target), cell.name)
    assert spec.design is not None
    assert spec.screen.name == cell.spec["screen"]["name"]
    assert spec.axes.coating.names
