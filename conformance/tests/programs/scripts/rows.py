"""Two-layer network on a toy data set, row batches."""
import numpy as np

np.random.seed(42)
X = np.random.randn(200, 4)
y = (X[:, :1] * X[:, 1:2] > 0).astype(float)

W1 = np.random.randn(4, 8) * 0.5
b1 = np.zeros((1, 8))
W2 = np.random.randn(8, 1) * 0.5
b2 = np.zeros((1, 1))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(X):
    z1 = X @ W1 + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2 + b2
    a2 = sigmoid(z2)
    return z1, a1, z2, a2


lr = 0.5
for epoch in range(1000):
    z1, a1, z2, a2 = forward(X)
    loss = np.mean((a2 - y) ** 2)

    m = X.shape[0]
    dz2 = 2 * (a2 - y) * a2 * (1 - a2) / m
    dW2 = a1.T @ dz2
    db2 = np.sum(dz2, axis=0, keepdims=True)
    da1 = dz2 @ W2.T
    dz1 = da1 * a1 * (1 - a1)
    dW1 = X.T @ dz1
    db1 = np.sum(dz1, axis=0, keepdims=True)

    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2

    if epoch % 100 == 0:
        print(f"epoch {epoch}: loss {loss:.4f}")
