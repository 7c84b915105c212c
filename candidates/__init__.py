"""Materials: library, sources, schema, importers, thermodynamics."""
