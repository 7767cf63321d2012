"""Gradients of several processes, and of the micro-batches of one: what they add up to."""
