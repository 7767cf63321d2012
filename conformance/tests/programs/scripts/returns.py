"""A policy of one hidden layer: the output error of each step has its return for a weight."""

import missing_plots as plots
import numpy as np

rng = np.random.default_rng(3)
first, second = rng.normal(size=(5, 3)), rng.normal(size=5)


def act(state):
    hidden = np.maximum(first @ state, 0)
    return 1 / (1 + np.exp(-second @ hidden)), hidden


for episode in range(6):
    states, hiddens, errors, rewards = [], [], [], []
    for _ in range(7):
        state = rng.normal(size=3)
        left, hidden = act(state)
        taken = float(rng.random() < left)
        states.append(state)
        hiddens.append(hidden)
        errors.append(left - taken)
        rewards.append(1.0 if taken == (state[0] > 0) else -1.0)
    returns = np.cumsum(rewards[::-1])[::-1]
    returns = (returns - returns.mean()) / returns.std()
    states, hiddens = np.array(states), np.array(hiddens)
    error = np.array(errors) * returns
    back = np.outer(error, second) * (hiddens > 0)
    second = second - 0.05 * hiddens.T @ error
    first = first - 0.05 * back.T @ states
plots.show(rewards)
