import numpy as np

def make_net(sizes, rng=np.random.default_rng(0)):
    return [(rng.normal(size=(m, n)), rng.normal(size=n)) for m, n in zip(sizes, sizes[1:])]

def train_step(net, xb, yb, lr=0.1):
    acts = [xb]
    for W, b in net:
        acts.append(np.tanh(acts[-1] @ W + b))
    err = acts[-1] - yb
    out = []
    for (W, b), a_in, a_out in zip(net[::-1], acts[-2::-1], acts[::-1]):
        err = err * (1 - a_out ** 2)
        gW = np.einsum('bi,bo->io', a_in, err) / len(xb)
        gb = err.mean(axis=0)
        err = err @ W.T
        out.append((W - lr * gW, b - lr * gb))
    return out[::-1]
