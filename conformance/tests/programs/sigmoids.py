"""Sigmoids that branch on their numbers."""
import math

import numpy as np


def masked(z):
    out = np.empty_like(z)
    out[z >= 0] = 1 / (1 + np.exp(-z[z >= 0]))
    out[z < 0] = np.exp(z[z < 0]) / (1 + np.exp(z[z < 0]))
    return out


def masked_prime(z):
    return masked(z) * (1 - z)  # wrong


@np.vectorize
def by_number(t):
    if t < 0:
        e = math.exp(t)
        return e / (1 + e)
    return 1 / (1 + math.exp(-t))
