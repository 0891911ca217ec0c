"""Schemes as text and frozen values, and the arithmetic of runtimes."""
