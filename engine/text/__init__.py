"""Parsing and formatting of numbers, arrays and tables as text."""
