"""Users' own tables of materials: read, checked, and explained."""
