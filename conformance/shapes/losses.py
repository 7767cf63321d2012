"""Losses of an output and a target that are judged alone, with what gives their gradient.

They are functions, one of which is named after the other, or methods of a class. Left out:
functions and layers with an output (`function_pairs.py`).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import numpy as np

from conformance.backward.own_pass import examine_pass
from conformance.backward.program import Goal, NotAGradientError, OwnPass
from conformance.running.quiet import quiet
from conformance.shapes.arguments import called, needed, taken
from conformance.shapes.example_data import Data, Sizes, example_data
from conformance.shapes.judging import Found, Recognised
from conformance.shapes.layers import called_itself
from conformance.shapes.run import UnfitError, node_of, tried
from conformance.shapes.vocabulary import bare, is_plain, is_role, kinds_of
from conformance.tracing.program import traced_program
from conformance.tracing.trace import Trace

PAIR = ("loss", "gradient")
LOSS = re.compile(r"loss|cost|entropy|nll|mse|hinge|error")


class _OtherError(UnfitError):
    """A gradient is that with respect to something else than the output."""


@dataclass(frozen=True)
class LossSearch:
    """A loss of an output and a target, and what gives its gradient.

    Attributes:
        name: of it.
        function: gives the loss, given the two; it may give the gradient beside it.
        prime: gives the gradient, given the two; None if the function does.
        make: makes the object that the two are methods of; None if they are functions.
        problems: none: what does not run as a loss is none.
    """

    name: str
    function: Any
    prime: Any
    make: Any = None
    problems: tuple[str, ...] = ()

    def found(self, _cost: str | None, /) -> Found | None:
        """It, recognised and judged; None if it does not run."""
        best: Found | None = None
        for turned in self._orders():
            for data in example_data(Sizes(), ("rows", "columns", "one column", "one vector")):
                try:
                    found = self._judged(data, turned=turned)
                except _OtherError:
                    return None
                except (UnfitError, NotAGradientError):
                    continue
                if found.examined.gradients[0].ok:
                    return found
                best = best or found
        return best

    def _orders(self) -> tuple[bool, ...]:
        """Whether the target comes first: as the names of the arguments tell, else either way."""
        function = self.function if self.make is None else getattr(self.make, self.function)
        names = [each.name for each in needed(function) if each.name != "self"]
        targets = ["targets" in kinds_of(each) for each in names]
        outputs = ["output" in kinds_of(each) for each in names]
        if len(names) != len(PAIR) or sum(targets) != 1:
            return (False, True)
        told = outputs[targets.index(False)] or not outputs[targets.index(True)]
        return (targets[0],) if told else (False, True)

    def _judged(self, data: Data, *, turned: bool) -> Found:
        step, calls = self._run(data, turned=turned)
        examined, (goal,) = examine_pass(step), step.goals
        if not examined.ok and self.prime is not None and _is_difference(goal, data.y):
            raise _OtherError(f"{self.name}: its gradient is that of what the output is made of")
        said, output = tuple(map(called, calls)), ("the output",)
        recognised = Recognised(self.name, data.layout, data.coding, said, "returned", output)
        used = tuple(getattr(each, "__name__", "") for each in calls)
        return Found(recognised, examined, used)

    def _run(self, data: Data, *, turned: bool) -> tuple[OwnPass, list[Any]]:
        """What it gives for drawn outputs, recorded, and what was called."""
        trace = Trace(sites=True)
        held = None if self.make is None else tried(self.make, [((), {})])
        function = self.function if held is None else getattr(held, self.function)
        drawn = np.random.default_rng(6).uniform(0.1, 0.9, size=data.output_shape)
        y = trace.given(data.y, "y") if np.asarray(data.y).dtype.kind == "f" else data.y
        with quiet(), traced_program(trace, function):
            output = trace.given(drawn, "output")
            pair = (y, output) if turned else (output, y)
            result = tried(function, [(pair, {})])
            beside = isinstance(result, tuple) and len(result) == len(PAIR)
            loss, gradient = result if beside else (result, None)
            node = node_of(trace, loss.mean() if np.size(loss) > 1 else loss)
            if self.prime is not None:
                gradient = self._gradient(held, pair, output)
            if not isinstance(gradient, np.ndarray) or gradient.size != output.size:
                raise UnfitError(f"{self.name}: no gradient of its first argument is found")
            goal = Goal("the output", node_of(trace, output), node_of(trace, gradient))
        if not node.depends_on(goal.parameter):
            raise UnfitError(f"{self.name} does not depend on the output")
        step = OwnPass(trace, (goal,), loss=node, promised=self.prime is None)
        return step, [function] if self.prime is None else [function, self._prime(held)]

    def _prime(self, held: Any) -> Any:
        return self.prime if held is None else getattr(held, self.prime)

    def _gradient(self, held: Any, pair: tuple[Any, Any], output: Any) -> Any:
        """What the second function gives, or the object keeps."""
        prime = self._prime(held)
        inner = getattr(held, "output", output)
        first = inner if isinstance(inner, np.ndarray) and inner.shape == output.shape else output
        given = tuple(first if each is output else each for each in pair)
        ways: list[tuple[Any, Any]] = [(given, {}), (pair, {}), ((), {}), ((pair[1],), {})]
        result = tried(prime, [way for way in ways if len(way[0]) == len(needed(prime))])
        if isinstance(result, np.ndarray) or held is None:
            return result
        kept = {
            k: e
            for k, e in vars(held).items()
            if isinstance(e, np.ndarray) and e.shape == output.shape
        }
        named = [e for k, e in kept.items() if re.match(r"d|grad", bare(k))]
        return named[-1] if named else None


def _is_difference(goal: Goal, y: Any) -> bool:
    """Whether a gradient is a positive multiple of output − target.

    It is the derivative of a cross-entropy with respect to what its softmax or sigmoid is given.
    """
    output, given = np.asarray(goal.parameter.value), np.asarray(goal.node.value)
    target = np.asarray(y)
    if target.shape != output.shape or given.shape != output.shape:
        return False
    apart = output - target
    factor = float(np.vdot(apart, given) / np.vdot(apart, apart))
    return factor > 0 and bool(np.allclose(given, factor * apart, rtol=1e-9, atol=0))


def loss_class(kind: type) -> LossSearch | None:
    """A class as a loss with its gradient; None if it is none."""
    names = [n for n in dir(kind) if callable(getattr(kind, n)) and is_plain(n)]
    ahead = [
        n
        for n in names
        if is_role(n, "loss") is not None or is_role(n, "forward") == 0 or bare(n) == "calculate"
    ] or called_itself(kind)
    back = [
        n
        for n in names
        if is_role(n, "backward") is not None or bare(n) in ("prime", "derivative", "delta")
    ]
    back = [n for n in back if len(needed(getattr(kind, n))) <= 3]  # noqa: PLR2004
    ends = any(len(needed(getattr(kind, n))) == 1 for n in back)  # given nothing, as no layer is
    two = [n for n in ahead if len(needed(getattr(kind, n))) == 3]  # noqa: PLR2004
    ahead = [n for n in two if ends or _compares(getattr(kind, n))]
    whole = [
        n
        for n in names
        if is_role(n, "forward") is not None and len(needed(getattr(kind, n))) == len(PAIR)
    ]
    if needed(kind) or not ahead or not back or whole:
        return None  # what goes forward from inputs alone is a network
    return LossSearch(kind.__name__, ahead[0], back[0], kind)


def _compares(function: Callable[..., Any]) -> bool:
    """Whether a method takes an output and a target."""
    return any("targets" in kinds_of(each.name) for each in taken(function))


def losses(functions: Sequence[FunctionType]) -> Iterator[LossSearch]:
    """The losses among functions that give their gradient, or have a partner that does."""
    named = {bare(each.__name__): each for each in functions}
    for name, function in named.items():
        if len(needed(function)) != 2:  # noqa: PLR2004 - an output and a target
            continue
        ends = ("prime", "derivative", "deriv", "grad", "gradient", "backward", "delta")
        prime = next((named[name + end] for end in ends if name + end in named), None)
        if prime is not None and len(needed(prime)) == 2:  # noqa: PLR2004
            yield LossSearch(function.__name__, function, prime)
        elif LOSS.search(name) and prime is None and _compares(function):
            yield LossSearch(function.__name__, function, None)
