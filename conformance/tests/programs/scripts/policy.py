"""A policy of one number, moved after every three episodes; some episodes are never rewarded."""
import numpy as np

rng = np.random.default_rng(3)
first, second = rng.normal(size=(6, 5)) / 2, rng.normal(size=6) / 2


def act(state):
    middle = np.maximum(first @ state, 0)
    return 1 / (1 + np.exp(-second @ middle)), middle


def episode():
    at, states, middles, misses, rewards = 2, [], [], [], []
    while 0 < at < 4 and len(states) < 9:
        state = np.eye(5)[at]
        chance, middle = act(state)
        right = 1 if rng.random() < chance else 0
        states.append(state)
        middles.append(middle)
        misses.append(right - chance)
        at += 1 if right else -1
        rewards.append(1.0 if at == 4 else 0.0)
    later = np.cumsum(rewards[::-1])[::-1] * 0.9 ** np.arange(len(rewards))[::-1]
    return np.array(states), np.array(middles), np.array(misses), later - later.mean()


for update in range(9):
    d_first, d_second = np.zeros_like(first), np.zeros_like(second)
    for _ in range(3):
        states, middles, misses, gains = episode()
        misses = misses * gains
        d_second += middles.T @ misses
        back = np.outer(misses, second)
        back[middles <= 0] = 0
        d_first += back.T @ states
    first += 0.1 * d_first
    second += 0.1 * d_second
