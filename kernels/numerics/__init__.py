"""Root searches and functions that stay finite; nothing here knows physics."""
