"""What follows from evaluations: comparisons, channels, outliers, the steps of one value."""
