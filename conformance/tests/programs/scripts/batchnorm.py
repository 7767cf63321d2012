import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 5)); Y = (X @ rng.normal(size=(5, 1)) > 0) * 1.0
P = dict(W1=rng.normal(size=(5, 8)) * .5, gamma=np.ones(8), beta=np.zeros(8), W2=rng.normal(size=(8, 1)) * .5, b2=np.zeros(1))
run_mean, run_var = np.zeros(8), np.ones(8)
eps = 1e-5
for it in range(60):
    idx = rng.choice(60, 20, replace=False)
    x, y = X[idx], Y[idx]
    u = x @ P["W1"]
    mu, var = u.mean(0), u.var(0)
    run_mean = .9 * run_mean + .1 * mu; run_var = .9 * run_var + .1 * var
    xhat = (u - mu) / np.sqrt(var + eps)
    v = P["gamma"] * xhat + P["beta"]
    h = np.maximum(v, 0)
    p = 1 / (1 + np.exp(-(h @ P["W2"] + P["b2"])))
    J = -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
    g = {}
    d = (p - y) / 20
    g["W2"], g["b2"] = h.T @ d, d.sum(0)
    dv = d @ P["W2"].T * (v > 0)
    g["gamma"], g["beta"] = (dv * xhat).sum(0), dv.sum(0)
    dx = dv * P["gamma"]
    du = (dx - dx.mean(0) - xhat * (dx * xhat).mean(0)) / np.sqrt(var + eps)
    g["W1"] = x.T @ du
    for k in P: P[k] = P[k] - .3 * g[k]
    if it % 20 == 0: print(it, J)
