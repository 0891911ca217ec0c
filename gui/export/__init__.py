"""Export of figures, data and reports to files."""
