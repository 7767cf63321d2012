"""What is behind a verdict, entry by entry, for those who want to see it."""
