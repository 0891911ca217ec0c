"""Work off the GUI thread, and how the window waits for it."""
