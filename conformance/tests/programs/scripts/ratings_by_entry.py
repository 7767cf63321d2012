"""Factors of a table of ratings, entry by entry, and how far off they are at all ratings."""
import numpy as np

np.random.seed(0)
R = np.array([[5, 3, 0, 1], [4, 0, 0, 1], [1, 1, 0, 5]])
K = 2
P, Q = np.random.rand(3, K), np.random.rand(4, K)


def factorise(R, P, Q, K, steps=20, alpha=0.002, beta=0.02):
    Q = Q.T
    for step in range(steps):
        for i in range(len(R)):
            for j in range(len(R[i])):
                if R[i, j] > 0:
                    eij = R[i, j] - np.dot(P[i, :], Q[:, j])
                    for k in range(K):
                        p = P[i, k]
                        P[i, k] = p + alpha * (2 * eij * Q[k, j] - beta * p)
                        Q[k, j] = Q[k, j] + alpha * (2 * eij * p - beta * Q[k, j])
        e = 0
        for i in range(len(R)):
            for j in range(len(R[i])):
                if R[i, j] > 0:
                    e = e + (R[i, j] - np.dot(P[i, :], Q[:, j])) ** 2
                    for k in range(K):
                        e = e + beta / 2 * (P[i, k] ** 2 + Q[k, j] ** 2)
        print(step, e)
    return P, Q.T


factorise(R, P, Q, K)
