import numpy as np


def squared(target, output):
    return np.mean((target - output) ** 2)


def squared_gradient(target, output):
    return 2 * (output - target) / np.size(target)
