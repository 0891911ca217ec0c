"""Working precision, arithmetic, granularity and fast loops over arrays."""
