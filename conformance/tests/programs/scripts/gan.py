"""A GAN: the discriminator is moved first, and the generator by another forward pass."""
import numpy as np
rng = np.random.default_rng(0)
f = lambda z: 1 / (1 + np.exp(-z))
G1 = rng.normal(size=(2, 8)) * .3; G2 = rng.normal(size=(8, 1)) * .3
D1 = rng.normal(size=(1, 8)) * .3; D2 = rng.normal(size=(8, 1)) * .3
lr = .05
for it in range(50):
    x = rng.normal(2, .5, (16, 1)); z = rng.normal(size=(16, 2))
    hg = np.tanh(z @ G1); fake = hg @ G2
    hr = np.tanh(x @ D1); pr = f(hr @ D2)
    hf = np.tanh(fake @ D1); pf = f(hf @ D2)
    d_loss = -np.mean(np.log(pr) + np.log(1 - pf))
    dr = (pr - 1) / 16; df = pf / 16
    gD2 = hr.T @ dr + hf.T @ df
    gD1 = x.T @ (dr @ D2.T * (1 - hr ** 2)) + fake.T @ (df @ D2.T * (1 - hf ** 2))
    D1 -= lr * gD1; D2 -= lr * gD2
    z = rng.normal(size=(16, 2))
    hg = np.tanh(z @ G1); fake = hg @ G2
    hf = np.tanh(fake @ D1); pf = f(hf @ D2)
    g_loss = -np.mean(np.log(pf))
    dg = (pf - 1) / 16
    dfake = (dg @ D2.T * (1 - hf ** 2)) @ D1.T
    gG2 = hg.T @ dfake
    gG1 = z.T @ (dfake @ G2.T * (1 - hg ** 2))
    G1 -= lr * gG1; G2 -= lr * gG2
print(d_loss, g_loss)
