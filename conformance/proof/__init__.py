"""Proof that the suite can fail: every mistake as a subject, through the whole check."""
