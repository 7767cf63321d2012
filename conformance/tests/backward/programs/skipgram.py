"""Skip-gram with negative samples, pair by pair; rows of the tables are updated in place."""
import numpy as np


def sigma(t):
    return 1 / (1 + np.exp(-t))


def f(tables, pairs, negatives):
    inner, outer = tables["in"], tables["out"]
    loss = 0
    for (c, o), negs in zip(pairs, negatives):
        loss -= np.log(sigma(inner[c] @ outer[o]))
        for k in negs:
            loss -= np.log(sigma(-inner[c] @ outer[k]))

    # backward
    g_in, g_out = np.zeros(inner.shape), np.zeros(outer.shape)
    for (c, o), negs in zip(pairs, negatives):
        v = inner[c]
        g = sigma(v @ outer[o]) - 1
        g_in[c] += g * outer[o]
        g_out[o] += g * v
        for k in negs:
            g = sigma(v @ outer[k])
            g_in[c] += g * outer[k]
            g_out[k] += g * v
    n = len(pairs)
    return loss / n, {"in": g_in / n, "out": g_out / n}


def make(seed):
    rng = np.random.default_rng(seed)
    words, d = 6, 4
    pairs = [(0, 1), (1, 2), (1, 3), (4, 0), (5, 4), (2, 5), (3, 3)]
    negatives = [list(rng.integers(0, words, size=3)) for _ in pairs]
    return {"in": rng.normal(size=(words, d)), "out": rng.normal(size=(words, d))}, (pairs, negatives)
