"""Functions of SciPy in operations that a trace knows.

Left out: everything else of SciPy.
"""

from typing import Any

import numpy as np


def expit(x: Any, *_: Any, **__: Any) -> Any:
    """σ(x) = 1 / (1 + e^−x), which is `scipy.special.expit`."""
    return 1.0 / (1.0 + np.exp(-x))


def zero() -> float:
    """0, which a trace knows while one is noted (`substitute.py`)."""
    return 0.0


def entered(value: Any) -> Any:
    """A value as it is, which a trace knows while one is noted (`substitute.py`)."""
    return value


KNOWN = {"expit": expit}
"""What stands for a universal function of SciPy, by its name."""
