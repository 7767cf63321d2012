import numpy as np


class MLP:
    """Multilayer perceptron with tanh layers and a softmax output, rows are samples."""

    def __init__(self, layer_sizes, learning_rate=0.05, reg_lambda=0.01):
        self.weights = []
        self.biases = []
        self.learning_rate = learning_rate
        self.reg_lambda = reg_lambda
        for n_prev, n_next in zip(layer_sizes[:-1], layer_sizes[1:]):
            self.weights.append(np.random.randn(n_prev, n_next) / np.sqrt(n_prev))
            self.biases.append(np.zeros((1, n_next)))

    def _forward(self, X):
        activations = [X]
        for i, (W, b) in enumerate(zip(self.weights, self.biases)):
            z = activations[-1] @ W + b
            if i < len(self.weights) - 1:
                a = np.tanh(z)
            else:
                e = np.exp(z - z.max(axis=1, keepdims=True))
                a = e / e.sum(axis=1, keepdims=True)
            activations.append(a)
        return activations

    def predict(self, X):
        return np.argmax(self._forward(X)[-1], axis=1)

    def compute_loss(self, X, y):
        probs = self._forward(X)[-1]
        data_loss = -np.mean(np.log(probs[np.arange(len(y)), y]))
        return data_loss + 0.5 * self.reg_lambda * sum(np.sum(W ** 2) for W in self.weights)

    def fit(self, X, y, epochs=200, batch_size=32):
        n = X.shape[0]
        for epoch in range(epochs):
            order = np.random.permutation(n)
            for start in range(0, n, batch_size):
                batch = order[start:start + batch_size]
                self._step(X[batch], y[batch])

    def _step(self, X, y):
        activations = self._forward(X)
        m = X.shape[0]
        delta = activations[-1].copy()
        delta[np.arange(m), y] -= 1
        delta /= m
        dW = [None] * len(self.weights)
        db = [None] * len(self.biases)
        for i in range(len(self.weights) - 1, -1, -1):
            dW[i] = activations[i].T @ delta + self.reg_lambda * self.weights[i]
            db[i] = delta.sum(axis=0, keepdims=True)
            if i > 0:
                delta = (delta @ self.weights[i].T) * (1 - activations[i] ** 2)
        for i in range(len(self.weights)):
            self.weights[i] -= self.learning_rate * dW[i]
            self.biases[i] -= self.learning_rate * db[i]
