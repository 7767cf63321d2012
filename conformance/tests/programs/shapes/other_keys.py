import numpy as np

class SoftmaxNet:
    def __init__(self, n_features, n_units, n_classes):
        g = np.random.default_rng(3)
        self.theta = {
            "A": g.standard_normal((n_features, n_units)) / np.sqrt(n_features),
            "a": np.zeros(n_units),
            "B": g.standard_normal((n_units, n_classes)) / np.sqrt(n_units),
            "b": np.zeros(n_classes),
        }

    def _hidden(self, inputs):
        return np.maximum(inputs @ self.theta["A"] + self.theta["a"], 0)

    def predict_proba(self, inputs):
        s = self._hidden(inputs) @ self.theta["B"] + self.theta["b"]
        s = s - s.max(axis=1, keepdims=True)
        e = np.exp(s)
        return e / e.sum(axis=1, keepdims=True)

    def cost(self, inputs, labels):
        p = self.predict_proba(inputs)
        return -np.log(p[np.arange(len(labels)), labels]).mean()

    def grad(self, inputs, labels):
        n = len(labels)
        h = self._hidden(inputs)
        p = self.predict_proba(inputs)
        p[np.arange(n), labels] -= 1
        p /= n
        out = {}
        out["B"] = h.T @ p
        out["b"] = p.sum(0)
        q = p @ self.theta["B"].T
        q[h <= 0] = 0
        out["A"] = inputs.T @ q
        out["a"] = q.sum(0)
        return out
