"""Numbers and arrays as people write them."""
