"""Physics of lithium-potential profiles: pure JAX, one stack at a time."""
