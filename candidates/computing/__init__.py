"""Windows and reaction energies of many compounds, computed in parts that may be interrupted."""
