"""Figures and data to files, drawn from the session."""
