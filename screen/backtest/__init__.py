"""Published cells against the model: what it says, what was measured, and what a guess says."""
