"""One layer: fluxes, arrival potentials and their integrals for every law."""
