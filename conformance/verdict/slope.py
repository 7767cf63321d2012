"""σ′ made of the subject's own activation, a(1 − a), where that activation is wrong.

Many programs take σ′ so. Then a wrong σ shows in the errors too, and is not to be blamed for twice.
Left out: right activations, of which a(1 − a) is σ′(z) but for rounding.
"""

from collections.abc import Mapping

import numpy as np

from conformance.arithmetic.rounding import Precision, RunningError
from conformance.corpus.case import Case
from reference.step import Array, Batch, Parameters, split

ROUNDINGS = 16  # by which programs may differ, beside one for each term of the sum


def by_own_activation(
    name: str,
    case: Case,
    start: tuple[Parameters, Batch],
    inputs: Mapping[str, Array | RunningError],
) -> tuple[Array, Array] | None:
    """δ^l with a^l(1 − a^l) in the place of σ′(z^l), and its tolerance; None if it has no σ′.

    Args:
        name: of the quantity.
        case: its cost tells whether δ^L has a σ′.
        start: the parameters from which the subject started, and the mini-batch.
        inputs: what the subject shows, and what is to be expected of the rest.
    """
    quantity, layer = split(name)
    output = layer == case.layers
    if quantity != "delta" or layer is None or (output and case.cost == "cross-entropy"):
        return None
    parameters, batch = start
    a = _floats(inputs[f"a{layer}"])
    with np.errstate(all="ignore"):
        if output:
            error = a - _floats(batch.y)
            moduli, terms = np.abs(a) + np.abs(_floats(batch.y)), 1
        else:
            w, above = _floats(parameters.w[layer - 1]), _floats(inputs[f"delta{layer + 1}"])
            error, moduli, terms = w.T @ above, np.abs(w).T @ np.abs(above), len(above)
        slope = a * (1 - a)
        unit = Precision.of(case.dtype, exact_centre=False).unit
        tolerance = (ROUNDINGS + terms) * unit * moduli * (np.abs(a) + a * a)
        centre: Array = error * slope
    return (centre, tolerance) if np.isfinite(centre).all() else None


def _floats(quantity: Array | RunningError) -> Array:
    value = quantity.value if isinstance(quantity, RunningError) else quantity
    return np.asarray(value, dtype=np.float64)
