"""What is open, every change of it, and the snapshot that views read."""
