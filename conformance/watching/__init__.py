"""Watching a NumPy subject: every operation with its value and line, and what each one computes."""
