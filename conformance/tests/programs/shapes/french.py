import numpy as np

def activer(z):
    return np.tanh(z)

def creer(n, k, s):
    return {'P1': np.random.randn(n, k), 'c1': np.zeros(k), 'P2': np.random.randn(k, s), 'c2': np.zeros(s)}

def propager(reseau, X):
    h = activer(X @ reseau['P1'] + reseau['c1'])
    return h, h @ reseau['P2'] + reseau['c2']

def retropropager(reseau, X, Y):
    h, s = propager(reseau, X)
    d = (s - Y) / len(X)
    dh = d @ reseau['P2'].T * (1 - h ** 2)
    return {'P1': X.T @ dh, 'c1': dh.sum(0), 'P2': h.T @ d, 'c2': d.sum(0)}
