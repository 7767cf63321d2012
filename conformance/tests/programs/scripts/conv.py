import numpy as np
np.random.seed(3)
X = np.random.rand(12, 8, 8); labels = np.random.randint(0, 3, 12)
filters = np.random.randn(2, 3, 3) / 9
W = np.random.randn(2 * 3 * 3, 3) / 18; b = np.zeros(3)
def regions(img):
    for i in range(6):
        for j in range(6): yield img[i:i+3, j:j+3], i, j
def train(im, label, lr=.05):
    global W, b, filters
    conv = np.zeros((6, 6, 2))
    for r, i, j in regions(im): conv[i, j] = np.sum(r * filters, axis=(1, 2))
    pool = np.zeros((3, 3, 2))
    for i in range(3):
        for j in range(3): pool[i, j] = np.amax(conv[2*i:2*i+2, 2*j:2*j+2], axis=(0, 1))
    flat = pool.flatten()
    t = flat @ W + b
    out = np.exp(t) / np.sum(np.exp(t))
    loss = -np.log(out[label])
    grad = out.copy(); grad[label] -= 1
    dW = flat[:, None] @ grad[None]; db = grad; dflat = W @ grad
    W = W - lr * dW; b = b - lr * db
    dpool = dflat.reshape(pool.shape)
    dconv = np.zeros(conv.shape)
    for i in range(3):
        for j in range(3):
            reg = conv[2*i:2*i+2, 2*j:2*j+2]
            m = reg.max(axis=(0, 1))
            for a in range(2):
                for c in range(2):
                    for f in range(2):
                        if reg[a, c, f] == m[f]: dconv[2*i+a, 2*j+c, f] = dpool[i, j, f]
    df = np.zeros(filters.shape)
    for r, i, j in regions(im):
        for f in range(2): df[f] += dconv[i, j, f] * r
    filters -= lr * df
    return loss
for e in range(3):
    print(e, np.mean([train(x, l) for x, l in zip(X, labels)]))
