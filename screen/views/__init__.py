"""Words and tables for people and programs."""
