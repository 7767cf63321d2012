"""As compiled code: it takes ordinary arrays alone."""
import numpy as np


def kernel(*arrays):
    for each in arrays:
        if each.__class__ is not np.ndarray:
            raise TypeError(f"kernel() got {each.__class__.__name__}")
    return arrays
