import numpy as np
def sigmoid(x): return 1. / (1 + np.exp(-x))
np.random.seed(0)
H, D = 5, 3
Z = H + D
Wf, Wi, Wc, Wo = [np.random.randn(Z, H) * .3 for _ in range(4)]
bf, bi, bc, bo = [np.zeros((1, H)) for _ in range(4)]
Wy, by = np.random.randn(H, D) * .3, np.zeros((1, D))
seq = [0, 1, 2, 1, 0, 2, 1, 0, 1, 2, 0, 2, 2, 1, 0, 1]
def step(xs, ys, h, c):
    global Wf, Wi, Wc, Wo, bf, bi, bc, bo, Wy, by
    caches, loss = [], 0.
    for x, t in zip(xs, ys):
        X = np.zeros((1, D)); X[0, x] = 1
        X = np.column_stack((h, X))
        hf, hi, ho, hc = sigmoid(X @ Wf + bf), sigmoid(X @ Wi + bi), sigmoid(X @ Wo + bo), np.tanh(X @ Wc + bc)
        c_old = c
        c = hf * c_old + hi * hc
        h = ho * np.tanh(c)
        y = h @ Wy + by
        prob = np.exp(y) / np.sum(np.exp(y))
        loss += -np.log(prob[0, t])
        caches.append((X, hf, hi, ho, hc, c, c_old, h, prob, t))
    g = {k: 0. for k in 'Wf Wi Wc Wo bf bi bc bo Wy by'.split()}
    dh_next, dc_next = np.zeros_like(h), np.zeros_like(c)
    for X, hf, hi, ho, hc, c_, c_old, h_, prob, t in reversed(caches):
        dy = prob.copy(); dy[0, t] -= 1.
        g['Wy'] = g['Wy'] + h_.T @ dy; g['by'] = g['by'] + dy
        dh = dy @ Wy.T + dh_next
        dho = np.tanh(c_) * dh; dho = ho * (1 - ho) * dho
        dc = ho * dh * (1 - np.tanh(c_) ** 2) + dc_next
        dhf = hf * (1 - hf) * (c_old * dc)
        dhi = hi * (1 - hi) * (hc * dc)
        dhc = (1 - hc ** 2) * (hi * dc)
        g['Wf'] = g['Wf'] + X.T @ dhf; g['bf'] = g['bf'] + dhf
        g['Wi'] = g['Wi'] + X.T @ dhi; g['bi'] = g['bi'] + dhi
        g['Wo'] = g['Wo'] + X.T @ dho; g['bo'] = g['bo'] + dho
        g['Wc'] = g['Wc'] + X.T @ dhc; g['bc'] = g['bc'] + dhc
        dX = dhf @ Wf.T + dhi @ Wi.T + dho @ Wo.T + dhc @ Wc.T
        dh_next = dX[:, :H]; dc_next = hf * dc
    Wf = Wf - .1 * g['Wf']; Wi = Wi - .1 * g['Wi']; Wc = Wc - .1 * g['Wc']; Wo = Wo - .1 * g['Wo']
    bf = bf - .1 * g['bf']; bi = bi - .1 * g['bi']; bc = bc - .1 * g['bc']; bo = bo - .1 * g['bo']
    Wy = Wy - .1 * g['Wy']; by = by - .1 * g['by']
    return loss, h, c
for e in range(20):
    h, c = np.zeros((1, H)), np.zeros((1, H))
    for s in range(0, 12, 4):
        loss, h, c = step(seq[s:s+4], seq[s+1:s+5], h, c)
    print(e, loss)
