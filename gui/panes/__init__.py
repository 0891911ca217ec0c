"""Panes of the window, one file per dock."""
