"""Factors of a table of ratings, of which rows move and decay, with their rate within."""
import numpy as np

rng = np.random.default_rng(4)
ratings = [(0, 0, 5), (0, 1, 3), (0, 3, 1), (1, 0, 4), (1, 3, 1), (2, 0, 1), (2, 1, 1), (2, 3, 5)]
P, Q = rng.random((3, 2)), rng.random((4, 2))
alpha, beta = 0.002, 0.02

for epoch in range(20):
    for i, j, stars in ratings:
        e = stars - np.dot(P[i, :], Q[j, :])
        p = P[i, :].copy()
        P[i, :] = P[i, :] + alpha * (2 * e * Q[j, :] - beta * P[i, :])
        Q[j, :] = Q[j, :] + alpha * (2 * e * p - beta * Q[j, :])
