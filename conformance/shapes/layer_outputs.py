"""What a layer does in one run: it is built, goes forward and back, and leaves gradients.

Where it is not right for its first output, it may be meant for what it gives that is made of the
first: a layer that returns `ys, h` may be told ∂C/∂(the last y). Left out: the ways to run it
(`layers.py`), and what it is made of (`layer_arguments.py`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import product
from types import ModuleType
from typing import Any

import numpy as np

from conformance.backward.findings import Examined
from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass
from conformance.backward.stated_loss import with_decay_beside
from conformance.programs.held_state import is_floats, leaves, short
from conformance.programs.vocabulary import bare, is_role, stem
from conformance.shapes.arguments import Scope, needed, size_kinds
from conformance.shapes.attempts import Attempt, Call, UnfitError, result_of
from conformance.shapes.example_data import Data
from conformance.shapes.function_sources import returned_names, returned_parts, stored_names
from conformance.shapes.given_back import last_or_all
from conformance.shapes.gradients_of_updates import Update
from conformance.shapes.layer_arguments import OPTIONS, Takes
from conformance.shapes.lost_updates import with_lost
from conformance.shapes.matched import is_beside_a_parameter
from conformance.shapes.own_loss import before_softmax
from conformance.shapes.places import Places
from conformance.shapes.plans import methods
from conformance.shapes.update_findings import (
    INPUT,
    ascending,
    taking_what_is_given,
    together,
    unrated,
    with_lines,
    without_rates,
)
from conformance.tracing.node import Node


def made_whole(run: Attempt, forward: str, takes: Takes) -> dict[str, Any]:
    """The layer of a run; after it is built or went forward, if it makes its parameters then.

    Args:
        run: that begins.
        forward: the name of the method that goes forward.
        takes: what it takes.
    """
    roots = run.plan.make(run.data, run.scope)
    layer, module = roots["self"], run.plan.module
    if takes.states or _has_parameters(layer, module):
        return roots
    _build(layer, run.data, module)
    if _has_parameters(layer, module):
        return roots
    options = (OPTIONS[each] for each in takes.forward[1:])
    result_of(getattr(layer, forward), run.data.x, *options)
    return roots if _has_parameters(layer, module) else run.plan.make(run.data, run.scope)


def _has_parameters(layer: Any, module: ModuleType) -> bool:
    return any(each.is_parameter for each in leaves(layer, "self", module))


def _build(layer: Any, data: Data, module: ModuleType) -> None:
    """Call the methods of a layer that make its parameters by their names."""
    for name, _ in methods(type(layer)):
        if bare(name) != "build" and is_role(name, "init") is None:
            continue
        for given in _ways(getattr(layer, name), data, module):
            with suppress(UnfitError):
                result_of(getattr(layer, name), **given)
                break


def _ways(function: Callable[..., Any], data: Data, module: ModuleType) -> Iterator[dict[str, Any]]:
    """What such a method may be given, by name."""
    names = [each.name for each in needed(function)]
    for values in product(*(list(_values(name, data, module)) for name in names)):
        yield dict(zip(names, values, strict=True))


def _values(name: str, data: Data, module: ModuleType) -> Iterator[Any]:
    """What an argument may be: a shape, a size, or an object of a class of its name."""
    if "shape" in bare(name):
        yield from (np.shape(data.x)[1:], np.shape(data.x))
    known, value = Scope(size_kinds(data)).value(name)
    if known:
        yield value
    for kind in [e for key, e in vars(module).items() if bare(key) == bare(name)]:
        if isinstance(kind, type):
            with suppress(UnfitError):
                yield result_of(kind)


OUTPUTS = "output", "out", "a"
"""The names under which a layer keeps what it gives."""
ENTRIES = 8  # of an output, which are tried alone


def outputs(run: Attempt, result: Any, kept: Mapping[str, Any], takes: Takes) -> list[Any]:
    """The arrays that a forward part gives; else what the layer keeps of them.

    They are those whose names its backward part says, in its order; else the first ones.

    Args:
        run: that went forward.
        result: what the forward part returned.
        kept: what it was handed, stored or returned, by name.
        takes: what the backward part takes.

    Raises:
        UnfitError: it gives no array of floats.
    """
    parts = list(result) if isinstance(result, tuple) else [result]
    outs = [each for each in parts if isinstance(each, np.ndarray)] or [_kept(run)]
    if any(out is None or out.dtype.kind != "f" or not out.size for out in outs[:1]):
        raise UnfitError("its forward part gives no array")
    names = {**kept, **dict(returned_parts(run.results[0][1], result))}
    told: list[Any] = [names.get(name) for name in takes.named]
    if told and all(is_floats(each) and each.size for each in told):
        return told
    return [each for each in outs if each.dtype.kind == "f" and each.size][: takes.upstreams]


def output_made_of(run: Attempt, first: Any, result: Any) -> Any:
    """What a forward part gives that is made of its first array: of a list, that of the last step.

    Raises:
        UnfitError: there is none.
    """
    parts = result if isinstance(result, tuple) else ()
    ends = [each[-1] if isinstance(each, list) and each else each for each in parts]
    node = run.node(first)
    for each in (e for e in ends if is_floats(e) and e.size):
        if run.node(each) is not node and run.node(each).depends_on(node):
            return each
    raise UnfitError("it gives no further output")


def upstream(rng: np.random.Generator, out: Any, at: int | None) -> Any:
    """A generic ∂C/∂(an output), so small that no gradient is clipped.

    Or one entry of it: of so many that lie between the first and the last one, the one of a number.
    """
    dout: Any = (2.0**-6 * rng.normal(size=out.shape)).astype(out.dtype)
    if at is None:
        return dout
    place = at * (out.size - 1) // (ENTRIES - 1)
    return np.where(np.arange(out.size).reshape(out.shape) == place, dout, 0.0)


def _kept(run: Attempt) -> Any:
    """What a layer keeps as its output: by its name, else all else that it keeps leads to it."""
    held = vars(run.roots["self"])
    named = next((held[e] for e in OUTPUTS if isinstance(held.get(e), np.ndarray)), None)
    if named is not None:
        return named
    x = run.node(run.scope.kinds["inputs"])
    stored = [held.get(name) for name in dict.fromkeys(stored_names(run.results[0][1]))]
    nodes = {run.node(each): each for each in stored if is_floats(each)}
    made = [each for each in nodes if each is not x and each.depends_on(x)]
    last = [e for e in made if not any(other is not e and other.depends_on(e) for other in made)]
    return nodes[last[0]] if len(last) == 1 else None


def parameters_of(run: Attempt, loss: Node) -> tuple[str, ...]:
    """The parameters, by their names, on which an output depends."""
    return tuple(
        short(path)
        for path, (leaf, node) in run.start.items()
        if node is not None and leaf.is_parameter and np.ndim(leaf.value) and loss.depends_on(node)
    )


def judged_apart(
    run: Attempt, step: OwnPass, inner: Sequence[Goal], found: Places, *, blame: bool
) -> Examined:
    """The gradients of parameters, and each that is returned, judged apart.

    Args:
        run: the recorded run.
        step: the gradients of parameters with the loss.
        inner: those of the input and the states.
        found: where those of parameters are.
        blame: whether the lines of wrong ones are looked for.

    Raises:
        UnfitError: they are right by what a softmax of the output is given, and not by the output.
    """
    before = before_softmax(run)
    if before is not None:
        trace = run.recorded
        dout = next(e.value for e in trace.nodes if e.operation.startswith("given dout"))
        loss = run.node((trace.traced(np.array(before.value), before) * dout).sum())
        with suppress(NotAGradientError):
            if together(_parts(replace(step, loss=loss), inner, found, blame=False)).ok:
                raise UnfitError(BEFORE_SOFTMAX, 1)
    return together(_parts(step, inner, found, blame=blame))


BEFORE_SOFTMAX = (
    "what it is given is ∂C/∂(what its softmax is given), as is right where its loss gives a − y"
)


def _parts(step: OwnPass, inner: Sequence[Goal], found: Places, *, blame: bool) -> list[Examined]:
    parts = [of_parameters(step, found, blame=blame)] if step.goals else []
    alone = (replace(step, goals=(each,), scaled=False, promised=True) for each in inner)
    return parts + [examine_pass(each, blame=blame) for each in alone]


def input_goals(run: Attempt, back: Any, inputs: Mapping[str, Node], dout: Any) -> list[Goal]:
    """The gradients of the input and the state: returned, or kept by the layer.

    One that is returned under the name of a further input is of that, whatever its shape is. What
    is kept beside a parameter of the same shape is of that.
    """
    named = {stem(name): each for name, each in returned_parts(run.results[-1][1], back)}
    parts = list(back) if isinstance(back, tuple | list) else [back]
    held = [
        leaf.value
        for leaf in leaves(run.roots["self"], "self", run.plan.module)
        if not is_beside_a_parameter(run, leaf)
    ]
    left, goals = [e for e in (*parts, *held) if isinstance(e, np.ndarray)], []
    for name, x in inputs.items():
        told = named.get(bare(name))
        if told is not None and is_floats(told) and told.shape != np.shape(x.value):
            goals.append(Goal(name, x, run.node(told)))
            continue
        for i, each in enumerate(left):
            if np.shape(x.value) != each.shape:
                continue
            node = run.node(each)
            returned = any(each is part for part in parts) and not node.constant
            if returned or node.depends_on(run.node(dout)):
                goals.append(Goal(name, x, node))
                del left[i]
                break
    return goals


def given_beside(run: Attempt, goals: Sequence[Goal]) -> tuple[str, ...]:
    """The names of what the backward part returns of its ∂C/∂(output) and nothing judged is of."""
    given = [e for e in run.recorded.nodes if e.operation.startswith("given dout")]
    (function, back), *_ = ((e, back) for call, e, back in run.results if call.role == "backward")
    names = []
    for name, part in returned_parts(function, back):
        node = run.node(part) if is_floats(part) and part.ndim else None
        if node is None or not any(map(node.depends_on, given)):
            continue
        if not any(each.node.depends_on(node) for each in goals):
            names.append(name)
    return tuple(names)


def went_ahead(
    run: Attempt, forward: Callable[..., Any], takes: Takes, rng: np.random.Generator
) -> tuple[dict[str, Any], dict[str, Node], Any]:
    """What the forward part is given, by what is said of it, its nodes, and what it gives.

    It is given the input, options, and states as large as the output, or else as the input.
    """
    x = run.scope.kinds["inputs"]
    names = [each.name for each in needed(forward)]
    problem = UnfitError("")
    for shape in dict.fromkeys((run.data.output_shape, np.shape(x)) if takes.states else ((),)):
        inputs = {INPUT: x}
        for name, kind in list(zip(names, takes.forward, strict=True))[1:]:
            drawn = rng.normal(size=shape) if kind == "state" else None
            inputs[name] = OPTIONS[kind] if drawn is None else run.recorded.given(drawn, name)
        ahead = {name: run.node(e) for name, e in inputs.items() if is_floats(e)}
        try:
            result = run.called(partial(forward, **run.data.settings), *inputs.values())
        except UnfitError as error:
            problem = problem if str(problem) else error
        else:
            return inputs, ahead, result
    raise problem


def known_after(run: Attempt, result: Any) -> dict[str, Any]:
    """The input, the output and the cache, after the forward part gave a result."""
    beside = list(result[1:]) if isinstance(result, tuple | list) else []
    cache = beside[0] if len(beside) == 1 else last_or_all(beside)
    return {**{kind: run.scope.kinds[kind] for kind in ("inputs", "output")}, "cache": cache}


def kept_after(
    forward: Callable[..., Any], handed: Mapping[str, Any], result: Any
) -> dict[str, Any]:
    """What the forward part was handed, stored or returned, by name.

    Args:
        forward: it.
        handed: what it was handed, in its order.
        result: what it returned.
    """
    whole, returned = getattr(forward, "__self__", None), returned_names(forward)
    stored = {name: getattr(whole, name, None) for name in stored_names(forward)}
    parts = list(result) if isinstance(result, tuple | list) else [result]
    named = dict(zip(returned, parts, strict=True)) if len(returned) == len(parts) else {}
    names = [each.name for each in needed(forward)]
    return {**stored, **named, **dict(zip(names, handed.values(), strict=True))}


def went_back(run: Attempt, backward: Callable[..., Any], given: Iterable[Any]) -> Any:
    """What the backward part returns.

    Raises:
        UnfitError: it stops.
    """
    try:
        back = run.called(backward, *given)
    except UnfitError as error:
        raise UnfitError(str(error), stage=1) from error
    run.results.append((Call("backward", backward), backward, back))
    return back


def of_output(values: Mapping[str, Any], run: Attempt, out: Node) -> dict[str, Any]:
    """The numbers for what an output depends on: what is beside it, such as a velocity, is kept."""
    nodes = {path: node for path, (_, node) in run.start.items()}
    used = {path for path, node in nodes.items() if node is None or out.depends_on(node)}
    return {path: value for path, value in values.items() if path in used}


class StretchedError(Exception):
    """What is added to a gradient is smaller than it: a layer may be written for other arrays."""


def is_stretched(gradient: Node) -> bool:
    """Whether something smaller is added to a gradient: `dW += x.T @ d` of one row."""
    while gradient.operation == "add":
        entries = np.size(gradient.value)
        sides = [e for e in gradient.args if type(e) is Node and np.ndim(e.value)]
        alike = [each for each in sides if np.size(each.value) == entries]
        if len(alike) < len(sides) or not alike:
            return bool(alike)
        gradient = alike[0]
    return False


def is_smaller(update: Update) -> bool:
    """Whether a parameter is moved by something smaller: `b -= lr * d.sum()`."""
    before = update.goal.parameter
    terms = [e for e in update.node.inputs if e is not before and not e.constant]
    moves = update.node.operation in ("add", "subtract")
    return moves and any(np.size(each.value) < np.size(before.value) for each in terms)


def of_parameters(step: OwnPass, found: Places, *, blame: bool) -> Examined:
    """The gradients of a layer's parameters, judged, perhaps with a decay beside them.

    Args:
        step: the run, with these gradients.
        found: where they were.
        blame: whether the lines of wrong ones are looked for.
    """
    goals, left_out = unrated(found) if step.scaled else (step.goals, [])
    step = replace(step, goals=goals)
    examined = with_decay_beside(step, examine_pass(step, blame=blame), blame=blame)
    part = with_lines(without_rates(examined, left_out), found.updates)
    if step.scaled:
        return replace(ascending(part, found), factor=1.0)
    return with_lost(taking_what_is_given(part, found), found)
