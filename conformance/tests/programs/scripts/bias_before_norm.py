import numpy as np
rng = np.random.default_rng(0)
X = rng.standard_normal((8, 5)); Y = rng.integers(0, 3, 8)
W1 = rng.standard_normal((5, 6)); b1 = rng.standard_normal(6) * 0.1
g = np.ones((1, 6)); be = np.zeros((1, 6))
W2 = rng.standard_normal((6, 3)); b2 = np.zeros(3)
n = 8
for i in range(20):
    a = X @ W1 + b1
    mu = a.mean(0, keepdims=True); var = a.var(0, keepdims=True)
    inv = (var + 1e-5) ** -0.5
    raw = (a - mu) * inv
    h = np.tanh(g * raw + be)
    o = h @ W2 + b2
    e = np.exp(o - o.max(1, keepdims=True)); p = e / e.sum(1, keepdims=True)
    loss = -np.log(p[range(n), Y]).mean()
    do = p.copy(); do[range(n), Y] -= 1; do /= n
    dW2 = h.T @ do; db2 = do.sum(0)
    dp = (1 - h ** 2) * (do @ W2.T)
    dg = (raw * dp).sum(0, keepdims=True); dbe = dp.sum(0, keepdims=True)
    da = g * inv / n * (n * dp - dp.sum(0) - raw * (dp * raw).sum(0))
    dW1 = X.T @ da; db1 = da.sum(0)
    for p_, d in zip([W1, b1, g, be, W2, b2], [dW1, db1, dg, dbe, dW2, db2]):
        p_ -= 0.1 * d
print(loss)
