"""From a laboratory's measurement to a property: polarisation series and current transients.

    series = read_series("examples/polarisation.csv", Geometry(thickness_cm=0.05, area_cm2=0.785))
    measured = fit_series(series)
    measured.law, measured.numbers["sigma_0_S_cm"]

Sources: C. Wagner, Z. Elektrochem. 60, 4 (1956); M. H. Hebb, J. Chem. Phys. 20, 185 (1952).
"""

from muli.screen.measuring.fit import Measured, fit_series
from muli.screen.measuring.series import Geometry, Series, read_series

__all__ = ["Geometry", "Measured", "Series", "fit_series", "read_series"]
