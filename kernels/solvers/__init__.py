"""One stack: from fluxes in layers to potentials at every node, with derivatives."""
