"""Published cells against the model: predicted, measured and guessed values."""
