"""A policy and its critic on one hidden layer, with no loss: each has an output error of its own."""
import numpy as np
np.random.seed(0)
n_s, n_h, n_a = 4, 12, 3
Wh = np.random.randn(n_s, n_h) * 0.3
Wp = np.random.randn(n_h, n_a) * 0.3
Wv = np.random.randn(n_h, 1) * 0.3
lr, gamma, beta, c_v = 0.01, 0.99, 0.01, 0.5
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
for episode in range(100):
    s = np.random.randn(n_s)
    states, actions, rewards = [], [], []
    for t in range(10):
        p = softmax(np.tanh(s[None] @ Wh) @ Wp)[0]
        a = np.random.choice(n_a, p=p)
        states.append(s); actions.append(a)
        s = 0.8 * s + 0.2 * np.random.randn(n_s) + 0.1 * (a - 1)
        rewards.append(-np.sum(s ** 2))
    G = np.zeros(10); g = 0.0
    for t in reversed(range(10)):
        g = rewards[t] + gamma * g
        G[t] = g
    S = np.array(states); A = np.array(actions)
    h = np.tanh(S @ Wh)
    p = softmax(h @ Wp)
    v = (h @ Wv)[:, 0]
    adv = G - v
    logp = np.log(p)
    H = -(p * logp).sum(axis=1, keepdims=True)
    onehot = np.eye(n_a)[A]
    # L = -mean(adv * logp[a]) - beta * mean(H) + c_v/2 * mean((v-G)^2)
    dlogits = (p - onehot) * adv[:, None] / 10
    dlogits += beta * p * (logp + H) / 10
    dv = c_v * (v - G)[:, None] / 10
    dWp = h.T @ dlogits
    dWv = h.T @ dv
    dh = dlogits @ Wp.T + dv @ Wv.T
    dz = dh * (1 - h ** 2)
    dWh = S.T @ dz
    Wh -= lr * dWh
    Wp -= lr * dWp
    Wv -= lr * dWv
    if episode % 20 == 0:
        print("ep", episode, sum(rewards))
