"""The submissions of a class, judged one by one under limits, and shown as a table."""
