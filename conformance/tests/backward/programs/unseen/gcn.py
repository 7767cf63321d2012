"""A graph network: messages along edges, gated residual layers, attention over the nodes of a graph."""
import numpy as np


def leaky(x):
    return np.where(x > 0, x, 0.2 * x)


def gather(h, edges, degree):
    total = np.zeros(h.shape)
    np.add.at(total, edges[:, 1], h[edges[:, 0]])
    return (total + h) / degree[:, None]


def layer_forward(h, edges, degree, W, b, V, c):
    mixed = gather(h, edges, degree)
    z = mixed @ W + b
    gate = 1 / (1 + np.exp(-(h @ V + c)))
    out = gate * leaky(z) + (1 - gate) * h
    return out, (h, mixed, z, gate)


def layer_backward(dout, cache, edges, degree, W, V):
    h, mixed, z, gate = cache
    dgate = dout * (leaky(z) - h)
    dz = dout * gate * np.where(z > 0, 1.0, 0.2)
    dh = dout * (1 - gate)
    dW = mixed.T @ dz
    db = dz.sum(axis=0)
    ds = dgate * gate * (1 - gate)
    dV = h.T @ ds
    dc = ds.sum(axis=0)
    dh = dh + ds @ V.T
    dmixed = dz @ W.T
    dmixed = dmixed / degree[:, None]
    dh = dh + dmixed
    np.add.at(dh, edges[:, 0], dmixed[edges[:, 1]])
    return dh, (dW, db, dV, dc)


def f(params, x, edges, graph, y):
    embed, layers, query, (U, u) = params["embed"], params["layers"], params["query"], params["head"]
    n, graphs = len(x), len(y)
    degree = np.ones(n)
    np.add.at(degree, edges[:, 1], 1)

    h = x @ embed
    caches = []
    for W, b, V, c in layers:
        h, cache = layer_forward(h, edges, degree, W, b, V, c)
        caches.append(cache)
    score = h @ query
    pooled = np.zeros((graphs, h.shape[1]))
    weights = np.zeros(n)
    for g in range(graphs):
        own = graph == g
        e = np.exp(score[own] - score[own].max())
        weights[own] = e / e.sum()
        pooled[g] = weights[own] @ h[own]
    logits = pooled @ U + u
    p = 1 / (1 + np.exp(-logits))
    loss = -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / graphs

    # backward
    dlogits = (p - y) / graphs
    dU = pooled.T @ dlogits
    du = dlogits.sum(axis=0)
    dpooled = dlogits @ U.T
    dh = np.zeros(h.shape)
    dscore = np.zeros(n)
    for g in range(graphs):
        own = graph == g
        dh[own] = weights[own][:, None] * dpooled[g]
        dweights = h[own] @ dpooled[g]
        dscore[own] = weights[own] * (dweights - weights[own] @ dweights)
    dquery = h.T @ dscore
    dh += np.outer(dscore, query)
    dlayers = []
    for (W, b, V, c), cache in zip(reversed(layers), reversed(caches)):
        dh, grads = layer_backward(dh, cache, edges, degree, W, V)
        dlayers.insert(0, grads)
    return loss, {"embed": x.T @ dh, "layers": dlayers, "query": dquery, "head": (dU, du)}


def make(seed):
    rng = np.random.default_rng(seed)
    n, graphs, d, k, labels = 9, 3, 4, 5, 2
    graph = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2])
    edges = np.array([[0, 1], [1, 0], [1, 2], [2, 0], [3, 4], [4, 5], [5, 6], [6, 3], [3, 5], [7, 8], [8, 7]])
    layers = [
        (rng.normal(size=(k, k)), rng.normal(size=k), rng.normal(size=(k, k)), rng.normal(size=k))
        for _ in range(2)
    ]
    params = {
        "embed": rng.normal(size=(d, k)),
        "layers": layers,
        "query": rng.normal(size=k),
        "head": (rng.normal(size=(k, labels)), rng.normal(size=labels)),
    }
    return params, (rng.normal(size=(n, d)), edges, graph, (rng.random((graphs, labels)) < 0.5) * 1.0)
