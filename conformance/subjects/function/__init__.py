"""A function `step(weights, biases, x, y, eta) -> dict` as a subject."""
