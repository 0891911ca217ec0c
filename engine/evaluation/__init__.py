"""Evaluation of a scheme on an array: parameters, codes, metrics and warnings."""
