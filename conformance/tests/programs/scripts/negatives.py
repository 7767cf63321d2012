"""Vectors of words by one neighbour and some words that are none, one pair at a time."""
import numpy as np

rng = np.random.default_rng(5)
words = "a b c d a e c f b d e a f c".split()
known = sorted(set(words))
inner = rng.normal(scale=0.3, size=(len(known), 4))
outer = rng.normal(scale=0.3, size=(len(known), 4))
rate = 0.1


def squash(z):
    return 1 / (1 + np.exp(-z))


def step(centre, near, others):
    v, u = inner[centre], outer[near]
    hit = squash(u @ v)
    cost = -np.log(hit)
    dv = (hit - 1) * u
    du = (hit - 1) * v
    for other in others:
        false = squash(outer[other] @ v)
        cost -= np.log(1 - false)
        dv = dv + false * outer[other]
        outer[other] -= rate * false * v
    outer[near] -= rate * du
    inner[centre] -= rate * dv
    return cost


for epoch in range(5):
    total = 0
    for here, there in zip(words, words[1:]):
        near = known.index(there)
        others = rng.choice([i for i in range(len(known)) if i != near], 2, replace=False)
        total += step(known.index(here), near, others)
    print(epoch, total)
