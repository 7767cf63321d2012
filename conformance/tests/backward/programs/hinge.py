"""Two layers, the multiclass hinge loss and L2."""
import numpy as np

REG = 0.25


def f(params, X, y):
    (W1, b1), (W2, b2) = params
    num_train = X.shape[0]

    hidden = X.dot(W1) + b1
    relu = hidden * (hidden > 0)
    scores = relu.dot(W2) + b2
    correct = scores[np.arange(num_train), y].reshape(-1, 1)
    margins = np.maximum(0, scores - correct + 1.0)
    margins[np.arange(num_train), y] = 0
    loss = np.sum(margins) / num_train
    loss += REG * (np.sum(W1 * W1) + np.sum(W2 * W2))

    # backward
    binary = np.zeros(margins.shape)
    binary[margins > 0] = 1
    row_sum = np.sum(binary, axis=1)
    binary[np.arange(num_train), y] = -row_sum
    dscores = binary / num_train
    dW2 = relu.T.dot(dscores)
    db2 = dscores.sum(axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden = dhidden * (hidden > 0)
    dW1 = X.T.dot(dhidden)
    db1 = dhidden.sum(axis=0)
    dW1 += 2 * REG * W1
    dW2 += 2 * REG * W2
    return loss, ((dW1, db1), (dW2, db2))


def make(seed):
    rng = np.random.default_rng(seed)
    d, h, k, n = 4, 6, 5, 7
    params = (
        (rng.normal(size=(d, h)), rng.normal(size=h)),
        (rng.normal(size=(h, k)), rng.normal(size=k)),
    )
    return params, (rng.normal(size=(n, d)), rng.permutation(np.arange(n) % k))
