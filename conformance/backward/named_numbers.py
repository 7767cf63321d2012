"""Named numbers of a forward pass, such as a temperature, and factors of gradients made of one.

A number within the loss is none that the loss is multiplied by, so a gradient that lacks it, or has
it once too often, is wrong: with another such number it would have another factor. Left out: the
factors that are conventions (`factor.py`).
"""

import ast
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from conformance.backward.chain import Chain
from conformance.backward.factor import shared
from conformance.backward.groups import UNFIT
from conformance.backward.judge_gradients import Forward, verdicts
from conformance.backward.loss_names import LINEAR
from conformance.backward.source import operand_name
from conformance.backward.syntax import tree
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace

AFTER = (*LINEAR, "sum", "mean", "average")
"""Operations by which a loss is made of those of the samples."""
POWERS = (1, -1, 2, -2)
OTHER = 1.25  # times as large another number is


def beside_a_named_number(forward: Forward, factor: float) -> float | None:
    """What a factor of all gradients is beside a power of a named number within the loss.

    It is 1 or a rate; None if no such power is in it, or if a gradient is what a parameter was
    moved by, with its rate. With another number in the place of that one, wherever the program
    names it, the factor is the same power of the other.
    """
    if any(goal.parameter in goal.node.inputs for goal in forward.run.goals):
        return None
    for rate in (1.0, *_rates(forward.run.goals[0].node)):
        if any(_is_power(forward, rate, *each) for each in _powers(forward, factor / rate)):
            return rate
    return None


def _rates(gradient: Node) -> Iterator[float]:
    """The numbers by which the factors of a gradient are multiplied last, such as η."""
    for node in (gradient, *gradient.inputs):
        if node.operation == "multiply":
            yield from (abs(e) for e in node.args if type(e) is float and e)


def _powers(forward: Forward, factor: float) -> Iterator[tuple[float, int]]:
    """The named numbers within the loss of which a factor is a power, each with the power."""
    loss = forward.run.loss
    last = {*walk([loss], lambda each: each.inputs if each.operation in AFTER else ())}
    within = [e for e in forward.run.trace.nodes if forward.contains(e) and e.operation]
    numbers = {n for e in within if e not in last or e.operation not in AFTER for n in _named(e)}
    numbers -= {n for e in last if e.operation in AFTER for n in _named(e)}
    for number in numbers - {0.0, 1.0}:
        yield from ((number, by) for by in POWERS if np.isclose(number**by, factor, rtol=1e-9))


def _named(node: Node) -> Iterator[float]:
    """The numbers that an operation takes by a name."""
    for place, each in enumerate(node.args):
        if type(each) is float and operand_name(node, place):
            yield each


def _is_power(forward: Forward, rate: float, number: float, power: int) -> bool:
    """Whether a power of another number in its place is the factor of all gradients beside η."""
    nodes = [_with(each, number) for each in forward.run.trace.nodes]
    trace = Trace.of(nodes)
    run = replace(forward.run, trace=trace)
    try:
        again = Forward(run, Chain(trace, ties=forward.chain.ties, anew=True))
    except UNFIT:
        return False
    factor = rate * (OTHER * number) ** power
    told = shared(verdicts(again), (factor,))
    return told.by_all and told.factor == factor


def _with(node: Node, number: float) -> Node:
    """A node with another number in the place of a named one."""
    args = [
        OTHER * each if type(each) is float and each == number and operand_name(node, i) else each
        for i, each in enumerate(node.args)
    ]
    return replace(node, args=tuple(args)) if number in [*_named(node)] else node


def stated_numbers(node: Node) -> list[float]:
    """The numbers in the file that computes a value."""
    module = tree(node.frames[0].file) if node.frames else None
    found = (each for each in ast.walk(module) if isinstance(each, ast.Constant)) if module else ()
    return [float(e.value) for e in found if isinstance(e.value, int | float) and e.value]
