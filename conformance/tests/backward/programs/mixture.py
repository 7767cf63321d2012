"""A mixture of experts: tanh experts, a softmax gate, half the squared error."""
import numpy as np


def f(params, x, y):
    We, be, Wg, bg, Wo, bo = params
    n = len(x)
    # experts e, samples n, inputs i, hidden h, outputs o
    pre = np.einsum("ni,eih->enh", x, We) + be[:, None, :]
    hid = np.tanh(pre)
    outs = np.einsum("enh,eho->eno", hid, Wo) + bo[:, None]
    logits = x @ Wg + bg
    ex = np.exp(logits - logits.max(1)[:, None])
    gate = ex / ex.sum(1)[:, None]
    mixed = np.einsum("ne,eno->no", gate, outs)
    loss = 0.5 * ((mixed - y) ** 2).sum() / n

    # backward
    dmixed = (mixed - y) / n
    dgate = np.einsum("no,eno->ne", dmixed, outs)
    dlogits = gate.copy()
    dlogits *= dgate
    dlogits -= gate * dlogits.sum(1, keepdims=True)
    dWg = x.T @ dlogits
    dbg = dlogits.sum(0)
    douts = np.einsum("ne,no->eno", gate, dmixed)
    dWo = np.einsum("enh,eno->eho", hid, douts)
    dbo = douts.sum(1)
    dhid = np.einsum("eno,eho->enh", douts, Wo)
    dpre = dhid * (1 - hid * hid)
    dWe = np.einsum("ni,enh->eih", x, dpre)
    dbe = dpre.sum(axis=1)
    return loss, (dWe, dbe, dWg, dbg, dWo, dbo)


def make(seed):
    rng = np.random.default_rng(seed)
    e, n, i, h, o = 3, 6, 4, 5, 2
    params = (
        rng.normal(size=(e, i, h)),
        rng.normal(size=(e, h)),
        rng.normal(size=(i, e)),
        rng.normal(size=e),
        rng.normal(size=(e, h, o)),
        rng.normal(size=(e, o)),
    )
    return params, (rng.normal(size=(n, i)), rng.normal(size=(n, o)))
