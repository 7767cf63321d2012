"""A linear-chain conditional random field: the gradient by the forward-backward algorithm."""
import numpy as np


def lse(a, axis):
    top = a.max(axis=axis, keepdims=True)
    return np.log(np.exp(a - top).sum(axis=axis)) + top.squeeze(axis)


def f(params, x, tags):
    W, A = params
    N, T, _ = x.shape
    K = len(A)
    gW, gA = np.zeros_like(W), np.zeros_like(A)
    loss = 0.0
    for n in range(N):
        s = x[n] @ W
        alpha = [s[0]]
        for t in range(1, T):
            alpha.append(lse(alpha[-1][:, None] + A, 0) + s[t])
        logz = lse(alpha[-1], 0)
        path = s[range(T), tags[n]].sum() + A[tags[n][:-1], tags[n][1:]].sum()
        loss += logz - path

        # backward
        beta = [np.zeros(K)]
        for t in range(T - 2, -1, -1):
            beta.insert(0, lse(A + s[t + 1] + beta[0], 1))
        for t in range(T):
            unary = np.exp(alpha[t] + beta[t] - logz)
            unary[tags[n][t]] -= 1
            gW += np.outer(x[n, t], unary)
        for t in range(T - 1):
            pair = np.exp(alpha[t][:, None] + A + s[t + 1] + beta[t + 1] - logz)
            pair[tags[n][t], tags[n][t + 1]] -= 1
            gA += pair
    return loss, [gW, gA]


def make(seed):
    rng = np.random.default_rng(seed)
    D, K, N, T = 3, 4, 3, 5
    tags = rng.permutation(np.arange(N * T) % K).reshape(N, T)
    return [rng.normal(size=(D, K)), rng.normal(size=(K, K))], (rng.normal(size=(N, T, D)), tags)
