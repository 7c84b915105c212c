"""For Python and notebooks: a single cell, stacks by name, pictures of stacks."""
