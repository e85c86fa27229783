"""Estimators from sums alone: means, ratios and lifts with their standard errors, intervals, p-values and power."""
