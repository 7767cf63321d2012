"""What to write instead of operations that lose digits.

A few functions have a form that loses none: σ by the sign of z, ln(1 − a) from z, log-sum-exp,
log1p and expm1, tanh, the cross-entropy from z. Which of them a recorded value is, and of which
other value, is found by equality on balls, however it was written. The form is then evaluated on
the floats that the program has there, and kept if it gains digits.

Left out: which operation loses them (`digits.py`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import flint
import numpy as np

from conformance.arithmetic.exact import LeftExactError, to_exact
from conformance.arithmetic.formats import Format
from conformance.tracing.node import Node, recomputed
from conformance.tracing.replay import Replay
from reference.step import Array

AXES = (-1, 0, None)


def _tail(z: Any) -> Any:
    """e^−|z|, which does not overflow."""
    return np.exp(-np.abs(z))


def _softplus(z: Any) -> Any:
    return np.maximum(z, 0) + np.log1p(_tail(z))


def _shifted(z: Any, axis: int | None) -> Any:
    return z - np.max(z, axis=axis, keepdims=True)


def _sum(a: Any, axis: int | None) -> Any:
    return np.sum(a, axis=axis, keepdims=True)


@dataclass(frozen=True)
class Form:
    """A function and the form of it that loses no digits.

    Attributes:
        write: the source of the form, of `z` and, if it has two arguments, `y`.
        exact: the function, of exact numbers.
        stable: the form, of floats.
        beside: the source of what it needs.
    """

    write: str
    exact: Callable[..., Any]
    stable: Callable[..., Any]
    beside: str = ""


OF_ONE = (
    Form("np.log1p({z})", lambda z: np.log(1 + z), np.log1p),
    Form("np.expm1({z})", lambda z: np.exp(z) - 1, np.expm1),
    Form(
        "np.where({z} >= 0, 1, np.exp(-abs({z}))) / (1 + np.exp(-abs({z})))",
        lambda z: 1 / (1 + np.exp(-z)),
        lambda z: np.where(z >= 0, 1, _tail(z)) / (1 + _tail(z)),
    ),
    Form(
        "np.where({z} >= 0, np.exp(-abs({z})), 1) / (1 + np.exp(-abs({z})))",
        lambda z: 1 / (1 + np.exp(z)),
        lambda z: np.where(z >= 0, _tail(z), 1) / (1 + _tail(z)),
    ),
    Form(
        "np.exp(-abs({z})) / (1 + np.exp(-abs({z})))**2",
        lambda z: np.exp(z) / ((1 + np.exp(z)) * (1 + np.exp(z))),
        lambda z: _tail(z) / (1 + _tail(z)) ** 2,
    ),
    Form("-np.logaddexp(0, -{z})", lambda z: -np.log(1 + np.exp(-z)), lambda z: -_softplus(-z)),
    Form("np.logaddexp(0, {z})", lambda z: np.log(1 + np.exp(z)), _softplus),
    Form(
        "np.tanh({z})",
        lambda z: 1 - 2 / (np.exp(2 * z) + 1),
        np.tanh,
    ),
    Form(
        "4 * np.exp(-2 * abs({z})) / (1 + np.exp(-2 * abs({z})))**2",
        lambda z: 4 / ((np.exp(z) + np.exp(-z)) * (np.exp(z) + np.exp(-z))),
        lambda z: 4 * _tail(2 * z) / (1 + _tail(2 * z)) ** 2,
    ),
)
"""Functions of each number."""


OF_TWO = (
    Form(
        "np.logaddexp(0, {z}) - {y} * {z}",
        lambda z, y: np.log(1 + np.exp(z)) - y * z,
        lambda z, y: np.maximum(z, 0) - y * z + np.log1p(_tail(z)),
    ),
)
"""Functions of each number and another."""


def _along(axis: int | None) -> tuple[Form, ...]:
    """Functions along an axis, which stays with one entry in it."""
    beside = f", with m = np.max({{z}}, axis={axis}, keepdims=True)"
    total = f"np.sum(np.exp({{z}} - m), axis={axis}, keepdims=True)"
    return (
        Form(
            f"m + np.log({total})",
            lambda z: np.log(_sum(np.exp(z), axis)),
            lambda z: z.max(axis, keepdims=True) + np.log(_sum(np.exp(_shifted(z, axis)), axis)),
            beside,
        ),
        Form(
            f"{{z}} - m - np.log({total})",
            lambda z: z - np.log(_sum(np.exp(z), axis)),
            lambda z: _shifted(z, axis) - np.log(_sum(np.exp(_shifted(z, axis)), axis)),
            beside,
        ),
        Form(
            f"np.exp({{z}} - m) / {total}",
            lambda z: np.exp(z) / _sum(np.exp(z), axis),
            lambda z: np.exp(_shifted(z, axis)) / _sum(np.exp(_shifted(z, axis)), axis),
            beside,
        ),
    )


ALONG = {axis: _along(axis) for axis in AXES}


SAME = flint.arb(10) ** -30
NEAR = 14  # operations before a value, whose results it may be a function of
AFTER = 6  # operations after the one to blame
SEEN = 3  # entries that have to be equal
NEARLY = 1e-3


@dataclass(frozen=True)
class Instead:
    """A form that gains digits.

    Attributes:
        write: its source, with the program's names.
        digits: how many it gains.
        file: of the line where it has to stand.
        line: the number of it.
    """

    write: str
    digits: int
    file: str
    line: int


class Rewriting:
    """The search for what to write instead."""

    def __init__(self, replay: Replay, of: Format, named: Callable[[Node], str]) -> None:
        """Search nothing yet.

        Args:
            replay: of the run, on balls, at the precision in force.
            of: the format of the floats.
            named: gives the name of a value in the program.
        """
        self.replay, self.of, self.named = replay, of, named

    def best(self, node: Node, last: Node) -> Instead | None:
        """The form of the last value that has one which gains digits; None if none does.

        Args:
            node: what the operation to blame gave.
            last: the value that lacks digits.
        """
        found = [
            (end.number, form.digits, plain, -len(form.write), form)
            for end in self._ends(node, last)
            for form, plain in self._of(end)
        ]
        return max(found, key=lambda each: each[:-1])[-1] if found else None

    def _ends(self, node: Node, last: Node) -> Iterator[Node]:
        """The values that may be written in another way: it, those before and those after it."""
        after = (
            each
            for each in self.replay.trace.nodes[node.number :]
            if each.depends_on(node) and last.depends_on(each) and self._is_exact(each)
        )
        yield from islice(after, AFTER)
        yield from (each for each in node.inputs if self._is_exact(each))

    def _starts(self, end: Node) -> list[Node]:
        """The values of which another may be a function, the nearest first."""
        found: dict[int, Node] = {}
        waiting = list(end.inputs)
        while waiting and len(found) < NEAR:
            node = waiting.pop(0)
            if node.number not in found and self._is_exact(node) and node.value.size:
                found[node.number] = node
                waiting += node.inputs
        return list(found.values())

    def _is_exact(self, node: Node) -> bool:
        floats = isinstance(node.value, np.ndarray) and node.value.dtype.kind == "f"
        return floats and self.replay.exact(node) and bool(node.frames or node.given)

    def _of(self, end: Node) -> Iterator[tuple[Instead, bool]]:
        """The forms of a value that gain digits, and whether they are of variables alone."""
        if not end.frames or not end.value.size:
            return
        starts = self._starts(end)
        for z in starts:
            if z.value.shape == end.value.shape:
                for form in OF_ONE:
                    yield from self._gained(form, end, (z,))
                for y in starts:
                    if y is not z and y.value.shape == z.value.shape:
                        yield from self._gained(OF_TWO[0], end, (z, y))
            if z.value.ndim:
                for axis in AXES if z.value.ndim > 1 else (-1,):
                    for form in ALONG[axis]:
                        yield from self._gained(form, end, (z,))

    def _gained(self, form: Form, end: Node, of: Sequence[Node]) -> Iterator[tuple[Instead, bool]]:
        """The form, if it is the value and gains digits on the program's floats."""
        floats = [np.asarray(each.value) for each in of]
        whole = np.asarray(_tried(form.stable, floats))
        picked = self._picked(whole, end)
        made = _fitted(whole, end, picked)
        sign = 0 if made is None else self._sign(made, end)
        if made is None or not sign:
            return
        exact = _fitted(_tried(form.exact, [*map(self.replay.value, of)]), end, picked)
        right = _fitted(_tried(form.exact, [*map(to_exact, floats)]), end, picked)
        if exact is None or right is None:
            return
        if not all(_same(self._ball(end, i), sign * exact[i].ball) for i in self._entries(end)):
            return
        own = np.ravel(end.value)
        before, after = (
            max(relative_error(float(a[i]), sign * right[i].ball, self.of) for i in range(own.size))
            for a in (own, sign * made)
        )
        digits = round(float(np.log10(before / after)))
        signed: Callable[..., Array] = lambda *z: sign * form.stable(*z)  # noqa: E731
        if digits >= 1 and self._is_same_elsewhere(signed, end, of, picked):
            names = [*map(self.named, of)]
            said = dict(zip("zy", map(_grouped, names), strict=False))
            call = form.write if sign > 0 or _is_call(form.write) else f"({form.write})"
            beside = "" if picked is None else ", its entries picked"
            write = f"{'' if sign > 0 else '-'}{call}{beside}{form.beside}".format(**said)
            frame = end.frames[0]
            made_of = Instead(write, min(digits, self.of.digits), frame.file, frame.line)
            yield made_of, all(each.isidentifier() for each in names)

    def _is_same_elsewhere(
        self, form: Callable[..., Array], end: Node, of: Sequence[Node], picked: Array | None
    ) -> bool:
        """Whether a form is a value for other numbers too: where it saturates, several are."""
        rng = np.random.default_rng(0)
        given = {each.number: rng.uniform(0.1, 0.9, np.shape(each.value)) for each in of}
        made = _fitted(_tried(form, [*given.values()]), end, picked)
        way = self.replay.trace.nodes[min(given) : end.number + 1]
        values = recomputed(given, (each for each in way if end.depends_on(each)))
        if made is None or values is None:
            return False
        there = np.ravel(values.get(end.number, np.nan))
        return made.shape == there.shape and np.allclose(made, there)

    def _picked(self, whole: Array, end: Node) -> Array | None:
        """The columns that a value holds one entry of, row by row; None if it is no such value."""
        if whole.ndim != 2 or whole.shape[1] == 1 or end.value.shape != whole.shape[:1]:  # noqa: PLR2004 - a matrix
            return None
        wanted = np.array([float(self._ball(end, i).mid()) for i in range(len(whole))])
        far = np.abs(np.abs(whole) - np.abs(wanted)[:, None])
        return np.asarray(np.argmin(np.where(np.isfinite(far), far, np.inf), axis=1))

    def _sign(self, made: Array, end: Node) -> int:
        """1 or −1 if a form is nearly a value, or minus it; else 0."""
        entries = self._entries(end)
        wanted = np.array([float(self._ball(end, i).mid()) for i in entries])
        for sign in (1, -1):
            if np.all(np.abs(sign * made[entries] - wanted) <= NEARLY * np.abs(wanted)):
                return sign
        return 0

    def _entries(self, end: Node) -> list[int]:
        """Some entries, the one that is furthest off among them."""
        flat = np.ravel(end.value)
        off = [
            relative_error(float(flat[i]), self._ball(end, i), self.of) for i in range(flat.size)
        ]
        return list(dict.fromkeys((int(np.argmax(off)), *range(min(SEEN, flat.size)))))

    def _ball(self, node: Node, entry: int) -> Any:
        return np.ravel(self.replay.value(node))[entry].ball


def _is_call(write: str) -> bool:
    """Whether a source is one call, which needs no parentheses."""
    return re.fullmatch(r"np\.\w+\([^()]*\)", write) is not None


def _grouped(name: str) -> str:
    """An operand, in parentheses where it is an expression."""
    return name if re.fullmatch(r"[\w.]+(\[[^\[\]]*\])*", name) else f"({name})"


def relative_error(got: float, ball: Any, of: Format) -> float:
    """The relative error of a number of a format, between one unit and 1.

    Relative to the smallest normal float at least: what underflows rightly has lost nothing.
    """
    if not (np.isfinite(got) and ball.is_finite()):
        return 1.0
    apart = abs(flint.arb(got) - ball) / flint.arb.max(abs(ball), flint.arb(of.tiny))
    return min(max(float(apart.mid()), 2 * of.unit), 1.0)


def _tried(function: Callable[..., Any], args: Sequence[Any]) -> Any:
    """The result of a function; a number that fits nowhere if it does not take such arguments."""
    try:
        with np.errstate(all="ignore"):
            return function(*args)
    except (ArithmeticError, AttributeError, TypeError, ValueError, LeftExactError):
        return np.zeros((0, 2))


def _fitted(made: Any, end: Node, picked: Array | None = None) -> Array | None:
    """The numbers of a result, one after another, if it has as many as a value; else None."""
    array = np.asarray(made)
    if picked is not None and array.ndim:
        array = array[np.arange(len(picked)), picked]
    shape = tuple(n for n in array.shape if n > 1)
    return np.ravel(array) if shape == tuple(n for n in end.value.shape if n > 1) else None


def _same(one: Any, other: Any) -> bool:
    if not (one.is_finite() and other.is_finite()):
        return False
    return bool(abs(one - other).abs_upper() <= SAME * abs(other).abs_upper())
