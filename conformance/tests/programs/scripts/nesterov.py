import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(50, 4)); Y = np.tanh(X @ rng.normal(size=(4, 2)))
layers = [rng.normal(size=(4, 6)) * .5, rng.normal(size=(6, 2)) * .5]
vel = [np.zeros_like(w) for w in layers]
for it in range(100):
    look = [w + .9 * v for w, v in zip(layers, vel)]
    h = np.tanh(X @ look[0]); o = np.tanh(h @ look[1])
    L = .5 * np.sum((o - Y) ** 2) / 50
    d2 = (o - Y) * (1 - o ** 2) / 50
    d1 = d2 @ look[1].T * (1 - h ** 2)
    grads = [X.T @ d1, h.T @ d2]
    vel = [.9 * v - .1 * g for v, g in zip(vel, grads)]
    layers = [w + v for w, v in zip(layers, vel)]
    if it % 20 == 0: print(it, L)
