"""A network as in the book, one sample after the other, each a column; cross-entropy."""
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):  # backward
    return sigmoid(z) * (1 - sigmoid(z))


def backprop(biases, weights, x, y):
    nabla_b = [np.zeros(b.shape) for b in biases]
    nabla_w = [np.zeros(w.shape) for w in weights]
    activation = x
    activations = [x]
    zs = []
    for b, w in zip(biases, weights):
        z = np.dot(w, activation) + b
        zs.append(z)
        activation = sigmoid(z)
        activations.append(activation)
    a = activations[-1]
    cost = np.sum(-y * np.log(a) - (1 - y) * np.log(1 - a))
    # backward
    delta = activations[-1] - y
    nabla_b[-1] = delta
    nabla_w[-1] = np.dot(delta, activations[-2].transpose())
    for l in range(2, len(weights) + 1):
        z = zs[-l]
        sp = sigmoid_prime(z)
        delta = np.dot(weights[-l + 1].transpose(), delta) * sp
        nabla_b[-l] = delta
        nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
    return cost, nabla_b, nabla_w


def f(params, xs, ys):
    biases, weights = params["biases"], params["weights"]
    nabla_b = [np.zeros(b.shape) for b in biases]
    nabla_w = [np.zeros(w.shape) for w in weights]
    total = 0.0
    for x, y in zip(xs, ys):
        cost, delta_nabla_b, delta_nabla_w = backprop(biases, weights, x, y)
        total += cost
        # backward
        nabla_b = [nb + dnb for nb, dnb in zip(nabla_b, delta_nabla_b)]
        nabla_w = [nw + dnw for nw, dnw in zip(nabla_w, delta_nabla_w)]
    grads = {"biases": [nb / len(xs) for nb in nabla_b], "weights": [nw / len(xs) for nw in nabla_w]}
    return total / len(xs), grads


def make(seed):
    rng = np.random.default_rng(seed)
    sizes = [4, 5, 3, 2]
    params = {
        "biases": [rng.normal(size=(n, 1)) for n in sizes[1:]],
        "weights": [rng.normal(size=(o, i)) for i, o in zip(sizes, sizes[1:])],
    }
    xs = [rng.normal(size=(4, 1)) for _ in range(6)]
    ys = [np.eye(2)[:, [k % 2]] for k in rng.permutation(6)]
    return params, (xs, ys)
