"""The table of a step: what is computed, from what, by which equation, and how it is written."""
