"""Word embeddings, averaged over the words that a text has, then tanh and a softmax."""
import numpy as np


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def forward(params, ids, mask):
    E, W1, b1, W2, b2 = params
    vectors = E[ids]                                    # texts, words, dimensions
    length = mask.sum(1, keepdims=True)
    total = (vectors * mask[:, :, None]).sum(1)
    mean = total / length
    hidden = np.tanh(mean @ W1 + b1)
    probs = softmax(hidden @ W2 + b2)
    return probs, (mean, hidden, length)


def loss_of(probs, y):
    return -np.log(probs[range(len(y)), y]).mean()


def backward(params, ids, mask, y, probs, cache):
    E, W1, b1, W2, b2 = params
    mean, hidden, length = cache
    n = len(y)
    onehot = np.zeros(probs.shape)
    onehot[range(n), y] = 1
    delta2 = (probs - onehot) / n
    dW2 = hidden.T @ delta2
    db2 = delta2.sum(0)
    delta1 = (delta2 @ W2.T) * (1 - hidden ** 2)
    dW1 = mean.T @ delta1
    db1 = delta1.sum(0)
    dmean = delta1 @ W1.T
    dtotal = dmean / length
    dvectors = dtotal[:, None, :] * mask[:, :, None]
    dE = np.zeros(E.shape)
    np.add.at(dE, ids, dvectors)
    return [dE, dW1, db1, dW2, db2]


def f(params, ids, mask, y):
    probs, cache = forward(params, ids, mask)
    return loss_of(probs, y), backward(params, ids, mask, y, probs, cache)


def make(seed):
    rng = np.random.default_rng(seed)
    words, d, h, k, n, longest = 9, 3, 5, 4, 6, 7
    lengths = rng.integers(2, longest + 1, size=n)
    mask = (np.arange(longest)[None, :] < lengths[:, None]).astype(float)
    ids = rng.integers(0, words, size=(n, longest))
    y = rng.permutation(np.arange(n) % k)
    params = [
        rng.normal(size=(words, d)),
        rng.normal(size=(d, h)),
        rng.normal(size=h),
        rng.normal(size=(h, k)),
        rng.normal(size=k),
    ]
    return params, (ids, mask, y)
