"""The rules by which parameters are known to be moved, and which of them a script has.

Each is evaluated with the numbers of the script itself, and is the rule if it gives the same.

Left out: gradients.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np

from conformance.script.linear import entrywise, scalar
from conformance.script.update import SAME, Update, kept
from conformance.script_outcome import Rule
from conformance.tracing.node import Node, flat
from reference.step import Array

FEW = 12  # numbers of an update, that may be η or ε


def moments(made: Update) -> Iterator[tuple[Node, str]]:
    """The states of an adaptive update that are not means of the gradient, or of its square.

    Each with the kind of the cause: `no square`, or `square` where there ought to be none.
    """
    if not made.adaptive or not made.options:
        return
    g = np.asarray(made.options[made.own][0].value, dtype=np.float64)
    for old, new in made.states:
        rate = kept(old, new)
        if not np.all(np.isfinite(new.value)):
            continue
        added = np.asarray(new.value) - rate * np.asarray(old.value)
        powers = [n for n in (1, 2) if _multiple(added, g**n) is not None]
        under_root = _divides(made, new)
        if under_root and powers == [1]:
            yield new, "no square"
        elif not under_root and powers == [2]:
            yield new, "square"


def _divides(made: Update, state: Node) -> bool:
    """Whether the update divides by something that a state is in."""
    for node in {made.new, *entrywise(made.new, frozenset({made.old, state}))}:
        if node.operation in ("divide", "true_divide") and type(node.args[1]) is Node:
            below = node.args[1]
            if below is state or state in entrywise(below, frozenset({made.old})):
                return True
    return False


def _multiple(value: Array, of: Array) -> float | None:
    """How many times an array another is; None if it is no multiple."""
    size = float(np.vdot(of, of))
    if not size or not np.isfinite(size) or np.size(of) != np.size(value):
        return None
    times = float(np.vdot(of, value)) / size
    far = float(np.max(np.abs(value - times * of), initial=0.0))
    return times if far <= SAME * float(np.max(np.abs(value), initial=0.0)) else None


def rule(updates: Sequence[Update], factor: float) -> Rule:
    """How one parameter is moved.

    Args:
        updates: of it, one after another.
        factor: of the arrays by which it is moved beside the gradients of the cost.
    """
    first = updates[0]
    if any(not each.options for each in updates):
        return Rule("unknown")
    eta = abs(first.options[first.own][1]) * factor
    decay = (("λ", first.decay),) if abs(first.decay) > SAME else ()
    if not first.states:
        return Rule("plain", (("η", eta), *decay))
    if not first.adaptive:
        momentum = kept(*first.states[0])
        return Rule("momentum", (("η", eta), ("μ", momentum), *decay))
    found = _adaptive(updates)
    return Rule("other") if found is None else replace(found, numbers=(*found.numbers, *decay))


def _adaptive(updates: Sequence[Update]) -> Rule | None:
    """Adam, RMSProp or AdaGrad, if it gives the very steps."""
    first = updates[0]
    rates = {id(new): kept(old, new) for old, new in first.states}
    squares = [new for _, new in first.states if _divides(first, new)]
    means = [new for _, new in first.states if new not in squares]
    if len(squares) != 1 or len(means) > 1:
        return None
    beta2 = rates[id(squares[0])]
    beta1 = rates[id(means[0])] if means else 0.0
    numbers = _numbers(first)
    for kind, eta, epsilon in product(KINDS, numbers, (*numbers, 0.0)):
        said = beta1, beta2, eta, epsilon
        if all(_steps(each, t, said, kind) for t, each in enumerate(updates, 1)):
            return _named(said, kind, means=bool(means))
    return None


def _named(said: tuple[float, ...], kind: "_Kind", *, means: bool) -> Rule:
    beta1, beta2, eta, epsilon = said
    if not kind.root:
        return Rule("no root")
    if means:
        numbers = (("η", eta), ("β1", beta1), ("β2", beta2), ("ε", epsilon))
        return Rule(kind.name, numbers)
    if beta2 == 1:
        return Rule("adagrad", (("η", eta), ("ε", epsilon)))
    return Rule("rmsprop", (("η", eta), ("β", beta2), ("ε", epsilon)))


class _Kind(NamedTuple):
    """A form of Adam: whether its mean and its mean of squares are corrected, and has a root."""

    name: str
    mean: bool = True
    square: bool = True
    root: bool = True


KINDS = (
    _Kind("adam"),
    _Kind("uncorrected adam", mean=False, square=False),
    _Kind("partly corrected adam", mean=False),
    _Kind("partly corrected adam", square=False),
    _Kind("no root", root=False),
    _Kind("no root", mean=False, square=False, root=False),
)
"""The forms, of which the first two are used; the others are mistakes."""


def _steps(made: Update, t: int, said: tuple[float, ...], kind: _Kind) -> bool:
    """Whether an update is the t-th of Adam with some numbers."""
    beta1, beta2, eta, epsilon = said
    g = np.asarray(made.options[made.own][0].value, dtype=np.float64)
    by_root = {_divides(made, new): np.asarray(new.value) for _, new in made.states}
    mean, square = by_root.get(False, g), by_root.get(True)
    if square is None:
        return False
    if kind.mean and beta1 < 1:
        mean = mean / (1 - beta1**t)
    if kind.square and beta2 < 1:
        square = square / (1 - beta2**t)
    moved = np.asarray(made.new.value) - (1 - made.decay) * np.asarray(made.old.value)
    size = float(np.max(np.abs(moved), initial=0.0))
    with np.errstate(all="ignore"):
        later = epsilon / np.sqrt(1 - beta2**t) if kind.square and beta2 < 1 else epsilon
        ways = [np.sqrt(square) + epsilon, np.sqrt(square + epsilon), np.sqrt(square) + later]
        ways = ways if kind.root else [square + epsilon]
        return any(
            float(np.max(np.abs(moved + sign * eta * mean / way))) <= 1e-6 * size
            for way in ways
            for sign in (1, -1)
        )


def _numbers(made: Update) -> list[float]:
    """The single numbers among the operands of an update."""
    found: list[float] = []
    for node in {made.new, *entrywise(made.new, frozenset({made.old}))}:
        for each in flat((node.args, node.kwargs)):
            number = scalar(each) if type(each) is not Node or np.size(each.value) == 1 else None
            number = None if number is None else abs(number)
            if number and number not in found:
                found.append(number)
    return sorted(found)[:FEW]
