"""Functions of one argument, each with the one that gives its derivative: `relu`, `relu_prime`.

The second is given what the first is given, or what the first gives, as `a * (1 - a)`. The first
works on each entry by itself, or gives a number, such as a penalty. Left out: what goes backward
from an upstream gradient (`function_pairs.py`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.own_pass import examine_pass
from conformance.backward.recorded_pass import Goal, NotAGradientError, OwnPass, last_return
from conformance.programs.vocabulary import DERIVATIVES, bare, kinds_of
from conformance.running.quiet import quiet
from conformance.shapes.arguments import called, needed
from conformance.shapes.attempts import UnfitError, node_of, result_of
from conformance.shapes.found import Found, Recognised, of_step
from conformance.shapes.other_settings import ACTIVATIONS
from conformance.tracing.substitute import traced_program
from conformance.tracing.trace import Trace

SHAPES: tuple[tuple[int, ...], ...] = ((8, 6), (6,))
AFTER = re.compile(rf"prime|{DERIVATIVES}|deriv|der|backward|back|dash")
BEFORE = re.compile(rf"d|({DERIVATIVES}|deriv)(of|d[aeo]l?)?")
"""What stands after and before the name of a function in the name of its derivative."""
ENDS = re.compile(r"(cost|loss|error|objective)?(function|func|fn)?$")
"""What the name of the first may have beside that of the second: `ridge_cost`, `ridge_grad`."""
NAMES = {bare(each) for each in ACTIVATIONS}


@dataclass(frozen=True)
class DerivativeSearch:
    """A function and its derivative.

    Attributes:
        function: the first.
        prime: the second.
        problems: none: what does not run so may be something else.
    """

    function: FunctionType
    prime: FunctionType
    problems: tuple[str, ...] = ()

    def found(self, _cost: str | None, /) -> Found | None:
        """They, recognised and judged; None if they do not run.

        Only of an activation or a cost, by its name, it is said that its derivative is wrong: what
        another function is differentiated by may be something else than its argument.
        """
        wrong: Found | None = None
        for one_by_one, shape, of_output in product((False, True), SHAPES, (False, True)):
            try:
                found = self._judged(shape, of_output=of_output, one_by_one=one_by_one)
            except (UnfitError, NotAGradientError):
                continue
            if found.examined.ok:
                return found
            wrong = wrong or found
        name = bare(self.function.__name__)
        return wrong if name in NAMES or ENDS.search(name)[0] else None  # type: ignore[index]

    def _judged(self, shape: tuple[int, ...], *, of_output: bool, one_by_one: bool) -> Found:
        """They, judged with an argument of some shape.

        Args:
            shape: of it.
            of_output: whether the second is given what the first gives.
            one_by_one: whether they are given numbers, those of a vector.

        Raises:
            UnfitError: they do not run with it, or the first has other derivatives.
            NotAGradientError: nothing is told of the derivative.
        """
        way = partial(self._run, shape, of_output=of_output, one_by_one=one_by_one)
        step = way(other=False)
        examined = examine_pass(step)
        if any(each.dead for each in examined.gradients):
            raise NotAGradientError(f"{self.function.__name__} has the derivative 0")
        calls, name = (called(self.prime),), step.goals[0].name
        said = f"{name} {shape}" if shape else name
        recognised = Recognised(called(self.function), said, "", calls, "returned", (name,))
        found = Found(recognised, examined, (self.function.__name__, self.prime.__name__))
        return found.rerun(of_step(lambda other: way(other=other)))

    def _run(
        self, shape: tuple[int, ...], *, of_output: bool, one_by_one: bool, other: bool
    ) -> OwnPass:
        """A recorded run, with the numbers that are judged or with others; see `_judged`.

        Raises:
            UnfitError: they do not run with it, or the first has other derivatives.
        """
        trace, name = Trace(sites=True), needed(self.function)[0].name
        drawn = np.random.default_rng(10 if other else 9).normal(size=shape)
        with quiet(), traced_program(trace, self.function):
            given = trace.given(drawn, name)
            start = node_of(trace, given)  # the function may write into it
            out = _result(self.function, given, one_by_one=one_by_one)
            slope = _result(self.prime, out if of_output else given, one_by_one=one_by_one)
            if np.shape(slope) == () or np.asarray(slope).dtype.kind != "f":
                slope = slope * np.ones(shape)  # such as `z > 0`, or 1
            loss = node_of(trace, np.sum(out))
            goal = Goal(name, start, node_of(trace, slope))
        if np.shape(goal.node.value) != shape or not np.isfinite(loss.value):
            raise UnfitError(f"{self.prime.__name__}: it gives no derivative of each entry")
        entries = np.shape(out) == shape
        alone = one_by_one or np.size(out) == 1
        if not alone and not (entries and self._is_of_each_entry(drawn, np.asarray(out))):
            raise UnfitError(f"{self.function.__name__} is no function of each entry")
        back = last_return(self.prime)
        return OwnPass(trace, (goal,), loss=loss, promised=entries, returns=back)

    def _is_of_each_entry(self, drawn: Any, out: Any) -> bool:
        """Whether the function changes no other entry where one entry is another."""
        other = drawn.copy()
        other.flat[0] += 0.5
        with quiet():
            again = np.asarray(result_of(self.function, other))
        return bool(np.array_equal(np.ravel(out)[1:], np.ravel(again)[1:]))


def _result(function: FunctionType, given: Any, *, one_by_one: bool) -> Any:
    """What a function gives for an array, or for each number of a vector."""
    if not one_by_one:
        return result_of(function, given)
    if np.ndim(given) != 1:
        raise UnfitError("numbers are taken from a vector")
    return np.stack([result_of(function, given[i]) for i in range(len(given))])


def derivatives(functions: Sequence[FunctionType]) -> Iterator[DerivativeSearch]:
    """The functions of one argument with those that give their derivatives, by their names."""
    named = {bare(e.__name__): e for e in functions if len(needed(e)) == 1}
    known = {ENDS.sub("", name, 1): e for name, e in named.items()} | named
    for name, prime in named.items():
        ways = (e for i in range(1, len(name)) for e in _without_word(name[:i], name[i:]))
        others = (known[each] for each in ways if each in known)
        function = next((each for each in others if each is not prime), None)
        if function is not None and _is_of_the_same(function, prime):
            yield DerivativeSearch(function, prime)


def _without_word(first: str, rest: str) -> Iterator[str]:
    """The name of a function, where a word beside it says that it is of the derivative."""
    if AFTER.fullmatch(rest):
        yield first
    if BEFORE.fullmatch(first):
        yield rest


def _is_of_the_same(function: FunctionType, prime: FunctionType) -> bool:
    """Whether the second of two functions may be given what the first is given, or gives."""
    one, other = (needed(each)[0].name for each in (function, prime))
    return bare(one) == bare(other) or "upstream" not in kinds_of(other)
