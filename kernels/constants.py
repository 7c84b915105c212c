"""Physical constants, exact by the definition of the SI (2019)."""

ELEMENTARY_CHARGE: float = 1.602176634e-19
"""e in C."""

BOLTZMANN_EV: float = 1.380649e-23 / ELEMENTARY_CHARGE
"""k_B in eV/K; numerically V_T/T = k_B/e in V/K."""

FARADAY: float = 6.02214076e23 * ELEMENTARY_CHARGE
"""F in C/mol."""

KJ_MOL_PER_EV: float = FARADAY / 1e3
"""1 eV per particle in kJ/mol."""

ROOM_TEMPERATURE: float = 298.15
"""K; the temperature of a value that states none."""

CM_PER_NM: float = 1e-7
CM_PER_UM: float = 1e-4

MONOLAYER_CM: float = 0.3 * CM_PER_NM
"""cm; an interphase below this is thinner than one layer of atoms."""

ABSENT: float = -1.0e4
"""Stands for ln 0: e^ABSENT is 0 in both precisions, and sums with it stay finite."""
