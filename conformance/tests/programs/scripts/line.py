import numpy as np
import random

# fit y = m x + c by gradient descent
random.seed(0)
xs = np.array([random.uniform(0, 5) for _ in range(40)])
ys = 1.7 * xs + 0.4 + np.array([random.gauss(0, 0.1) for _ in range(40)])

m = 0
c = 0
L = 0.01
n = float(len(xs))

for i in range(1000):
    y_pred = m * xs + c
    D_m = (-2 / n) * sum(xs * (ys - y_pred))
    D_c = (-2 / n) * sum(ys - y_pred)
    m = m - L * D_m
    c = c - L * D_c

print(m, c)
