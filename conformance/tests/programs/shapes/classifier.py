import numpy as np

class MLPClassifier:
    def __init__(self, hidden_size=16, lr=0.1, epochs=50, batch_size=16, alpha=0.0, random_state=None):
        self.hidden_size = hidden_size
        self.lr = lr
        self.epochs = epochs
        self.batch_size = batch_size
        self.alpha = alpha
        self.rng = np.random.default_rng(random_state)

    def _init_weights(self, n_in, n_out):
        self.W1 = self.rng.normal(0, 0.5, (n_in, self.hidden_size))
        self.b1 = np.zeros(self.hidden_size)
        self.W2 = self.rng.normal(0, 0.5, (self.hidden_size, n_out))
        self.b2 = np.zeros(n_out)

    def fit(self, X, y):
        n_classes = len(np.unique(y))
        Y = np.eye(n_classes)[y]
        self._init_weights(X.shape[1], n_classes)
        for _ in range(self.epochs):
            idx = self.rng.permutation(len(X))
            for s in range(0, len(X), self.batch_size):
                b = idx[s:s + self.batch_size]
                self._update(X[b], Y[b])
        return self

    def _update(self, X, Y):
        H = np.tanh(X @ self.W1 + self.b1)
        S = H @ self.W2 + self.b2
        P = np.exp(S - S.max(1, keepdims=True))
        P /= P.sum(1, keepdims=True)
        G = (P - Y) / len(X)
        gW2 = H.T @ G
        gb2 = G.sum(0)
        GH = G @ self.W2.T * (1 - H * H)
        gW1 = X.T @ GH
        gb1 = GH.sum(0)
        self.W1 -= self.lr * gW1
        self.b1 -= self.lr * gb1
        self.W2 -= self.lr * gW2
        self.b2 -= self.lr * gb2

    def predict(self, X):
        H = np.tanh(X @ self.W1 + self.b1)
        return np.argmax(H @ self.W2 + self.b2, axis=1)
