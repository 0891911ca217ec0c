"""From data to the clipping range: every method by name."""
