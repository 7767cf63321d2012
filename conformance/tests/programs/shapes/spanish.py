import numpy as np

class Capa:
    def __init__(self, entradas, salidas, f, df):
        self.W = np.random.randn(salidas, entradas) / np.sqrt(entradas)
        self.b = np.zeros((salidas, 1))
        self.f, self.df = f, df

    def adelante(self, x):
        self.x = x
        self.z = self.W @ x + self.b
        return self.f(self.z)

    def atras(self, error):
        delta = error * self.df(self.z)
        self.dW = delta @ self.x.T / self.x.shape[1]
        self.db = delta.mean(axis=1, keepdims=True)
        return self.W.T @ delta

relu = lambda z: np.maximum(z, 0)
drelu = lambda z: (z > 0).astype(float)
tanh = np.tanh
dtanh = lambda z: 1 - np.tanh(z) ** 2

class Red:
    def __init__(self, formas):
        self.capas = [Capa(a, b, relu, drelu) for a, b in zip(formas[:-2], formas[1:-1])]
        self.capas.append(Capa(formas[-2], formas[-1], tanh, dtanh))

    def predecir(self, x):
        for capa in self.capas:
            x = capa.adelante(x)
        return x

    def costo(self, x, y):
        return ((self.predecir(x) - y) ** 2).sum(axis=0).mean() / 2

    def entrenar(self, x, y, tasa):
        error = self.predecir(x) - y
        for capa in reversed(self.capas):
            error = capa.atras(error)
        for capa in self.capas:
            capa.W -= tasa * capa.dW
            capa.b -= tasa * capa.db
