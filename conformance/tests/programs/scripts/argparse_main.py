#!/usr/bin/env python3
"""Train a small classifier; see --help."""
import argparse
import sys

import numpy as np


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hidden", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--lr", type=float, default=0.3)
    return parser.parse_args()


def train(x, t, hidden, epochs, lr):
    rng = np.random.RandomState(7)
    w_hidden = rng.normal(0.0, 0.5, (x.shape[1], hidden))
    w_output = rng.normal(0.0, 0.5, (hidden, t.shape[1]))
    n = len(x)
    for epoch in range(epochs):
        h = sigmoid(x @ w_hidden)
        o = sigmoid(h @ w_output)

        cost = -(t * np.log(o) + (1 - t) * np.log(1 - o)).sum() / n

        d_o = (o - t) / n
        d_h = (d_o @ w_output.T) * h * (1 - h)
        grad_output = h.T @ d_o
        grad_hidden = x.T @ d_h

        w_output -= lr * grad_output
        w_hidden -= lr * grad_hidden

        if epoch % 50 == 0:
            print(epoch, cost, file=sys.stderr)
    return w_hidden, w_output


def main():
    args = parse_args()
    rng = np.random.RandomState(0)
    x = rng.uniform(-1, 1, (50, 3))
    t = np.column_stack([x.sum(axis=1) > 0, x[:, 0] > x[:, 1]]).astype(np.float64)
    train(x, t, args.hidden, args.epochs, args.lr)


if __name__ == "__main__":
    main()
