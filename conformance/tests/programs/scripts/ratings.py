"""Factors of a table of ratings, found by one rating at a time."""
import numpy as np

rng = np.random.default_rng(11)
ratings = {(0, 0): 5.0, (0, 3): 1.0, (1, 0): 4.0, (2, 1): 1.0, (2, 3): 5.0, (3, 2): 4.0, (4, 1): 2.0}
mean = np.mean(list(ratings.values()))
people, films = rng.normal(scale=0.5, size=(5, 2)), rng.normal(scale=0.5, size=(4, 2))
kind, good = np.zeros(5), np.zeros(4)
rate, decay = 0.05, 0.02

for epoch in range(20):
    for (p, f), stars in ratings.items():
        miss = stars - (mean + kind[p] + good[f] + people[p] @ films[f])
        person = people[p].copy()
        kind[p] += rate * (miss - decay * kind[p])
        good[f] += rate * (miss - decay * good[f])
        people[p] += rate * (miss * films[f] - decay * person)
        films[f] += rate * (miss * person - decay * films[f])
