import numpy as np

class Netz:
    def __init__(self, schichten):
        self.gewichte = [np.random.randn(a, b) * 0.5 for a, b in zip(schichten, schichten[1:])]
        self.schwellen = [np.zeros(b) for b in schichten[1:]]

    def sigma(self, z):
        return 1 / (1 + np.exp(-z))

    def vorwaerts(self, x):
        self.akt = [x]
        for g, s in zip(self.gewichte, self.schwellen):
            x = self.sigma(x @ g + s)
            self.akt.append(x)
        return x

    def rueckwaerts(self, x, t):
        a = self.vorwaerts(x)
        fehler = (a - t) * a * (1 - a) / len(x)
        gg, gs = [], []
        for i in reversed(range(len(self.gewichte))):
            gg.insert(0, self.akt[i].T @ fehler)
            gs.insert(0, fehler.sum(axis=0))
            if i:
                fehler = fehler @ self.gewichte[i].T * self.akt[i] * (1 - self.akt[i])
        return gg, gs

    def lernen(self, x, t, rate=0.1):
        gg, gs = self.rueckwaerts(x, t)
        for i in range(len(gg)):
            self.gewichte[i] -= rate * gg[i]
            self.schwellen[i] -= rate * gs[i]
