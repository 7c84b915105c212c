"""The sentence of a row names the constraint that binds, case by case."""

import math

import pytest

from muli.screen.views.why import judgement, why

BASE = {
    "status": "ok",
    "protected": True,
    "feasible": True,
    "coating_class": "stable",
    "cathode_potential_V": 4.3,
    "anode_potential_V": 0.0,
    "coating_thickness_nm": 50.0,
    "interface_potential_V": 2.2,
    "oxidation_margin_V": 0.11,
    "reduction_margin_V": 0.49,
    "coating_oxidation_margin_V": 0.2,
    "coating_reduction_margin_V": 0.6,
    "min_thickness_nm": 40.9,
    "max_thickness_nm": 100.0,
    "max_thickness_set_by": "resistance",
    "asr_coating_ohm_cm2": 5.0,
}

CASES = {
    "feasible": ({}, "protects from 40.9 nm; the resistance budget allows 100 nm"),
    "oxidises": (
        {"coating_class": "oxidises", "coating_oxidation_margin_V": -0.42},
        "protects, but oxidises at 3.88 V, below the cathode's 4.30 V",
    ),
    "reduces": (
        {"coating_class": "reduces", "coating_reduction_margin_V": -0.3},
        "protects, but reduces at 2.50 V, above E* 2.20 V",
    ),
    "too thin": (
        {"protected": False, "interface_potential_V": 4.12, "oxidation_margin_V": -1.81},
        "the electrolyte oxidises above 2.31 V and sees 4.12 V; needs 40.9 nm",
    ),
    "needs more than resistance allows": (
        {
            "protected": False,
            "interface_potential_V": 4.12,
            "oxidation_margin_V": -1.81,
            "min_thickness_nm": 409.1,
        },
        "the electrolyte oxidises above 2.31 V and sees 4.12 V; "
        "needs 409 nm, the resistance budget allows 100 nm",
    ),
    "too thick: the electrolyte reduces": (
        {"protected": False, "interface_potential_V": 1.5, "reduction_margin_V": -0.21},
        "lets E* fall to 1.50 V, where the electrolyte reduces (below 1.71 V)",
    ),
    "protects, band empty by its own reduction": (
        {"min_thickness_nm": 45.0, "max_thickness_nm": 30.0}
        | {"max_thickness_set_by": "coating_reduction", "feasible": False},
        "needs 45 nm, its own reduction allows 30 nm",
    ),
    "over the budget": (
        {"feasible": False, "coating_thickness_nm": 200.0, "asr_coating_ohm_cm2": 20.0},
        "protects, but the resistance budget allows 100 nm only (20 ohm cm2 here)",
    ),
    "feasible in one state only": (
        {"feasible": False},
        "protects here, but not in every state of the cathode",
    ),
    "nothing needed": (
        {"min_thickness_nm": 0.0},
        "any thickness protects: the cathode stays within the electrolyte's window",
    ),
    "no upper limit": (
        {"max_thickness_nm": math.inf, "max_thickness_set_by": "none"},
        "protects from 40.9 nm on",
    ),
    "unprotectable": (
        {"status": "unprotectable", "interface_potential_V": 0.3, "oxidation_margin_V": 0.1}
        | {"anode_potential_V": 0.62},
        "the electrolyte oxidises at 0.40 V, not above the anode's 0.62 V: nothing protects it",
    ),
    "unknown sigma_ele": (
        {"status": "missing_property", "min_thickness_nm": math.nan, "protected": None}
        | {"max_sigma_ele_at_L_max_S_cm": 2.4444e-12},
        "sigma_ele unknown: protects at 100 nm if it is below 2.4e-12 S/cm",
    ),
    "unknown sigma_ele, any value does": (
        {"status": "missing_property", "min_thickness_nm": None}
        | {"max_sigma_ele_at_L_max_S_cm": math.inf},
        "sigma_ele unknown, and any value protects at 100 nm",
    ),
    "unknown in electrolyte too": (
        {"status": "missing_property", "min_thickness_nm": None, "max_sigma_ele_ratio": 2.44e-4},
        "sigma_ele unknown: protects here if it is below 0.00024 of the electrolyte's sigma_ele",
    ),
    "unknown sigma_ion": (
        {"status": "missing_property", "min_thickness_nm": None, "asr_coating_ohm_cm2": None},
        "its ionic conductivity is unknown, so no thickness can be priced",
    ),
    "unknown cathode": (
        {"status": "missing_property", "cathode_potential_V": math.nan},
        "the cathode's potential in this state is unknown",
    ),
    "underflow": (
        {"status": "underflow"},
        "conductances below what this precision holds; run in float64",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_sentence_names_the_binding_constraint(case):
    changed, sentence = CASES[case]
    assert why(BASE | changed) == sentence


def test_a_row_that_says_nothing_claims_nothing():
    assert why({}) == "a limit that this verdict needs is unknown"


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"feasible": True, "protected": True, "asr_coating_ohm_cm2": 3.0}, "protects"),
        ({"feasible": False, "protected": False, "asr_coating_ohm_cm2": 30.0}, "fails"),
        ({"feasible": False, "protected": True, "asr_coating_ohm_cm2": 30.0}, "too resistive"),
        ({"feasible": False, "protected": None, "asr_coating_ohm_cm2": 30.0}, "too resistive"),
        ({"feasible": False, "protected": True, "asr_coating_ohm_cm2": 3.0}, "fails"),
        ({"feasible": None, "protected": True, "asr_coating_ohm_cm2": None}, "open"),
    ],
)
def test_a_row_in_a_word(row, word):
    assert judgement(row, 10.0) == word
