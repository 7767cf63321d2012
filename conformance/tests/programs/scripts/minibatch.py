import numpy as np

np.random.seed(10)
N, D, H, C = 300, 12, 16, 4
BATCH = 32
centers = np.random.randn(C, D) * 2
labels = np.random.randint(C, size=N)
images = (centers[labels] + np.random.randn(N, D)).astype(np.float32)


def one_hot(y, classes):
    out = np.zeros((y.size, classes))
    out[np.arange(y.size), y] = 1
    return out


targets = one_hot(labels, C)

w = [np.random.randn(D, H) * np.sqrt(2.0 / D), np.random.randn(H, C) * np.sqrt(2.0 / H)]
b = [np.zeros((1, H)), np.zeros((1, C))]
learning_rate = 0.05


def run_epoch(order):
    total = 0.0
    for start in range(0, N, BATCH):
        idx = order[start:start + BATCH]
        x, t = images[idx], targets[idx]

        z1 = x.dot(w[0]) + b[0]
        h = np.maximum(z1, 0)
        z2 = h.dot(w[1]) + b[1]
        z2 = z2 - z2.max(axis=1, keepdims=True)
        p = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)
        total += -np.sum(t * np.log(p + 1e-12))

        dz2 = (p - t) / len(idx)
        dh = dz2.dot(w[1].T)
        dh[z1 <= 0] = 0
        grads_w = [x.T.dot(dh), h.T.dot(dz2)]
        grads_b = [dh.sum(axis=0, keepdims=True), dz2.sum(axis=0, keepdims=True)]

        for i in range(2):
            w[i] -= learning_rate * grads_w[i]
            b[i] -= learning_rate * grads_b[i]
    return total / N


for epoch in range(20):
    order = np.random.permutation(N)
    print("epoch", epoch + 1, "loss", run_epoch(order))
