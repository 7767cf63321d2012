import numpy as np


def squash(x, derivative=False):
    # with derivative=True, x is the output of squash already
    if derivative:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))


# majority of the first two inputs; the last column is the bias
inputs = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
wanted = np.array([[0, 0, 0, 1]]).T

np.random.seed(7)
first = 2 * np.random.random((3, 5)) - 1
second = 2 * np.random.random((5, 1)) - 1

for n in range(5000):
    hidden = squash(np.dot(inputs, first))
    out = squash(np.dot(hidden, second))

    miss = wanted - out
    if n % 1000 == 0:
        print("mean absolute miss:", np.mean(np.abs(miss)))

    out_delta = miss * squash(out, True)
    hidden_miss = out_delta.dot(second.T)
    hidden_delta = hidden_miss * squash(hidden, True)

    second += hidden.T.dot(out_delta)
    first += inputs.T.dot(hidden_delta)

print(out.round(3))
