"""Why an update is wrong, in a sentence or two: the gradients may be right.

Left out: why a gradient is wrong (`backward_causes.py`).
"""

from conformance.backward.findings import ADDS, Cause

MEANS = "Adam's means begin at 0, and are not both divided by 1 − β^t"

OF_ALL = {
    "ascends": "it goes up the gradient, and the other parameters go down",
    "step": "it goes {factor:.6g} times as far along the gradient as the others",
    "kept": "it keeps nothing from step to step, and the updates of the others do",
    "zero": "what is kept from step to step is never written: it is 0 at every step",
    "shared": "`{names[0]}` and `{names[1]}` keep one and the same array",
    "accumulates": "the gradients of all steps are added up: the sum never begins anew",
    "rate": "what is kept is multiplied by {factor:.6g}, and that of the others is not",
    "still": "its gradient is computed here, and it is never moved",
    "update": "the gradient is right, and the update does not take it off the parameter",
    ADDS: "the gradients are added to the parameters, so the cost grows: subtract them",
    "infinite": "numbers that are not finite are made here of finite ones",
    "other": "the gradient of `{names[1]}` is used here in the place of that of `{names[0]}`",
    "growth": "the weights grow by a multiple of themselves: a decay has to be taken off",
    "minus": "what is kept from step to step is subtracted here: it has to be added",
}

OF_MEANS = {
    "square": "the mean of the gradient has to be kept here, not that of its square",
    "no square": "the mean of the square of the gradient has to be kept here",
    "uncorrected": MEANS,
    "uncorrected mean": f"{MEANS}: that of the gradient is not",
    "uncorrected square": f"{MEANS}: that of the squares is not",
    "no root": "this divides by the mean of the squares, and not by its square root",
    "beside": "ε is added to the quotient: add it to the root that is divided by",
    "correction mean": "β2 is in the correction of the mean of the gradient: that is divided by "
    "1 − {0:.6g}^t, and has to be divided by 1 − {1:.6g}^t (β1)",
    "correction square": "β1 is in the correction of the mean of the squares: that is divided by "
    "1 − {0:.6g}^t, and has to be divided by 1 − {1:.6g}^t (β2)",
    "base mean": "the mean of the gradient is divided by 1 − {0:.6g}^t; it keeps {1:.6g} of "
    "itself, so divide it by 1 − {1:.6g}^t",
    "base square": "the mean of the squares is divided by 1 − {0:.6g}^t; it keeps {1:.6g} of "
    "itself, so divide it by 1 − {1:.6g}^t",
    "rate mean": "the mean of the gradient keeps {0:.6g} of itself here, and its correction is "
    "1 − {1:.6g}^t: it has to keep {1:.6g} (β1)",
    "rate square": "the mean of the squares keeps {0:.6g} of itself here, and its correction is "
    "1 − {1:.6g}^t: it has to keep {1:.6g} (β2)",
    "exchanged": "β1 and β2 are exchanged: this mean keeps {0:.6g} of itself, and its correction "
    "is 1 − {1:.6g}^t",
    "share": "what is added to the mean is multiplied by {0:.6g}, and has to be by {1:.6g}: "
    "1 less what the mean keeps of itself",
    "root of correction": "1 − β2^t corrects the mean of the squares outside of the root here: "
    "take the root of it",
    "stuck": "t in the correction 1 − β^t is {0:g} at each of these updates: count them",
    "late": "t in the correction 1 − β^t is {0:g} at update {1:g}: it has to be the same",
    "steps": "t in the correction 1 − β^t grows by {0:g} from update to update, and has to by 1",
}


def why(cause: Cause) -> str:
    """What is wrong with an update."""
    if cause.kind in OF_MEANS:
        return OF_MEANS[cause.kind].format(*cause.numbers)
    return OF_ALL[cause.kind].format(factor=cause.factor, names=cause.names)
