"""Adam, with penalties on the absolute values and the squares of the weights."""
import numpy as np

rng = np.random.default_rng(8)
X, labels = rng.normal(size=(90, 6)), rng.integers(0, 3, 90)
held = {"w": rng.normal(0, 0.1, (6, 3)), "b": np.zeros(3)}
first = {name: np.zeros_like(value) for name, value in held.items()}
second = {name: np.zeros_like(value) for name, value in held.items()}

for t in range(1, 60):
    some = rng.permutation(90)[:30]
    z = X[some] @ held["w"] + held["b"]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    loss = -np.log(p[range(30), labels[some]]).mean() + 0.01 * np.sum(held["w"] ** 2)
    loss += 0.001 * np.sum(np.abs(held["w"]))
    p[range(30), labels[some]] -= 1
    decay = 0.02 * held["w"] + 0.001 * np.sign(held["w"])
    grads = {"w": X[some].T @ p / 30 + decay, "b": p.sum(axis=0) / 30}
    for name in held:
        first[name] = 0.9 * first[name] + 0.1 * grads[name]
        second[name] = 0.999 * second[name] + 0.001 * grads[name] ** 2
        step = first[name] / (1 - 0.9**t) / (np.sqrt(second[name] / (1 - 0.999**t)) + 1e-8)
        held[name] -= 0.01 * step
