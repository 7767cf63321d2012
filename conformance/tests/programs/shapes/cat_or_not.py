import numpy as np


def squash(t):
    return 1 / (1 + np.exp(-t))


def initialize_with_zeros(dim):
    return np.zeros((dim, 1)), 0


def propagate(w, b, X, Y):
    count = X.shape[1]
    guess = squash(w.T.dot(X) + b)
    cost = -np.sum(Y * np.log(guess) + (1 - Y) * np.log(1 - guess)) / count
    grads = {"dw": X.dot((guess - Y).T) / count, "db": np.sum(guess - Y) / count}
    return grads, cost


def optimize(w, b, X, Y, num_iterations, learning_rate):
    costs = []
    for i in range(num_iterations):
        grads, cost = propagate(w, b, X, Y)
        w = w - learning_rate * grads["dw"]
        b = b - learning_rate * grads["db"]
        if i % 100 == 0:
            costs.append(cost)
    return {"w": w, "b": b}, grads, costs


b = 0.5  # what the file tries it with is no setting
