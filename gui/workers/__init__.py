"""Background jobs, and waiting for them."""
