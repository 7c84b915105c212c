"""Writes defects.csv: carriers of a model oxide against the chemical potential of lithium.

A model, not a material: a band gap of 3.4 eV, 1e19 states per cm3 in either band, 1e17 Frenkel
pairs per cm3, all in equilibrium at 298.15 K. With a = exp(mu_Li/kT) and the mass-action laws

    n p = K_i,   [Li_i] [V_Li] = K_F,   [Li_i] n = K_R a

neutrality n + [V_Li] = p + [Li_i] gives n^2 (1 + K_F/(K_R a)) = K_i + K_R a.
"""

from pathlib import Path

import numpy as np
from scipy.constants import Boltzmann, elementary_charge

TEMPERATURE = 298.15
V_T = Boltzmann / elementary_charge * TEMPERATURE
K_I = 1e19**2 * np.exp(-3.4 / V_T)
K_F = 1e17**2
K_R = K_F * np.exp(0.2 / V_T)  # interstitials outnumber vacancies beyond mu_Li = -0.2 eV

mu = 0.0 - np.linspace(0.0, 3.4, 35)
given = K_R * np.exp(mu / V_T)
electrons = np.sqrt((K_I + given) / (1 + K_F / given))
lines = ["# written by make_defects.py, a model oxide and no material"]
lines += ["μ_Li (eV),Electrons (cm^-3),Holes (cm^-3),Temperature (K)"]
lines += [
    f"{m:.2f},{n:.6e},{K_I / n:.6e},{TEMPERATURE}" for m, n in zip(mu, electrons, strict=True)
]
Path(__file__).with_name("defects.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
