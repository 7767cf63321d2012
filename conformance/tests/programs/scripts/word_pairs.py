"""Vectors of words, a few rows at a time: `np.add.at` takes their gradients off."""

import numpy as np

rng = np.random.default_rng(2)
text = rng.integers(0, 12, 90)
near, far = rng.normal(size=(12, 4)) / 2, rng.normal(size=(12, 4)) / 2


def squash(v):
    return 1 / (1 + np.exp(-v))


def step(centres, others, wrong):
    global near, far
    here = near[centres]  # (m, 4)
    hit = squash(np.sum(here * far[others], axis=1))
    miss = squash(np.einsum("md,mkd->mk", here, far[wrong]))
    loss = -np.log(hit).mean() - np.log(1 - miss).sum(axis=1).mean()
    d_hit, d_miss = (hit - 1) / len(centres), miss / len(centres)
    d_here = d_hit[:, None] * far[others] + np.einsum("mk,mkd->md", d_miss, far[wrong])
    np.add.at(far, others, -0.5 * d_hit[:, None] * here)
    np.subtract.at(far, wrong, 0.5 * d_miss[:, :, None] * here[:, None])
    np.add.at(near, centres, -0.5 * d_here)
    return loss


for at in range(0, 60, 6):
    step(text[at:at + 6], text[at + 1:at + 7], rng.integers(0, 12, (6, 3)))
