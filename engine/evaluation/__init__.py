"""One pass over an array: parameters, codes, sums, metrics and warnings."""
