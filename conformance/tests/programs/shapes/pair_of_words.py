import numpy as np


def shares(scores):
    e = np.exp(scores - scores.max())
    return e / e.sum()


def pairLossAndGradient(centerVec, outsideIdx, outsideVectors, dataset):
    """The loss of one word beside another, and its gradients."""
    p = shares(outsideVectors @ centerVec)
    loss = -np.log(p[outsideIdx])
    miss = p.copy()
    miss[outsideIdx] -= 1
    gradCenterVec = outsideVectors.T @ miss
    gradOutsideVecs = np.outer(miss, centerVec)
    return loss, gradCenterVec, gradOutsideVecs
