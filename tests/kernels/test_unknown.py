"""What is unknown leaves open all that depends on it, and nothing else.

An answer given in spite of an unknown input must be the answer for whatever that input turns out
to be.
"""

import jax
import numpy as np
import pytest

from muli.kernels import Branches, Constant, Layer, Limits, Stack, Window, metrics, metrics_of_plane
from tests.quick import quick_jit

KNOWN = {
    "oxidation": 2.3, "reduction": 1.7, "own_reduction": 1.3, "own_oxidation": 3.9,
    "SE_ele": 1e-9, "SE_ion": 1e-3, "ele": 1e-12, "ion": 1e-7,
}  # fmt: skip
MAY_BE = {
    "oxidation": (-1.0, 1.9, 3.0, 5.0), "reduction": (-1.0, 2.0, 6.0),
    "own_reduction": (0.0, 2.0, 4.0), "own_oxidation": (2.0, 4.0, 6.0),
    "SE_ele": (1e-13, 1e-7), "SE_ion": (1e-5, 1e-2), "ele": (1e-17, 1e-7), "ion": (1e-11, 1e-3),
}  # fmt: skip
NAMES = (
    "interface_potential_V", "oxidation_margin_V", "reduction_margin_V", "anode_side_margin_V",
    "min_thickness_nm", "max_sigma_ele_S_cm", "transport_ratio", "max_sigma_ele_at_L_max_S_cm",
    "max_electrolyte_thickness_um", "min_electrolyte_sigma_ele_S_cm", "leak_current_A_cm2",
    "asr_coating_ohm_cm2", "asr_total_ohm_cm2", "terminal_voltage_V",
)  # fmt: skip
CATHODES = {"needs a coating": 4.3, "needs none": 2.2}


def program(method):
    def answer(given, E_cathode):
        floor = Constant(given["SE_ele"])
        if method == "branches":
            floor = Branches(given["SE_ele"], 0.0, 0.0, 1e-14, 3.0)
        coating = Layer(1e-6, given["ion"], Constant(given["ele"]))
        own = Window(given["own_reduction"], given["own_oxidation"])
        limits = Limits(Window(given["reduction"], given["oxidation"]), (own,), asr_budget=10.0)
        stack = Stack((Layer(30e-4, given["SE_ion"], floor), coating), 0.0, E_cathode)
        return (metrics_of_plane if method == "plane" else metrics)(stack, limits)

    return quick_jit(answer)


PROGRAMS = {method: program(method) for method in ("plane", "general", "branches")}


def columns(given, E_cathode, method):
    found = PROGRAMS[method](jax.tree.map(np.float64, given), np.float64(E_cathode))
    return {name: float(getattr(found, name)) for name in NAMES}


@pytest.mark.parametrize("method", ["plane", "general", "branches"])
@pytest.mark.parametrize("cathode", CATHODES)
@pytest.mark.parametrize("unknown", KNOWN)
def test_an_answer_holds_whatever_the_unknown_is(unknown, cathode, method):
    E_cathode = CATHODES[cathode]
    told = columns({**KNOWN, unknown: np.nan}, E_cathode, method)
    for value in MAY_BE[unknown]:
        true = columns({**KNOWN, unknown: value}, E_cathode, method)
        for name in NAMES:
            if name == "transport_ratio" and "reduction" in unknown:
                continue  # that of the columns, where an unknown window sets no largest thickness
            if not np.isnan(told[name]):
                np.testing.assert_allclose(told[name], true[name], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("method", ["plane", "general"])
def test_what_does_not_need_the_unknown_is_told(method):
    """Without sigma_ele of the coating, its largest tolerable one is still an answer."""
    told = columns({**KNOWN, "ele": np.nan}, 4.3, method)
    for name in ("max_sigma_ele_S_cm", "max_sigma_ele_at_L_max_S_cm", "asr_total_ohm_cm2"):
        assert np.isfinite(told[name])
    assert np.isnan(told["min_thickness_nm"])
    told = columns({**KNOWN, "SE_ele": np.nan}, 2.2, method)
    assert told["min_thickness_nm"] == 0.0
    assert told["max_sigma_ele_S_cm"] == np.inf
