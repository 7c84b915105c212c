"""The order of coatings, in SQL over the parts of a run."""
