import numpy as np
import frames_of_nobody as frames

table = np.array(frames.read_csv("digits/train.csv"))
rows, columns = table.shape
Y_train = table[:, 0]
X_train = table[:, 1:].T / 255
_, m = X_train.shape


def start():
    W1, b1 = np.random.rand(12, 784) - 0.5, np.random.rand(12, 1) - 0.5
    W2, b2 = np.random.rand(10, 12) - 0.5, np.random.rand(10, 1) - 0.5
    return W1, b1, W2, b2


def relu(Z):
    return np.maximum(Z, 0)


def relu_slope(Z):
    return Z > 0


def softmax(Z):
    return np.exp(Z) / sum(np.exp(Z))


def one_hot(Y):
    codes = np.zeros((Y.size, Y.max() + 1))
    codes[np.arange(Y.size), Y] = 1
    return codes.T


def forward(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = relu(Z1)
    Z2 = W2.dot(A1) + b2
    A2 = softmax(Z2)
    return Z1, A1, Z2, A2


def backward(Z1, A1, Z2, A2, W1, W2, X, Y):
    dZ2 = A2 - one_hot(Y)
    dW2 = dZ2.dot(A1.T) / m
    db2 = np.sum(dZ2, 1).reshape(-1, 1) / m
    dZ1 = W2.T.dot(dZ2) * relu_slope(Z1)
    dW1 = dZ1.dot(X.T) / m
    db1 = np.sum(dZ1, 1).reshape(-1, 1) / m
    return dW1, db1, dW2, db2


def descend(X, Y, alpha, iterations):
    W1, b1, W2, b2 = start()
    for i in range(iterations):
        Z1, A1, Z2, A2 = forward(W1, b1, W2, b2, X)
        dW1, db1, dW2, db2 = backward(Z1, A1, Z2, A2, W1, W2, X, Y)
        W1, b1 = W1 - alpha * dW1, b1 - alpha * db1
        W2, b2 = W2 - alpha * dW2, b2 - alpha * db2
    return W1, b1, W2, b2


W1, b1, W2, b2 = descend(X_train, Y_train, 0.1, 500)
