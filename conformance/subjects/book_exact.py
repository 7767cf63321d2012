"""The exact lane: the subject's own, unmodified code on balls. It tells a bug from rounding.

A right formula agrees with the book's to as many digits as the balls have; a wrong one does not.
Scalars that the subject computes from floats alone, such as η divided by the length of the
mini-batch, are rounded before they meet a ball: W and B are granted that.

Left out: how far floats may be off (`conformance.compare`).
"""

from collections.abc import Mapping
from contextlib import redirect_stdout
from io import StringIO
from typing import Any

import flint
import numpy as np

from conformance.arithmetic.balls import precision
from conformance.arithmetic.exact import LeftExactError, raised_at, to_balls, to_exact
from conformance.corpus.case import Case
from conformance.corpus.store import RecordedStep
from conformance.oracle import exact_expectations
from conformance.subjects.book import BookNetwork
from conformance.subjects.book_session import Lines, columns, parts_of
from conformance.subjects.exact_outcome import ExactOutcome
from conformance.subjects.probe import Sample, forward, probe
from conformance.subjects.update import empty, update
from reference.step import Array, causal_order, split

BITS = 400


def run_exactly(network: BookNetwork, case: Case, step: RecordedStep) -> ExactOutcome:
    """Run one recorded step of a subject on balls."""
    try:
        with precision(BITS), redirect_stdout(StringIO()), np.errstate(all="ignore"):
            return _run(network, case, step)
    except LeftExactError as error:
        return ExactOutcome(left=str(error))
    except (TypeError, AttributeError, ValueError, ArithmeticError) as error:
        place = raised_at(error.__traceback__)
        return ExactOutcome(left=f"{place or network.name}: {type(error).__name__}: {error}")


def _run(network: BookNetwork, case: Case, step: RecordedStep) -> ExactOutcome:
    start, batch = step.parameters, step.batch
    samples = [Sample(start, batch.columns((i,)), case.cost) for i in range(batch.m)]
    probes = [probe(network, sample, to_exact) for sample in samples]
    passes = [forward(network, sample, to_exact) for sample in samples]
    watched = update(network, case, start, batch, empty(case, start, parts_of(probes)), to_exact)
    lines = Lines(network, probes, samples, watched)
    shown: dict[str, Any] = {**columns(probes, case, ("z", "a", "delta"))}
    for name, parts in watched.parts.items():
        used = watched.used.get(name)
        shown[name] = sum(parts[1:], start=parts[0]) / batch.m if used is None else used
    shown |= {name: np.array(array) for name, array in watched.after.items()}
    if case.lmbda and not network.decays:
        shown = {name: array for name, array in shown.items() if split(name)[0] != "w"}
    errors = _errors(case, step, {name: to_balls(array) for name, array in shown.items()})
    outcome = ExactOutcome(errors=errors)
    if not outcome.wrong:
        own = columns(passes, case, ("z", "a"))
        own_errors = _errors(case, step, {name: to_balls(array) for name, array in own.items()})
        outcome = ExactOutcome(errors={**errors, **own_errors})
        lines_of = lines.in_forward
    else:
        lines_of = lines.where
    if not outcome.wrong:
        return outcome
    name = outcome.wrong[0]
    return ExactOutcome(errors=outcome.errors, frames=lines_of(name, (0, 0)))


def _errors(case: Case, step: RecordedStep, shown: Mapping[str, Array]) -> dict[str, float]:
    expected = exact_expectations(case, step.parameters, step.batch, shown)
    return {
        name: _relative(shown[name], expected[name])
        for name in causal_order(case.layers)
        if name in shown
    }


def _relative(array: Array, right: Array) -> float:
    """The largest distance between two arrays of balls, as a part of the largest entry."""
    exact = np.asarray(right, dtype=object)
    if array.shape != exact.shape:
        return float("inf")
    scale = max((abs(each).upper() for each in exact.ravel()), default=flint.arb(0))
    apart = max((abs(each).upper() for each in (array - exact).ravel()), default=flint.arb(0))
    if apart == 0:
        return 0.0
    return float(apart / scale) if scale != 0 else float(apart)
