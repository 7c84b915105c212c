"""What is solved: stacks, layers, conductivity laws, boundaries, contacts, and statuses."""
