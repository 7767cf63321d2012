import numpy as np

rng = np.random.default_rng(3)
n, d, h = 80, 3, 6
x = rng.normal(size=(n, d))
y = np.sin(x[:, :1]) + 0.5 * x[:, 1:2] ** 2

W1 = rng.normal(size=(d, h)) / np.sqrt(d)
b1 = np.zeros(h)
W2 = rng.normal(size=(h, 1)) / np.sqrt(h)
b2 = np.zeros(1)

vW1 = np.zeros_like(W1)
vb1 = np.zeros_like(b1)
vW2 = np.zeros_like(W2)
vb2 = np.zeros_like(b2)

lr, mu = 0.05, 0.9
for step in range(500):
    a1 = np.tanh(x @ W1 + b1)
    out = a1 @ W2 + b2
    err = out - y
    mse = (err ** 2).mean()

    d_out = 2 * err / n
    gW2 = a1.T @ d_out
    gb2 = d_out.sum(axis=0)
    d_a1 = d_out @ W2.T
    d_z1 = d_a1 * (1 - a1 ** 2)
    gW1 = x.T @ d_z1
    gb1 = d_z1.sum(axis=0)

    vW1 = mu * vW1 - lr * gW1
    vb1 = mu * vb1 - lr * gb1
    vW2 = mu * vW2 - lr * gW2
    vb2 = mu * vb2 - lr * gb2
    W1 += vW1
    b1 += vb1
    W2 += vW2
    b2 += vb2

    if step % 100 == 0:
        print(step, mse)
