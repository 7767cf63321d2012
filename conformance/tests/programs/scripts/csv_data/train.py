import csv
import os

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
rows = []
with open(os.path.join(here, "flowers.csv")) as f:
    reader = csv.reader(f)
    next(reader)
    for row in reader:
        rows.append([float(value) for value in row[:-1]] + [int(row[-1])])

data = np.array(rows)
np.random.seed(1)
np.random.shuffle(data)
X = data[:, :4]
X = (X - X.mean(axis=0)) / X.std(axis=0)
y = data[:, 4].astype(int)
Y = np.zeros((len(y), 3))
Y[np.arange(len(y)), y] = 1

X_train, Y_train = X[:24], Y[:24]
X_test, y_test = X[24:], y[24:]


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def sigmoid_der(s):
    return s * (1 - s)


wh = np.random.rand(4, 6) - 0.5
bh = np.random.rand(6) - 0.5
wo = np.random.rand(6, 3) - 0.5
bo = np.random.rand(3) - 0.5
lr = 0.1

for epoch in range(200):
    # feedforward
    zh = np.dot(X_train, wh) + bh
    ah = sigmoid(zh)
    zo = np.dot(ah, wo) + bo
    ao = sigmoid(zo)

    # backpropagation
    error = ao - Y_train
    dcost_dzo = error * sigmoid_der(ao)
    dcost_wo = np.dot(ah.T, dcost_dzo)
    dcost_bo = dcost_dzo.sum(axis=0)

    dcost_dah = np.dot(dcost_dzo, wo.T)
    dcost_dzh = dcost_dah * sigmoid_der(ah)
    dcost_wh = np.dot(X_train.T, dcost_dzh)
    dcost_bh = dcost_dzh.sum(axis=0)

    # update
    wh -= lr * dcost_wh
    bh -= lr * dcost_bh
    wo -= lr * dcost_wo
    bo -= lr * dcost_bo

    if epoch % 50 == 0:
        print("error", 0.5 * np.sum(error ** 2))

pred = np.argmax(sigmoid(np.dot(sigmoid(np.dot(X_test, wh) + bh), wo) + bo), axis=1)
print("accuracy", np.mean(pred == y_test))
