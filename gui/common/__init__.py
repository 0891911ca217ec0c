"""Shared parts of the window: theme, settings, plain text, number fields."""
