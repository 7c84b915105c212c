"""What a material is described by: columns with units, ranges and words, and nothing else.

One list serves the library's tables, a user's CSV, the error messages and the documentation. Units
stand in the column names. A range holds every known solid: outside it the unit is probably wrong,
and the number is refused with the likely slip.
"""

from dataclasses import dataclass

ROLES = ("coating", "electrolyte", "cathode", "anode")
METHODS = ("measured", "computed", "assumed")
EVIDENCE = ("measured", "range", "none")

TRUST = {
    "primary_text": "the paper's own text was read",
    "database": "a published data set that names the paper",
    "parameter_set": "a published parameter set of a battery model",
    "review": "a table in a review; the paper itself was not opened",
    "secondary_digest": "a third party's reading notes; the paper itself was not opened",
    "citing_text": "a number one paper quotes from another",
}
"""How a value was read, best first."""

QUALIFIERS = {
    "": "no reservation",
    "quoted": "quoted by its source from another work; never the default, it widens the spread",
    "order_of_magnitude": "printed as an order of magnitude, or leakage divided by a field",
    "extrapolated": "extrapolated by its source to this temperature; never the default",
    "ambiguous": "ambiguous in print or contradicted; never the default",
    "tunnelling": "limited by tunnelling at its thickness, no material constant; never the default",
}
"""Reservations about a printed number."""

BOUNDS = {
    "": "a value",
    "upper": "the true value is at or below it; never the default",
    "lower": "the true value is at or above it; never the default",
}
"""Kinds of bound of a number."""

QUANTITY_KINDS = {
    "": "the quantity itself, as its source names it",
    "total": "ionic: grains and grain boundaries together",
    "bulk": "ionic: inside the grains alone; the default only where no other value is known",
    "leakage": "electronic: current density over the field of `field_V_cm`; never the default",
    "volume_resistivity": "electronic: inverse resistivity of a catalogue or handbook, all "
    "carriers, so an upper bound of the electronic part",
    "all_carriers": "electronic: conductivity of all carriers (dark conductivity, impedance, "
    "charge retention); never the default",
}
"""What was measured, where it is not the quantity of the property's name."""

STATES = {
    "": "not a conductivity",
    "pristine": "as made: no lithium put in, not reduced; holds inside the window only",
    "lithiated": "lithium put in; never the default",
    "reduced": "reduced by gas, field or contact, or short of oxygen; never the default",
    "oxidised": "lithium or electrons taken out; never the default",
    "doped": "a dopant, impurity or donor sets the value; never the default",
}
"""State of the material that a conductivity holds for."""

FORMS = {
    "": "not a conductivity",
    "film": "thin film, amorphous or of unstated order",
    "crystalline film": "thin film said to be crystalline, epitaxial or annealed to be so",
    "glass": "bulk amorphous material",
    "glass-ceramic": "glass with crystals grown in it",
    "crystalline": "crystalline; single crystal and polycrystal not told apart",
    "ceramic": "polycrystalline body, sintered or pressed",
    "crystal": "single crystal",
    "powder": "powder compact",
    "not stated": "the source does not say",
}
"""Form of the sample a conductivity was measured on."""

_ORDERED = ("crystalline", "ceramic", "crystal", "powder", "glass-ceramic")
ACCEPTED_FORMS = {
    "film": ("film", "crystalline film", "glass", "not stated"),
    "amorphous": ("glass", "film", "not stated"),
    "crystalline": (*_ORDERED, "crystalline film", "not stated"),
    "sintered": (*_ORDERED, "not stated"),
}
"""Forms of samples accepted for a material of one form; all are, for the forms not listed."""

WINDOW_KINDS = {
    "grand_potential": "computed decomposition limits, open to lithium",
    "hybrid_grand_potential": "the same on computed and experimental formation energies",
    "grand_potential_secondhand": "computed limits one paper quotes from another",
    "intrinsic": "computed (de)lithiation of the phase itself; kinetic, wider",
    "band_edge": "computed band edges; another quantity",
    "mu_Li_range": "computed range of lithium potential of an electrode phase",
    "measured": "measured onset of current; another quantity",
    "user": "given by the user",
}
"""Kinds of window, never mixed. The default is a grand-potential kind, in this order."""

PARTNERS = (
    "NMC811",
    "LiCoO2",
    "NMC111",
    "Li6PS5Cl",
    "Li3PS4",
    "Li7La3Zr2O12",
    "Li3InCl6",
)
"""Electrodes and electrolytes whose reaction energy with a coating has a column."""


@dataclass(frozen=True)
class Column:
    """A numeric property: its unit, what it means, and where its values can lie.

    `slips`: factors of likely unit mistakes, e.g. 1e-3 "mS/cm" = a number in mS/cm times 1e-3
    gives the expected unit.
    """

    name: str
    unit: str
    meaning: str
    low: float
    high: float
    above_zero: bool = False
    slips: tuple[tuple[float, str], ...] = ()


_ENERGY = ((1e-3, "meV"), (1.0 / 96.485, "kJ/mol"))
_SIGMA = ((1e-3, "mS/cm"), (1e-2, "S/m"), (1e-6, "uS/cm"))


def _sigma(name: str, meaning: str, high: float) -> Column:
    return Column(name, "S/cm", meaning, 1e-60, high, True, _SIGMA)


def _branch(name: str, meaning: str) -> Column:
    return Column(name, "S/cm", f"branch law: {meaning}", 0.0, 1e6, slips=_SIGMA)


def _potential(name: str, meaning: str, low: float = 0.0) -> Column:
    return Column(name, "V vs Li/Li+", meaning, low, 10.0, slips=((1e-3, "mV"),))


def _temperature(name: str, meaning: str) -> Column:
    return Column(name, "K", meaning, 100.0, 3500.0, True)


def _energy(name: str, meaning: str) -> Column:
    return Column(name, "eV", meaning, 0.0, 5.0, slips=_ENERGY)


def _slope(name: str, meaning: str) -> Column:
    return Column(name, "-", f"branch law: {meaning}", 0.0, 4.0, True)


_REACTION_SUFFIXES = {
    "": "hull-referenced, closed, the worse of both charge states",
    "_entry": "referenced to the entry itself",
    "_open": "open to lithium at the partner's potential",
    "_delithiated": "with the delithiated partner",
}


def _reaction(partner: str, suffix: str, meaning: str) -> Column:
    name = f"reaction_energy_{partner}_meV_atom{suffix}"
    text = f"reaction energy with {partner}, {meaning}"
    return Column(name, "meV/atom", text, -10000.0, 0.0)


COLUMNS: tuple[Column, ...] = (
    _sigma("sigma_ion_S_cm", "Li+ conductivity", 0.2),
    _temperature("sigma_ion_temperature_K", "temperature of sigma_ion"),
    _energy("sigma_ion_activation_eV", "activation energy of sigma_ion*T"),
    _sigma("sigma_ele_S_cm", "electronic conductivity (constant law)", 1e3),
    _temperature("sigma_ele_temperature_K", "temperature of sigma_ele"),
    _energy("sigma_ele_activation_eV", "activation energy of sigma_ele"),
    _branch("sigma_0_S_cm", "part independent of the potential"),
    _branch("sigma_n_S_cm", "electrons at E_n"),
    _potential("E_n_V", "branch law: potential of sigma_n", low=-10.0),
    _slope("z_n", "slope of the electrons"),
    _branch("sigma_p_S_cm", "holes at E_p"),
    _potential("E_p_V", "branch law: potential of sigma_p", low=-10.0),
    _slope("z_p", "slope of the holes"),
    _potential("reduction_limit_V", "below it the material is reduced"),
    _potential("oxidation_limit_V", "above it the material is oxidised"),
    Column("band_gap_eV", "eV", "band gap", 0.0, 20.0, slips=((1e-3, "meV"),)),
    Column(
        "energy_above_hull_eV_atom",
        "eV/atom",
        "energy above the convex hull",
        0.0,
        5.0,
        slips=((1e-3, "meV/atom"),),
    ),
    _temperature("process_temperature_K", "temperature its making needs"),
    _potential("charged_potential_V", "potential fully charged"),
    _potential("discharged_potential_V", "potential discharged"),
    _potential("average_potential_V", "average potential"),
    *(_reaction(p, suffix, text) for p in PARTNERS for suffix, text in _REACTION_SUFFIXES.items()),
)

TEXT_COLUMNS = {
    "name": "unique name",
    "formula": "chemical formula with decimals, e.g. Li1.3Al0.3Ti1.7(PO4)3; default: the name",
    "role": "coating (default), electrolyte, cathode or anode",
    "family": "oxide, phosphate, borate, niobate, halide, sulfide, ...; default: from the formula",
    "form": "film, amorphous, crystalline, ...",
    "process_atmosphere": "atmosphere its making needs",
    "source": "where the numbers come from, e.g. doi:10.1021/acsami.5b07517",
    "note": "free text, not read",
}

NUMERIC: dict[str, Column] = {column.name: column for column in COLUMNS}
"""Numeric columns by name."""

EXPLAINED = (
    "sigma_ion_S_cm",
    "sigma_ele_S_cm",
    "reduction_limit_V",
    "oxidation_limit_V",
)
"""Properties that carry `_source`, `_method`, `_low`, `_high`, `_count` beside the default."""
