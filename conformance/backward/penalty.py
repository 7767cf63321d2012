"""What makes weights decay beside a cost: the sum of their squares, or of their absolute values.

Left out: whether gradients have it (`decay.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reference.step import Array


@dataclass(frozen=True)
class Penalty:
    """A penalty of weights.

    Attributes:
        name: of it in a report.
        derivative: of each weight.
        cost: of each weight, whose arrays may record their operations.
    """

    name: str
    derivative: Callable[[Array], Array]
    cost: Callable[[Any], Any]


SQUARES = Penalty("squares", lambda w: w, lambda w: 0.5 * w * w)
ABSOLUTES = Penalty("absolutes", np.sign, np.abs)
PENALTIES = (SQUARES, ABSOLUTES)
