import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def initial_weights():
    return {
        "W1": np.array([[-1, 2], [1, -3], [2, 0]]),
        "b1": np.array([[-1], [1], [0]]),
        "W2": np.array([[3, 1, -1], [1, 2, 0]]),
        "b2": np.array([[0], [1]]),
        "W3": np.array([[1, -2]]),
        "b3": np.array([[0]]),
    }


def forward(X, weights):
    A1 = sigmoid(weights["W1"] @ X + weights["b1"])
    A2 = sigmoid(weights["W2"] @ A1 + weights["b2"])
    A3 = sigmoid(weights["W3"] @ A2 + weights["b3"])
    return A3, (A1, A2, A3)


def backward(X, Y, weights, cache):
    A1, A2, A3 = cache
    d3 = (A3 - Y) * A3 * (1 - A3)
    d2 = weights["W3"].T @ d3 * A2 * (1 - A2)
    d1 = weights["W2"].T @ d2 * A1 * (1 - A1)
    return {
        "dW1": d1 @ X.T,
        "db1": d1.sum(axis=1, keepdims=True),
        "dW2": d2 @ A1.T,
        "db2": d2.sum(axis=1, keepdims=True),
        "dW3": d3 @ A2.T,
        "db3": d3.sum(axis=1, keepdims=True),
    }
