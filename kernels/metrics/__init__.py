"""What is read off a solved stack: margins, thicknesses, inverse answers, profiles."""
