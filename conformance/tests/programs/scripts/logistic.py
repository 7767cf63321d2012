import numpy as np

np.random.seed(12)
n_samples, n_features = 100, 6
features = np.random.normal(size=(n_samples, n_features))
true_w = np.random.normal(size=n_features)
target = (features @ true_w > 0).astype(int)

w = np.zeros(n_features)
b = 0.0
alpha = 0.5

for it in range(300):
    z = features @ w + b
    p = 1 / (1 + np.exp(-z))
    cost = -np.mean(target * np.log(p) + (1 - target) * np.log(1 - p))
    dw = features.T @ (p - target) / n_samples
    db = np.mean(p - target)
    w = w - alpha * dw
    b = b - alpha * db
    if it % 100 == 0:
        print(it, cost)
