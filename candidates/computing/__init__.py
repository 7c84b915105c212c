"""Windows and reaction energies of many compounds, computed in pieces that may be interrupted."""
