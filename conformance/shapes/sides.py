"""Other numbers for a program whose data show one side alone of what it chooses between.

A hinge, a margin or a mask has two sides. Where each entry of a choice is on one of them, nothing
is known of the other one, and the program is run again with smaller and larger parameters. Left
out: the verdict (`judge_readings.py`).
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.backward.factor import conventions, snapped
from conformance.backward.groups import operation_key
from conformance.backward.kinks import COMPARISONS, OF_TWO
from conformance.backward.recorded_pass import bits
from conformance.programs.held_state import is_floats
from conformance.shapes.arguments import kinds_taken
from conformance.shapes.attempt import attempt
from conformance.shapes.attempts import UnfitError
from conformance.shapes.example_data import Sizes, example_data
from conformance.shapes.found import BY, moved
from conformance.shapes.learned import is_number
from conformance.shapes.other_settings import dropping, training
from conformance.shapes.own_loss import named_loss, own_loss
from conformance.shapes.places import MOST, places
from conformance.shapes.reading import Reading, generic
from conformance.tracing.ancestors import ancestors
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

SCALES = (0.25, 4.0, 0.0625)
"""By which the parameters are multiplied, or what goes forward."""
NEAR = 1e-3
"""A bound that is as near to 0 or 1 is there for the sake of rounding, such as an ε in `clip`."""

FAR = 32.0
"""A bound of `clip` that is as far is there for the sake of overflow."""

STEPS = 4
"""Of a sequence."""

Sides = dict[Any, set[int]]
"""On which sides no entry of a choice is, by the operation."""


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
        if not operands or not any(node.depends_on(each.parameter) for each in goals):
            continue
        apart = np.abs(np.subtract(*operands[0], dtype=np.float64)).tobytes()
        within = whole is not None and whole.depends_on(node) and not _is_guard(node)
        known |= {apart} if within else set()
        _note(inner if apart in known else others, node)
    return inner, others


def is_one_sided(whole: Node) -> bool:
    """Whether no entry of some choice that a value is made of is on one of its sides."""
    unseen: Sides = {}
    for node in ancestors(whole):
        if _operands(node) and not _is_guard(node):
            _note(unseen, node)
    return any(unseen.values())


def _operands(node: Node) -> list[tuple[Any, Any]]:
    """What is compared: with one bound, or with the two of `clip`; nothing if nothing is chosen.

    What is the size of something comes first.
    """
    args = [each.value if type(each) is Node else each for each in node.args]
    if node.operation in (*OF_TWO, *COMPARISONS) and len(args) >= len(("a", "b")):
        return [(args[1], args[0]) if _size(node.args[1]) else (args[0], args[1])]
    if node.operation == "clip" and len(args) == len(("x", "low", "high")):
        return [(args[0], each) for each in args[1:] if each is not None]
    return []


def _size(arg: Any) -> Node | None:
    """What an argument is the size of, if it is that of something."""
    of_size = type(arg) is Node and arg.operation in ("absolute", "abs", "fabs")
    return arg.args[0] if of_size and type(arg.args[0]) is Node else None


def _note(unseen: Sides, node: Node) -> None:
    """Leave out the sides on which entries are: 0 and 1, 2 above two bounds, −1 of −x for |x|."""
    operands = _operands(node)
    found = sum(np.greater(*each).astype(int) for each in operands)
    sized = next(filter(None, map(_size, node.args[:2])), None)
    sides = {*range(len(operands) + 1)}
    if sized is not None:
        sides |= {-1}
        found = found * np.where(np.asarray(sized.value) < 0, -1, 1)
    seen = {*np.unique(found).tolist()}
    unseen[operation_key(node)] = unseen.get(operation_key(node), sides) - seen


def _is_guard(node: Node) -> bool:
    """Whether a choice is there for the sake of rounding alone: one of a bound like an ε."""
    args = node.args if node.operation == "clip" else node.args[:2]
    plain = (each for each in args if type(each) is not Node and each is not None)
    numbers = [abs(float(each)) for each in plain if np.ndim(each) == 0]
    far = node.operation == "clip" and any(each >= FAR for each in numbers)
    return far or any(0 < each < NEAR or 0 < abs(each - 1) < NEAR for each in numbers)


def on_other_sides(reading: Reading, known: tuple[Sides, Sides]) -> Iterator[Reading]:
    """The reading with other parameters, where these show a side that was not seen before."""
    inner, others = known
    for scale in SCALES:
        if not any(inner.values()):
            return
        again = _scaled(reading, scale)
        if again is None:
            continue
        found, beside = sides(again)
        if found.keys() != inner.keys() or beside != others:
            continue
        if all(each <= found[key] for key, each in inner.items()):
            continue
        for key, each in found.items():
            inner[key] &= each
        yield again


def with_weights(reading: Reading) -> Iterator[Reading]:
    """The reading with weights of the samples, where the program takes some and was given none."""
    functions = (function for _, function, _ in reading.run.results)
    if any("sample weights" in kinds_taken(function) for function in functions):
        weights = np.random.default_rng(6).uniform(0.5, 2.0, size=reading.data.sizes.m)
        again = _scaled(replace(reading, data=replace(reading.data, weights=weights)), 1.0)
        yield from [] if again is None else [again]


def with_more_inputs(reading: Reading, factor: float) -> Iterator[Reading]:
    """The reading with one input more, where a factor of all gradients may be made of their number.

    Args:
        reading: it.
        factor: given / right.
    """
    sizes = reading.data.sizes
    usual = conventions((sizes.m,))
    of_inputs = [e * n for e in usual for n in (sizes.n_in, 1 / sizes.n_in)]
    if snapped(factor, of_inputs, free=False) is not None:
        yield from _of_sizes(reading, replace(sizes, n_in=sizes.n_in + 1))


def with_more_layers(reading: Reading) -> Iterator[Reading]:
    """The reading with one hidden layer more, all as wide, where it is told how many there are."""
    sizes = reading.data.sizes
    for each in _of_sizes(reading, replace(sizes, layers=sizes.layers + 1)):
        found = each.places
        if len(found.goals) > len(reading.places.goals) and not (found.missing or found.unfound):
            yield each


def _of_sizes(reading: Reading, sizes: Sizes) -> Iterator[Reading]:
    """The reading with other sizes, where it runs with them."""
    data = reading.data
    for each in example_data(sizes, (data.layout,)):
        if each.coding == data.coding:
            wider = replace(reading, data=replace(each, rounds=data.rounds))
            trace = Trace(sites=True, most=MOST)
            with suppress(UnfitError):
                run = attempt(reading.plan, wider.data, trace=trace, chosen=reading.run.ways)
                again = _with(replace(wider, places=places(run)), generic(run), 1.0)
                yield from [] if again is None else [again]


def with_other_parameters(reading: Reading) -> Iterator[Reading]:
    """The reading with smaller and larger arrays of parameters; a number may be a setting."""
    tried = (_scaled(reading, each, numbers=False) for each in SCALES)
    yield from (each for each in tried if each is not None)


def with_finite_numbers(reading: Reading) -> Reading:
    """The reading with targets between 0 and 1, if its loss or gradients are not finite otherwise.

    Of those it may take the logarithm, or divide by them.
    """
    y, least = np.asarray(reading.data.y), 1 / max(2, reading.data.sizes.n_out)
    losses = [found for call, _, found in reading.run.results if call.role == "loss"]
    numbers = [*(each.node.value for each in reading.places.goals), *filter(is_number, losses)]
    if y.dtype.kind != "f" or y.min() > 0 or all(np.all(np.isfinite(e)) for e in numbers):
        return reading
    inner = replace(reading, data=replace(reading.data, y=(y + least) / 2))
    return _scaled(inner, 1.0) or reading


def with_steps(reading: Reading) -> Reading | None:
    """The reading of one step as that of a sequence, if its output is that of the last step.

    In the first step a parameter may do nothing: a forget gate multiplies a state of zeros. Where
    a program takes the samples one by one, each becomes a sequence.
    """
    axis = {"one column": 1, "one row": 0, "rows": 1}.get(reading.data.layout)
    if axis is None or not is_floats(reading.data.x):
        return None
    steps = np.expand_dims(reading.data.x, axis) if not reading.data.single else reading.data.x
    rng = np.random.default_rng(8)
    later = rng.normal(size=np.repeat(steps, STEPS - 1, axis=axis).shape)
    x = np.concatenate([steps, later], axis=axis)
    again = _scaled(replace(reading, data=replace(reading.data, x=x)), 1.0)
    if again is None or not again.fits:
        return None
    outputs = (each.run.scope.kinds.get("output", 0.0) for each in (reading, again))
    return again if len({np.shape(each) for each in outputs}) == 1 else None


def with_second_updates(reading: Reading) -> Reading | None:
    """The reading of the second update of each parameter, if a program makes several."""
    return _scaled(reading, 1.0, second=True) if reading.places.several else None


def moved_a_little(reading: Reading) -> Reading | None:
    """The reading with other parameters, near those that it had; None if it does not run so."""
    begun = reading.run.begun
    parameters = {path: begun[path] for path in generic(reading.run)}
    return _with(reading, {**begun, **moved(parameters)}, 1 + BY)


def in_training(reading: Reading) -> Reading | None:
    """The reading in which what goes forward is told that it trains, which it is not by default.

    Neurons may be dropped then, too. None if there is no such argument, or if the loss goes forward
    without it.
    """
    results = reading.run.results
    forward = [function for call, function, _ in results if call.role == "forward"]
    trains, drops = training(forward), dropping(function for _, function, _ in results)
    ways: list[dict[str, Any]] = [{**trains, **drops}, *([trains] if drops else [])]
    told = (replace(reading, data=replace(reading.data, settings=way)) for way in ways if way)
    ran = (again for each in told if (again := _scaled(each, 1.0)) is not None)
    again = next((e for e in ran if not drops or _is_of_one_pass(e)), None)
    if again is None or not forward:
        return again
    loss, output = own_loss(again.run, again.places), again.run.scope.kinds.get("output")
    return again if loss is None or loss.depends_on(again.run.node(output)) else None


def _is_of_one_pass(reading: Reading) -> bool:
    """Whether the gradients are of the pass of the loss, which has dropped the same neurons."""
    loss, goals = own_loss(reading.run, reading.places), reading.places.goals
    own = bits(goals)
    nodes = [each for each in reading.run.recorded.nodes if each.uses & own and each.inputs]
    passed = {operation_key(each) for each in nodes if loss is None or loss.depends_on(each)}
    rest = (e for e in nodes if loss is not None and not loss.depends_on(e))
    return not any(
        operation_key(each) in passed and any(goal.node.depends_on(each) for goal in goals)
        for each in rest
    )


def _scaled(
    reading: Reading, scale: float, *, numbers: bool = True, second: bool = False
) -> Reading | None:
    """The reading with parameters, or inputs, of another size; None if it does not run so."""
    values = {
        path: value * np.asarray(value).dtype.type(scale if numbers or np.ndim(value) else 1.0)
        for path, value in generic(reading.run).items()
    }
    return _with(reading, values, scale, second=second)


def _with(
    reading: Reading, values: dict[str, Any], scale: float, *, second: bool = False
) -> Reading | None:
    """The reading with some parameters, or inputs of another size; None if it does not run so."""
    data = reading.data
    born = not any(each.parameter.given for each in reading.places.goals)
    if born and is_floats(data.x):  # it makes its parameters, which are small, when it trains
        data = replace(data, x=data.x * scale**2)
    try:
        made = reading.beginning_with(values, data, second=second)
    except UnfitError:
        return None
    names = [each.name for each in made.places.goals]
    alike = names == [each.name for each in reading.places.goals]
    finite = all(np.all(np.isfinite(each.node.value)) for each in made.places.goals)
    return made if alike and finite else None
