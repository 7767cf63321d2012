"""The exact lane: the subject's own, unmodified code on balls. It tells a bug from rounding.

A right formula agrees with the book's to as many digits as the balls have; a wrong one does not.
Scalars that the subject computes from floats alone, such as η divided by the length of the
mini-batch, are rounded before they meet a ball: W and B are granted that.

Left out: how far floats may be off (`verdict/compare.py`).
"""

import linecache
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from typing import Any, NamedTuple, cast

import numpy as np

from conformance.arithmetic.balls import precision
from conformance.arithmetic.exact import LeftExactError, to_balls, to_exact
from conformance.arithmetic.place import Place
from conformance.corpus.case import Case
from conformance.corpus.recorded import RecordedStep
from conformance.subjects.book.at_once import together
from conformance.subjects.book.forward import forward
from conformance.subjects.book.lines import Lines
from conformance.subjects.book.network import BookNetwork
from conformance.subjects.book.own_cost import exact_cost
from conformance.subjects.book.probe import Sample, probe
from conformance.subjects.book.shown import columns, odd, parts_of
from conformance.subjects.book.update_run import empty, update
from conformance.subjects.exact_outcome import EXACT, SCALARS, ExactOutcome
from conformance.tracing.frames import is_subject
from conformance.verdict.oracle import exact_expectations
from reference.step import Array, Parameters, causal_order, split

BITS = 400
MORE_BITS = 4096  # where 1 − σ(z) of a saturated neuron needs more digits to be known


class _Apart(NamedTuple):
    """How far a quantity is from its equation."""

    error: float  # as a part of the largest entry, or of one where that may be 0
    entry: tuple[int, ...]  # the one that is furthest off
    told: bool  # whether the balls are narrow enough to tell


def run_exactly(
    network: BookNetwork, case: Case, step: RecordedStep, *, forwards: bool = True
) -> ExactOutcome:
    """Run one recorded step of a subject on balls, and, if that is right, its feedforward."""
    try:
        with redirect_stdout(StringIO()), np.errstate(all="ignore"):
            for bits in (BITS, MORE_BITS):
                with precision(bits):
                    outcome, told = _run(network, case, step, forwards=forwards)
                if told:
                    break
            return outcome
    except LeftExactError as error:
        place = _line(error)
        at, source = (f"{place} ", place.quoted) if place else ("", "")
        return ExactOutcome(left=f"{at}{error.verb}: {error.what}{source}")
    except (TypeError, AttributeError, ValueError, ArithmeticError, IndexError) as error:
        at = str(_line(error) or network.name)
        return ExactOutcome(left=f"{at}: {type(error).__name__}: {error}")


def _line(error: BaseException) -> Place | None:
    """The innermost line of the subject's code that led to an error."""
    lines = [
        Place(frame.f_code.co_filename, line, "")
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    place = next((each for each in reversed(lines) if is_subject(each.file)), None)
    if place is None:
        return None
    return place._replace(source=linecache.getline(place.file, place.line).strip())


def _run(
    network: BookNetwork, case: Case, step: RecordedStep, *, forwards: bool
) -> tuple[ExactOutcome, bool]:
    """The outcome at the precision in force, and whether all of it could be told."""
    start, batch = step.parameters, step.batch
    samples = [Sample(start, batch.columns((i,)), case.cost) for i in range(batch.m)]
    probes = [probe(network, sample, to_exact) for sample in samples]
    lines = Lines(network, probes, samples, empty(network, case, start, parts_of(probes)))
    parts = lines.update.parts
    shown: dict[str, Any] = {**columns(probes, case, ("z", "a", "delta"))}
    misshapen = {name: odd(each, start, name) for name, each in parts.items()}
    if network.misordered or any(each is not None for each in misshapen.values()):
        # No update can be made of gradients of other shapes: they are the failure.
        for name, each in parts.items():
            wrong = misshapen[name]
            shown[name] = sum(each[1:], start=each[0]) / batch.m if wrong is None else wrong
    else:
        update(network, case, start, batch, lines.update, to_exact)
        for name, each in parts.items():
            mean = sum(each[1:], start=each[0]) / batch.m
            used = cast("Array | None", lines.update.used.get(name))  # no bounds among balls
            shown[name] = mean if used is None or _about(used, mean) else used
        lines = replace(lines, together=together(lines.update, shown))
        shown |= {name: each.delta for name, each in lines.together.items()}
        shown |= {name: np.array(array) for name, array in lines.update.after.items()}
    if case.lmbda and not network.decays:
        shown = {name: array for name, array in shown.items() if split(name)[0] != "w"}
    output = shown.get(f"a{case.layers}")
    cost = None if output is None else exact_cost(network, case, output, batch)
    shown |= {} if cost is None else {"cost": cost}
    found, lines_of = _errors(case, step, shown), lines.where
    if forwards and not _outcome(found).wrong:
        passes = [forward(network, sample, to_exact) for sample in samples]
        found |= _errors(case, step, columns(passes, case, ("z", "a")))
        lines_of = lines.in_forward
    outcome, told = _outcome(found), all(each.told for each in found.values())
    if not outcome.wrong:
        return outcome, told
    name = outcome.wrong[0]
    return ExactOutcome(errors=outcome.errors, frames=lines_of(name, found[name].entry)), told


def _outcome(found: Mapping[str, _Apart]) -> ExactOutcome:
    return ExactOutcome(errors={name: each.error for name, each in found.items() if each.told})


def _about(used: Array, mean: Array) -> bool:
    """Whether the gradient that was used is the mean, but for a factor 1/m computed in floats."""
    return _relative(to_balls(used), to_balls(mean)).error <= SCALARS


def _errors(case: Case, step: RecordedStep, shown: Mapping[str, Array]) -> dict[str, _Apart]:
    balls = {name: to_balls(array) for name, array in shown.items()}
    shapes = _shapes(step.parameters, step.batch.m)
    fitting = {name: array for name, array in balls.items() if array.shape == shapes[name]}
    expected = exact_expectations(case, step.parameters, step.batch, fitting)
    return {
        name: _relative(balls[name], expected[name])
        for name in causal_order(case.layers)
        if name in balls
    }


def _shapes(start: Parameters, m: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"cost": ()}
    for name, array in start.named():
        shapes |= {name: array.shape, f"nabla_{name}": array.shape}
        if name[0] == "b":
            shapes |= {f"{quantity}{name[1:]}": (len(array), m) for quantity in ("z", "a", "delta")}
    return shapes


def _relative(array: Array, right: Array) -> _Apart:
    """The largest distance between two arrays of balls, as a part of the largest entry."""
    exact = np.asarray(right, dtype=object)
    if array.shape != exact.shape:
        return _Apart(float("inf"), (0, 0), told=True)
    differences = np.asarray(array - exact, dtype=object)  # of shape (), it would be no array
    distances = [abs(each) for each in differences.ravel()]
    uppers = [float(each.upper()) if each.is_finite() else np.inf for each in distances]
    furthest = int(np.argmax(uppers))
    index = tuple(int(i) for i in np.unravel_index(furthest, array.shape))
    apart = distances[furthest]
    if not apart.is_finite():
        return _Apart(float("inf"), index, told=True)
    if apart == 0:
        return _Apart(0.0, index, told=True)
    overlap = all(each.contains(0) for each in distances)
    if overlap and all(each.contains(0) for each in exact.ravel()):
        return _Apart(float(apart.upper()), index, told=True)
    scale = max(abs(each).upper() for each in exact.ravel())
    error = float(apart.upper() / scale) if scale != 0 else float(apart.upper())
    return _Apart(error, index, told=error <= EXACT or not overlap)
