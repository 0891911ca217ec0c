"""Analysis of evaluations: comparisons, channels, outliers, steps of a value."""
