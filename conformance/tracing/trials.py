"""What an operation should have given, by the equation of a quantity: each value that fits it.

Arrays of exact numbers are found again in any layout. Left out: whether one of the values mends the
quantity (`repair.py`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from conformance.arithmetic.exact import to_exact
from conformance.tracing.arranging import is_handed
from conformance.tracing.executions import END, beside, handed_out
from conformance.tracing.index import Location, as_floats
from conformance.tracing.node import Node
from conformance.tracing.trace import Trace
from reference.step import Array


class Known:
    """Arrays of exact numbers, found again in any layout."""

    def __init__(self, arrays: Iterable[Array]) -> None:
        """Know some arrays of exact numbers."""
        filled = [array for array in arrays if array.size]
        self._known = set(map(_numbers, filled))
        self._straight = set(map(_straight, filled))
        self._in_order = {_in_order(each) for array in filled for each in (array, array.T)}

    def __bool__(self) -> bool:
        """Whether any array is known."""
        return bool(self._known)

    def holds(self, array: Array) -> bool:
        """Whether an array is known as it is, not turned; or in another shape, in its order."""
        square = array.ndim == 2 and array.shape[0] == array.shape[1] > 1  # noqa: PLR2004
        if square:
            return _straight(array) in self._straight
        return array.size > 0 and _in_order(array) in self._in_order

    def __contains__(self, array: Array) -> bool:
        """Whether its numbers are those of an array that is known, in any order."""
        return array.size > 0 and _numbers(array) in self._known


def _numbers(array: Array) -> tuple[float, ...]:
    return tuple(sorted(as_floats(array).ravel().tolist()))


def _in_order(array: Array) -> tuple[float, ...]:
    return tuple(as_floats(array).ravel().tolist())


def _straight(array: Array) -> tuple[Any, ...]:
    return (array.shape, *as_floats(array).ravel().tolist())


@dataclass(frozen=True, eq=False)
class Step:
    """An operation of an equation: its name, its operands and its result, exact.

    Attributes:
        whole: whether all that enters the equation enters it.
        final: whether the result is the quantity, or a factor of it.
        negated: whether it is that of an equation, turned in its sign: it mends a sum in the place
            of a difference, and does not rightly appear.
    """

    operation: str
    operands: tuple[Array, ...]
    result: Array
    whole: bool = False
    final: bool = False
    negated: bool = False


class Equation(Protocol):
    """What an equation gives.

    Attributes:
        wanted: the quantity.
        samples: the bits of the nodes of each sample.
        before: the bits of the nodes of the quantities that enter it.
        own: the program's quantities before it.
        parameters: the weights and biases that enter it, each alone.
    """

    @property
    def parameters(self) -> Sequence[Known]: ...  # noqa: D102

    @property
    def own(self) -> Known: ...  # noqa: D102
    @property
    def wanted(self) -> Array: ...  # noqa: D102
    @property
    def samples(self) -> Sequence[int]: ...  # noqa: D102
    @property
    def before(self) -> int: ...  # noqa: D102

    def has(self, value: Array) -> bool:
        """Whether a value may rightly appear on the way to the quantity."""

    def of(self, samples: tuple[int, ...]) -> Array:
        """The quantity of some samples alone; a gradient is their sum."""

    def steps(self, samples: tuple[int, ...]) -> Sequence[Step]:
        """What it gives on the way to the quantity, of some samples alone."""


class Trials:
    """The values that operations of one run may have had to give."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace

    def of(
        self, executions: Sequence[Node], at: Location, equation: Equation
    ) -> Iterator[tuple[Step, dict[int, Array]]]:
        """Each value of the equation that an operation may have had to give, in each execution."""
        owners = [samples_of(node, equation.samples) for node in executions]
        yield from self._tried(executions, owners, equation)
        if len(executions) == len(at.numbers) == 1:
            yield from self._placed(executions[0], at, equation)
        whole = tuple(range(len(equation.samples)))
        if owners[-1] != whole:  # one array of all, made of some alone
            yield from self._tried(executions[-1:], [whole], equation)
        elif len(executions) == 1 < len(whole):
            yield from self._beside(executions[0], equation)

    def _beside(self, node: Node, equation: Equation) -> Iterator[tuple[Step, dict[int, Array]]]:
        """Values of the single samples one beside the other, such as their gradients in a stack."""
        every = (equation.steps((i,)) for i in range(len(equation.samples)))
        for steps in zip(*every, strict=False):
            for given in beside([each.result for each in steps], np.shape(node.value)):
                yield steps[0], {node.number: given}

    def _placed(
        self, node: Node, at: Location, equation: Equation
    ) -> Iterator[tuple[Step, dict[int, Array]]]:
        """Values where a larger array has the quantity, such as a vector of all parameters."""
        holder, shape = self.trace.nodes[at.numbers[0]], at.nodes.shape
        if np.shape(node.value) != np.shape(holder.value) or np.size(node.value) <= at.nodes.size:
            return
        for step in equation.steps(tuple(range(len(equation.samples)))):
            if step.result.shape == shape:
                made = np.array(to_exact(node.value))
                made.reshape(-1)[at.places] = step.result
                yield step, {node.number: made}

    def _tried(
        self,
        executions: Sequence[Node],
        owners: Sequence[tuple[int, ...]],
        equation: Equation,
    ) -> Iterator[tuple[Step, dict[int, Array]]]:
        known = {each: equation.steps(each) for each in dict.fromkeys(owners)}
        handed = all(map(is_handed, executions))
        for kind, step in enumerate(known[owners[0]]):
            if any(kind >= len(steps) for steps in known.values()) or (handed and step.operation):
                continue
            for turned in range(END + 1):
                values = {each: steps[kind].result for each, steps in known.items()}
                given = handed_out(executions, owners, values, turned)
                if given is not None:
                    yield step, given


def samples_of(node: Node, samples: Sequence[int]) -> tuple[int, ...]:
    """The samples that an operation was computed from."""
    return tuple(i for i, bits in enumerate(samples) if node.uses & bits)
