"""What people use in Python and notebooks: one's own cell, stacks by name, pictures of stacks."""
