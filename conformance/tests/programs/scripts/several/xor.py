import numpy as np

from layers import Affine, Tanh
from losses import squared, squared_gradient

pairs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float).reshape(4, 2, 1)
targets = np.array([0.0, 1.0, 1.0, 0.0]).reshape(4, 1, 1)

stack = [Affine(2, 3), Tanh(), Affine(3, 1), Tanh()]

for epoch in range(1000):
    error = 0
    for pair, target in zip(pairs, targets):
        value = pair
        for layer in stack:
            value = layer.forward(value)
        error += squared(target, value)

        gradient = squared_gradient(target, value)
        for layer in reversed(stack):
            gradient = layer.backward(gradient, 0.1)
    if epoch % 100 == 0:
        print(epoch, error / len(pairs))
