"""A hidden activation, got from the gradients of one sample: ∇b^l = δ^l, ∇w^l = δ^l (a^{l−1})ᵀ.

Left out: what is seen by watching, which is better (`probe.py`).
"""

from collections.abc import Sequence

import numpy as np

from conformance.arithmetic.rounding import Precision, RunningError
from conformance.corpus.case import Case
from conformance.subjects.book.probe import Probe
from conformance.watching.nearness import alike
from reference.backprop import errors, feedforward
from reference.equations import BOOK, COSTS
from reference.step import Array, Batch, Parameters

SAFE = 2.0**40  # how far above the smallest normal number a product must be to have all its digits


def recovered(
    probes: Sequence[Probe], case: Case, start: Parameters, batch: Batch
) -> dict[str, RunningError]:
    """The activations of hidden layers, (n_l, m), by their names, where they can be told.

    If ∇w is no product of the errors and something else, nothing is told. If it is one and the
    something is not the right activation, then either that or BP4 is wrong: it is BP4 where the
    output error is right, since that is made of the activations.
    """
    z, a = feedforward(start, batch.x)
    right = errors(start, z, a, batch.y, BOOK.with_cost(COSTS[case.cost]))
    shown = [each.nabla_b[-1] for each in probes]
    close = probes[0].sample.close
    forward = alike(np.hstack([np.asarray(each) for each in shown]), right[-1], close)
    found = {}
    for layer in range(2, case.layers):
        columns = [_column(each, layer, case) for each in probes]
        known = [column for column in columns if column is not None]
        if len(known) < len(columns):
            continue
        value = np.hstack(known)
        if alike(value, a[layer - 1], close) or not forward:
            precision = Precision.of(case.dtype, exact_centre=False)
            bound = 4 * precision.unit * np.abs(value)
            found[f"a{layer}"] = RunningError(value, bound, precision)
    return found


def _column(each: Probe, layer: int, case: Case) -> Array | None:
    """a^l of one sample, (n_l, 1), from the row of ∇w^{l+1} whose error is the largest."""
    delta, nabla = (
        np.asarray(part[layer - 1], np.float64) for part in (each.nabla_b, each.nabla_w)
    )
    if delta.shape != (len(nabla), 1) or nabla.ndim != 2:  # noqa: PLR2004 - a matrix
        return None
    row = int(np.argmax(np.abs(delta)))
    with np.errstate(all="ignore"):
        column: Array = (nabla[row] / delta[row]).reshape(-1, 1)
        least = float(np.min(np.abs(nabla[row])))
        product = bool(alike(delta @ column.T, nabla, each.sample.close))
    known = np.isfinite(column).all() and least > SAFE * float(np.finfo(case.dtype).tiny)
    return column if known and product else None
