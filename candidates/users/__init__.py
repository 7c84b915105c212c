"""Tables of materials that users bring: read, checked, and explained."""
