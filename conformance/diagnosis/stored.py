"""Right numbers that were written down wrongly: column by column, or with their bytes turned round.

One quantity shows it, whose inputs are right; those that follow from it cannot. Left out: what is
wrong with the numbers themselves (`measure.py`).
"""

from collections.abc import Sequence

import numpy as np

from conformance.diagnosis.failure import Failure
from reference.step import Array


def stored(failures: Sequence[Failure]) -> str:
    """How the right numbers of one of these quantities were stored, or nothing."""
    for each in failures:
        shown = each.evidence.got(each.name)
        if shown.dtype.kind != "f" or shown.shape != each.right.shape:
            continue
        with np.errstate(all="ignore"):
            if _right(each, shown.byteswap().astype(np.float64)):
                return f"{each.name} is right, but its bytes are big-endian, not little-endian"
        rows, columns = (*shown.shape, 1, 1)[:2]
        if rows == columns or 1 in (rows, columns):  # as if transposed, or the same
            continue
        if _right(each, each.got.ravel().reshape(columns, rows).T):
            return f"{each.name} is right, but it was written column by column, not row by row"
    return ""


def _right(failure: Failure, numbers: Array) -> bool:
    """Whether these are the right numbers, of which there are some."""
    right = bool(np.all(np.abs(numbers - failure.right) <= failure.tolerance))
    return right and bool(failure.right.any())
