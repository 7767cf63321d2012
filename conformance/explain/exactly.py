"""The numbers of one step, proved in ball arithmetic and correctly rounded to float64.

Either the truth, or what follows at each equation from what a subject showed before it. A value
that `MOST_BITS` bits do not tell from the midpoint of two floats is printed as one of the two, also
where it may be no tie (`balls.tells_ties`). Left out: what is written of them (`worked.py`).
"""

from collections.abc import Mapping

import numpy as np

from conformance.arithmetic.balls import balls, rounded, until_decided
from conformance.arithmetic.exact import to_balls
from conformance.corpus.case import Case
from conformance.explain.formulas import Numbers
from conformance.model.row import of_batch
from conformance.verdict.oracle import exact_expectations
from reference.step import Array, Batch, Parameters
from reference.updates import OLD


def exactly(
    case: Case, start: Parameters, batch: Batch, shown: Mapping[str, Array] | None = None
) -> tuple[Numbers, dict[str, Array]]:
    """What enters the equations of a step, and what they give.

    Args:
        case: cost, rates and sizes.
        start: the parameters before the step.
        batch: the mini-batch.
        shown: finite quantities that take the place of what was computed, for later equations.

    Returns:
        What enters, and what is right, by the names of the quantities.
    """
    seen = {name: balls(array) for name, array in (shown or {}).items()}

    def compute(ties: bool) -> tuple[dict[str, Array], ...]:
        expected = exact_expectations(case, start, batch, seen)
        functions = {}
        for row in case.rows.values():
            if row.tag == "A":
                z = {**expected, **seen}[f"z{row.layer}"]
                functions[f"f{row.layer}"] = row.activation.function(z)
                if row.activation.hidden:
                    functions[f"prime{row.layer}"] = row.activation.prime(z)
        return tuple(
            {name: _floats(array, ties) for name, array in each.items()}
            for each in (expected, functions)
        )

    right, functions = until_decided(compute)
    own = {name: np.asarray(array, float) for name, array in (shown or {}).items()}
    old = {f"{OLD}{name}": np.asarray(array) for name, array in start.state.items()}
    before = {**of_batch(batch), **dict(start.named()), **old}
    return Numbers(case, {**right, **own, **functions, **before}), right


def _floats(exact: object, ties: bool) -> Array:
    """Balls, correctly rounded; nan where there is no number, such as ln of what is below 0."""
    array = to_balls(exact)
    known = np.asarray(np.frompyfunc(lambda ball: ball.is_finite(), 1, 1)(array), dtype=bool)
    number = np.asarray(np.where(known, array, balls(np.array(0.0))), dtype=object)
    return np.where(known, rounded(number, np.float64, ties=ties), np.nan)
