import numpy as np, gzip, os, pickle, tempfile
rng = np.random.default_rng(0)
path = os.path.join(tempfile.gettempdir(), "tiny.pkl.gz")
with gzip.open(path, "wb") as f: pickle.dump(((rng.random((60, 16)).astype("float32"), rng.integers(0, 4, 60)), None), f)
with gzip.open(path, "rb") as f: (tx, ty), _ = pickle.load(f, encoding="latin1")
def vec(j): e = np.zeros((4, 1)); e[j] = 1.0; return e
data = list(zip([np.reshape(x, (16, 1)) for x in tx], [vec(y) for y in ty]))
sizes = [16, 10, 4]
w = [np.random.randn(y, x) / np.sqrt(x) for x, y in zip(sizes[:-1], sizes[1:])]
b = [np.random.randn(y, 1) for y in sizes[1:]]
lmbda, eta, mb = 0.1, 0.5, 10
s = lambda z: 1.0 / (1.0 + np.exp(-z))
def backprop(x, y):
    nb = [np.zeros(t.shape) for t in b]; nw = [np.zeros(t.shape) for t in w]
    a, acts, zs = x, [x], []
    for bb, ww in zip(b, w):
        z = ww @ a + bb; zs.append(z); a = s(z); acts.append(a)
    delta = acts[-1] - y
    nb[-1], nw[-1] = delta, delta @ acts[-2].T
    sp = s(zs[-2]) * (1 - s(zs[-2]))
    delta = (w[-1].T @ delta) * sp
    nb[-2], nw[-2] = delta, delta @ acts[-3].T
    return nb, nw
for e in range(3):
    np.random.shuffle(data)
    for k in range(0, 60, mb):
        sb = [np.zeros(t.shape) for t in b]; sw = [np.zeros(t.shape) for t in w]
        for x, y in data[k:k+mb]:
            db, dw = backprop(x, y)
            sb = [p + q for p, q in zip(sb, db)]; sw = [p + q for p, q in zip(sw, dw)]
        w = [(1 - eta * lmbda / 60) * ww - eta / mb * dw for ww, dw in zip(w, sw)]
        b = [bb - eta / mb * db for bb, db in zip(b, sb)]
    print("epoch", e)
