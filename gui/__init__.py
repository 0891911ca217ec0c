"""The window: everything of Quantoscope that needs a screen."""
