import numpy as np

class ThreeLayerNet:
    def __init__(self, input_dim=8, hidden_dims=(6, 5), num_classes=3, weight_scale=1e-2):
        dims = [input_dim, *hidden_dims, num_classes]
        self.params = {}
        self.grads = {}
        for i in range(3):
            self.params[f"W{i+1}"] = weight_scale * np.random.randn(dims[i], dims[i+1])
            self.params[f"b{i+1}"] = np.zeros(dims[i+1])

    def forward(self, X):
        self.cache = {"A0": X}
        A = X
        for i in range(1, 4):
            Z = A.dot(self.params[f"W{i}"]) + self.params[f"b{i}"]
            if i < 3:
                A = np.where(Z > 0, Z, 0.01 * Z)
            else:
                E = np.exp(Z - Z.max(axis=1, keepdims=True))
                A = E / E.sum(axis=1, keepdims=True)
            self.cache[f"Z{i}"], self.cache[f"A{i}"] = Z, A
        return A

    def cross_entropy(self, y):
        p = self.cache["A3"]
        return -np.mean(np.log(p[np.arange(len(y)), y] + 1e-12))

    def backward(self, y):
        m = len(y)
        dZ = self.cache["A3"].copy()
        dZ[np.arange(m), y] -= 1
        dZ /= m
        for i in (3, 2, 1):
            self.grads[f"W{i}"] = self.cache[f"A{i-1}"].T.dot(dZ)
            self.grads[f"b{i}"] = dZ.sum(axis=0)
            if i > 1:
                dA = dZ.dot(self.params[f"W{i}"].T)
                dZ = dA * np.where(self.cache[f"Z{i-1}"] > 0, 1, 0.01)

    def step(self, lr=0.1):
        for k in self.params:
            self.params[k] -= lr * self.grads[k]
