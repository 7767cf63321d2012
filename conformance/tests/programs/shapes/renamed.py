import numpy as np

def qb(v, p, r):
    e = np.tanh(p @ v["k1"] + v["k2"])
    f = e @ v["k3"] + v["k4"]
    d = f - r
    n = len(p)
    k = 0.5 * (d ** 2).sum() / n
    d = d / n
    s = (d @ v["k3"].T) * (1 - e ** 2)
    return k, {"k1": p.T @ s, "k2": s.sum(0), "k3": e.T @ d, "k4": d.sum(0)}
