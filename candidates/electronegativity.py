"""Pauling electronegativities, and how unlike the elements of a compound are.

Values: A. L. Allred, J. Inorg. Nucl. Chem. 17, 215 (1961), doi 10.1016/0022-1902(61)80142-5, as
tabulated in the periodic table of pymatgen; elements without a value there count as 2.
"""

from muli.candidates.formula import Composition

_TABLE = """
Ac 1.1 Ag 1.93 Al 1.61 As 2.18 Au 2.54 B 2.04 Ba 0.89 Be 1.57 Bi 2.02 Br 2.96 C 2.55 Ca 1.0 Cd 1.69
Ce 1.12 Cl 3.16 Co 1.88 Cr 1.66 Cs 0.79 Cu 1.9 Dy 1.22 Er 1.24 Eu 1.2 F 3.98 Fe 1.83 Ga 1.81 Gd 1.2
Ge 2.01 H 2.2 Hf 1.3 Hg 2.0 Ho 1.23 I 2.66 In 1.78 Ir 2.2 K 0.82 La 1.1 Li 0.98 Lu 1.27 Mg 1.31
Mn 1.55 Mo 2.16 N 3.04 Na 0.93 Nb 1.6 Nd 1.14 Ni 1.91 Np 1.36 O 3.44 Os 2.2 P 2.19 Pa 1.5 Pb 2.33
Pd 2.2 Pm 1.13 Pr 1.13 Pt 2.28 Pu 1.28 Rb 0.82 Re 1.9 Rh 2.28 Ru 2.2 S 2.58 Sb 2.05 Sc 1.36 Se 2.55
Si 1.9 Sm 1.17 Sn 1.96 Sr 0.95 Ta 1.5 Tb 1.1 Tc 1.9 Te 2.1 Th 1.3 Ti 1.54 Tl 1.62 Tm 1.25 U 1.38
V 1.63 W 2.36 Y 1.22 Yb 1.1 Zn 1.65 Zr 1.33
"""
_WORDS = _TABLE.split()
_VALUES = dict(zip(_WORDS[::2], map(float, _WORDS[1::2]), strict=True))
_UNKNOWN = 2.0


def electronegativity(symbol: str) -> float:
    """Pauling's electronegativity of an element, dimensionless."""
    return _VALUES.get(symbol, _UNKNOWN)


def spread(composition: Composition) -> float:
    """Mean absolute deviation of the atoms' electronegativities from their mean."""
    atoms = sum(composition.values())
    mean = sum(electronegativity(s) * n for s, n in composition.items()) / atoms
    return sum(abs(electronegativity(s) - mean) * n for s, n in composition.items()) / atoms
