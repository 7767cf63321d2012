import random
import numpy as np

# y = XOR of the two inputs, one sample at a time
training_data = [
    (np.array([[0.0], [0.0]]), 0.0),
    (np.array([[0.0], [1.0]]), 1.0),
    (np.array([[1.0], [0.0]]), 1.0),
    (np.array([[1.0], [1.0]]), 0.0),
]

sizes = [2, 3, 1]
weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]
biases = [np.random.randn(y, 1) for y in sizes[1:]]
eta = 0.5


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def backprop(x, y):
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
    delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
    nabla_b[-1] = delta
    nabla_w[-1] = np.dot(delta, activations[-2].T)
    for l in range(2, len(sizes)):
        sp = sigmoid_prime(zs[-l])
        delta = np.dot(weights[-l + 1].T, delta) * sp
        nabla_b[-l] = delta
        nabla_w[-l] = np.dot(delta, activations[-l - 1].T)
    return nabla_b, nabla_w


for epoch in range(5000):
    random.shuffle(training_data)
    for x, y in training_data:
        nabla_b, nabla_w = backprop(x, y)
        weights = [w - eta * nw for w, nw in zip(weights, nabla_w)]
        biases = [b - eta * nb for b, nb in zip(biases, nabla_b)]

for x, y in training_data:
    a = x
    for b, w in zip(biases, weights):
        a = sigmoid(np.dot(w, a) + b)
    print(x.ravel(), y, a[0, 0])
