"""Training in lockstep: the data, the loop, what it measures, and where it is kept."""
