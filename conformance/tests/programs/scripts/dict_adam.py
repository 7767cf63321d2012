import numpy as np


def init_params(n_x, n_h, n_y, rng):
    params = {}
    params["W1"] = rng.standard_normal((n_h, n_x)) * np.sqrt(2 / n_x)
    params["b1"] = np.zeros((n_h, 1))
    params["W2"] = rng.standard_normal((n_y, n_h)) * np.sqrt(2 / n_h)
    params["b2"] = np.zeros((n_y, 1))
    return params


def relu(z):
    return np.maximum(0, z)


def softmax(z):
    e = np.exp(z - np.max(z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


def forward(X, params):
    Z1 = params["W1"].dot(X) + params["b1"]
    A1 = relu(Z1)
    Z2 = params["W2"].dot(A1) + params["b2"]
    A2 = softmax(Z2)
    return A2, (Z1, A1)


def compute_cost(A2, Y):
    m = Y.shape[1]
    return -np.sum(Y * np.log(A2)) / m


def backward(X, Y, A2, cache, params):
    m = X.shape[1]
    Z1, A1 = cache
    grads = {}
    dZ2 = A2 - Y
    grads["W2"] = dZ2.dot(A1.T) / m
    grads["b2"] = np.sum(dZ2, axis=1, keepdims=True) / m
    dA1 = params["W2"].T.dot(dZ2)
    dZ1 = dA1 * (Z1 > 0)
    grads["W1"] = dZ1.dot(X.T) / m
    grads["b1"] = np.sum(dZ1, axis=1, keepdims=True) / m
    return grads


def adam_update(params, grads, m, v, t, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
    for key in params:
        m[key] = beta1 * m[key] + (1 - beta1) * grads[key]
        v[key] = beta2 * v[key] + (1 - beta2) * grads[key] ** 2
        m_hat = m[key] / (1 - beta1 ** t)
        v_hat = v[key] / (1 - beta2 ** t)
        params[key] = params[key] - lr * m_hat / (np.sqrt(v_hat) + eps)


rng = np.random.default_rng()
X = rng.standard_normal((5, 60))
labels = rng.integers(0, 3, 60)
Y = np.eye(3)[labels].T

params = init_params(5, 7, 3, rng)
m = {k: np.zeros_like(p) for k, p in params.items()}
v = {k: np.zeros_like(p) for k, p in params.items()}

for t in range(1, 501):
    A2, cache = forward(X, params)
    cost = compute_cost(A2, Y)
    grads = backward(X, Y, A2, cache, params)
    adam_update(params, grads, m, v, t)
    if t % 50 == 0:
        acc = np.mean(np.argmax(A2, axis=0) == labels)
        print("iteration %d, cost %f, accuracy %.2f" % (t, cost, acc))
