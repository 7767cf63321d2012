"""Measured ratios against budgets: `conformance bench`. No test asserts a time."""
