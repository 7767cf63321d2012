"""Other numbers for a program whose data show one side alone of what it chooses between.

A hinge, a margin or a mask has two sides. Where each entry of a choice is on one of them, nothing
is known of the other one, and the program is run again with smaller and larger parameters. Left
out: the verdict (`judge_readings.py`).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.groups import operation_key
from conformance.backward.kinks import COMPARISONS, OF_TWO
from conformance.programs.held_state import is_floats
from conformance.programs.vocabulary import kinds_of
from conformance.shapes.arguments import taken
from conformance.shapes.attempt import attempt
from conformance.shapes.attempts import OPERATIONS, UnfitError
from conformance.shapes.other_settings import training
from conformance.shapes.own_loss import named_loss, own_loss
from conformance.shapes.places import MOST, places
from conformance.shapes.reading import Reading, generic
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

SCALES = (0.25, 4.0, 0.0625)
"""By which the parameters are multiplied."""
NEAR = 1e-3
"""A bound that is as near to 0 or 1 is there for the sake of rounding, such as an ε in `clip`."""

Sides = dict[Any, set[bool]]
"""On which sides the entries of each choice are, by the operation."""


def sides(reading: Reading) -> tuple[Sides, Sides]:
    """Those of what the loss is made of, or the output; and those of all else."""
    run, goals = reading.run, reading.places.goals
    output = run.scope.kinds.get("output")
    whole = own_loss(run, reading.places)
    if whole is None and isinstance(output, np.ndarray):
        whole = run.node(output)
    whole = named_loss(run, goals) if whole is None else whole
    inner: Sides = {}
    others: Sides = {}
    known: set[bytes] = set()  # the derivative of a choice is chosen by the same numbers
    for node in run.recorded.nodes:
        operands = _operands(node)
        if operands is None or not any(node.depends_on(each.parameter) for each in goals):
            continue
        apart = np.abs(np.subtract(*operands, dtype=np.float64)).tobytes()
        within = whole is not None and whole.depends_on(node) and not _is_guard(node)
        known |= {apart} if within else set()
        found = (inner if apart in known else others).setdefault(operation_key(node), set())
        found |= {*np.unique(np.greater(*operands)).tolist()}
    return inner, others


def _operands(node: Node) -> tuple[Any, Any] | None:
    """What is compared; None if nothing is chosen."""
    if node.operation not in (*OF_TWO, *COMPARISONS) or len(node.args) < len(("a", "b")):
        return None
    first, second = (each.value if type(each) is Node else each for each in node.args[:2])
    return first, second


def _is_guard(node: Node) -> bool:
    """Whether a choice is there for the sake of rounding alone: one of a bound like an ε."""
    numbers = [np.abs(e) for e in node.args[:2] if type(e) is not Node and np.ndim(e) == 0]
    return any(0 < each < NEAR or 0 < abs(each - 1) < NEAR for each in numbers)


def on_other_sides(reading: Reading, known: tuple[Sides, Sides]) -> Iterator[Reading]:
    """The reading with other parameters, where these show a side that was not seen before."""
    inner, others = known
    for scale in SCALES:
        if all(len(each) > 1 for each in inner.values()):
            return
        again = _scaled(reading, scale)
        if again is None:
            continue
        found, beside = sides(again)
        told = {key: found.get(key, set()) - each for key, each in inner.items() if len(each) == 1}
        if not any(told.values()) or found.keys() != inner.keys() or beside != others:
            continue
        for key, each in found.items():
            inner[key] |= each
        yield again


def with_weights(reading: Reading) -> Iterator[Reading]:
    """The reading with weights of the samples, where the program takes some and was given none."""
    functions = (function for _, function, _ in reading.run.results)
    names = {each.name for function in functions for each in taken(function)}
    if any("sample weights" in kinds_of(name) for name in names):
        weights = np.random.default_rng(6).uniform(0.5, 2.0, size=reading.data.sizes.m)
        again = _scaled(replace(reading, data=replace(reading.data, weights=weights)), 1.0)
        yield from [] if again is None else [again]


def with_other_parameters(reading: Reading) -> Iterator[Reading]:
    """The reading with smaller and larger arrays of parameters; a number may be a setting."""
    tried = (_scaled(reading, each, numbers=False) for each in SCALES)
    yield from (each for each in tried if each is not None)


def in_training(reading: Reading) -> Reading | None:
    """The reading in which what goes forward is told that it trains, which it is not by default.

    None if there is no such argument, or if the loss goes forward without it.
    """
    functions = (function for call, function, _ in reading.run.results if call.role == "forward")
    data = replace(reading.data, settings=training(functions))
    again = _scaled(replace(reading, data=data), 1.0) if data.settings else None
    if again is None:
        return None
    loss, output = own_loss(again.run, again.places), again.run.scope.kinds.get("output")
    told = loss is None or loss.depends_on(again.run.node(output))
    return again if told else None


def _scaled(reading: Reading, scale: float, *, numbers: bool = True) -> Reading | None:
    """The reading with parameters, or inputs, of another size; None if it does not run so."""
    run, data = reading.run, reading.data
    values = {
        path: _times(value, scale if numbers or np.ndim(value) else 1.0)
        for path, value in generic(run).items()
    }
    born = not any(each.parameter.given for each in reading.places.goals)
    if born and is_floats(data.x):  # it makes its parameters, which are small, when it trains
        data = replace(data, x=data.x * scale**2)
    trains = run.plan.calls[-1].role == "train"
    trace = Trace(sites=True, most=OPERATIONS if trains else MOST)
    try:
        again = attempt(
            run.plan, data, reading.penalty, trace=trace, values=values, chosen=run.ways
        )
        made = Reading(run.plan, data, reading.penalty, again, places(again))
    except UnfitError:
        return None
    names = [each.name for each in made.places.goals]
    alike = names == [each.name for each in reading.places.goals]
    finite = all(np.all(np.isfinite(each.node.value)) for each in made.places.goals)
    return made if alike and finite else None


def _times(value: Any, scale: float) -> Any:
    return value * np.asarray(value).dtype.type(scale)
