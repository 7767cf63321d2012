import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def init_network(sizes):
    W = [np.random.randn(b, a) for a, b in zip(sizes[:-1], sizes[1:])]
    b = [np.zeros((n, 1)) for n in sizes[1:]]
    return W, b

def forward(X, W, b):
    A = [X]
    for w, bias in zip(W, b):
        A.append(sigmoid(np.dot(w, A[-1]) + bias))
    return A

def backward(A, Y, W):
    m = Y.shape[1]
    dW, db = [], []
    delta = (A[-1] - Y) * A[-1] * (1 - A[-1])
    for l in reversed(range(len(W))):
        dW.insert(0, np.dot(delta, A[l].T) / m)
        db.insert(0, np.sum(delta, axis=1, keepdims=True) / m)
        if l > 0:
            delta = np.dot(W[l].T, delta) * A[l] * (1 - A[l])
    return dW, db

def update(W, b, dW, db, lr):
    for l in range(len(W)):
        W[l] = W[l] - lr * dW[l]
        b[l] = b[l] - lr * db[l]
    return W, b

def train(X, Y, sizes, epochs=100, lr=0.5):
    W, b = init_network(sizes)
    for e in range(epochs):
        A = forward(X, W, b)
        dW, db = backward(A, Y, W)
        W, b = update(W, b, dW, db, lr)
    return W, b
