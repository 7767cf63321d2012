"""The chain rule over recorded operations, both ways, and their evaluation on other values.

Left out: the derivative of one operation (`derive.py`).
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np

from conformance.backward.accurate import accurate
from conformance.backward.derive import derivative
from conformance.backward.rules import Derivative
from conformance.backward.source import MOVES, Operation, is_float, operation
from conformance.tracing.node import Node, substituted
from conformance.tracing.trace import Trace
from reference.step import Array

Arrays = dict[int, Array]
"""Arrays by the number of the node that they belong to."""

Derived = dict[Node, tuple[Operation, Derivative] | None]
Known = tuple[Derived, Derived, dict[int, str], dict[tuple[Node, Node], float]]
"""The derivatives of operations, those at the sizes of operands, why some are not known; shares."""

Rules = Mapping[int, Callable[[list[Any], dict[str, Any]], Any]]
"""What is computed from the arguments of a node, by its number."""


class Chain:
    """The recorded operations of a run.

    Attributes:
        nodes: of the run, in the order of time.
        values: of the nodes in float64, by their numbers.
        evaluated: how many operations were evaluated again.
        underived: the numbers of operations whose derivative is not known.
        asked: whether the sign of a parameter is asked for among so many nodes, as far as known.
        multiples: the products that may be terms of a gradient of a parameter, beside a loss.
        shares: how many times a gradient has a term of it.
        near: the same with other values of some parameters, and these; None if they do not fit.
    """

    def __init__(self, trace: Trace, *, ties: float = 0.5, anew: bool = False) -> None:
        """Take the values as they were recorded; all of them again if one is narrower.

        Args:
            trace: of the run.
            ties: what the first of equal numbers gets where one of them is chosen.
            anew: whether they are computed again in any case.
        """
        self.nodes: Sequence[Node] = trace.nodes
        self.ties, self.evaluated = ties, 0
        self.values: dict[int, Any] = {}
        self.asked: dict[tuple[Node, int], bool] = {}
        self.multiples: dict[tuple[Node, Node, Node | None], list[Node]] = {}
        self.near: dict[Any, tuple[Chain, Arrays] | None] = {}
        floats = [each for each in self.nodes if is_float(each)]
        self.narrow = any(each.value.dtype.itemsize < 8 for each in floats)  # noqa: PLR2004
        again = self.narrow or anew
        for node in self.nodes:
            self.values[node.number] = self._widened(node) if again else node.value
        if not again:
            self.values.update(accurate(trace))
        known: Known = {}, {}, {}, {}  # those of another of this trace, with the same values
        if not anew:
            known = trace.derived.setdefault((ties, self.narrow), known)
        self._derivatives, self._sized, self.underived, self.shares = known

    @cached_property
    def products(self) -> dict[tuple[int, ...], list[Node]]:
        """The products and quotients of floats, by their shapes."""
        found: dict[tuple[int, ...], list[Node]] = {}
        for each in self.nodes:
            if each.operation in ("multiply", "divide") and is_float(each):
                found.setdefault(each.value.shape, []).append(each)
        return found

    def change(self, values: Mapping[int, Any]) -> None:
        """Take other values of some nodes, before anything is differentiated."""
        self.values.update(values)
        self._derivatives, self._sized, self.underived, self.shares = {}, {}, {}, {}

    def _widened(self, node: Node) -> Any:
        """The value that an operation gives in float64."""
        if node.function is None or not is_float(node):
            return node.value.astype(np.float64) if is_float(node) else node.value
        made = np.asarray(self.evaluate(node, self.values))
        return made.astype(np.float64) if made.dtype.kind == "f" else made

    def value(self, node: Node) -> Any:
        """The value of a node; a number where the array has no axes."""
        found = self.values[node.number]
        return found[()] if isinstance(found, np.ndarray) and found.ndim == 0 else found

    def arguments(self, node: Node, instead: Mapping[int, Any]) -> tuple[list[Any], dict[str, Any]]:
        """The arguments of an operation where some nodes have other values."""

        def lookup(each: Node) -> Any:
            found = instead.get(each.number)
            if found is None:
                return self.value(each)
            return found[()] if isinstance(found, np.ndarray) and found.ndim == 0 else found

        args = [substituted(each, lookup) for each in node.args]
        return args, {key: substituted(each, lookup) for key, each in node.kwargs.items()}

    def evaluate(self, node: Node, instead: Mapping[int, Any]) -> Any:
        """What an operation gives where some nodes have other values."""
        args, kwargs = self.arguments(node, instead)
        if node.operation == "astype" and self.narrow and is_float(node):
            return args[0]
        assert node.function is not None  # noqa: S101 - constants are never evaluated
        with np.errstate(all="ignore"):
            made = node.function(*args, **kwargs)
        if node.replaces is not None and np.ndim(made) < np.ndim(node.value):
            return np.broadcast_to(made, np.shape(node.value))  # it is spread over `out`
        return made

    def after(
        self, changed: Mapping[int, Any], wanted: Iterable[Node], rules: Rules | None = None
    ) -> Arrays:
        """The values of nodes after others were changed: only what depends on these is evaluated.

        Args:
            changed: other values of some nodes.
            wanted: the nodes.
            rules: what some nodes are computed by instead, from their arguments.

        Raises:
            ValueError: an operation does not accept a value of that shape; so does any operation.
        """
        wanted, rules = list(wanted), rules or {}
        bits, needed = 0, 0
        for number in (*changed, *rules):
            bits |= 1 << number
        for each in wanted:
            needed |= each.uses
        now: dict[int, Any] = dict(changed)
        last = max(each.number for each in wanted)
        for node in self.nodes[min((*changed, *rules)) : last + 1]:
            if node.number in now or not needed >> node.number & 1 or not node.uses & bits:
                continue
            rule = rules.get(node.number)
            if rule is None and node.function is None:
                continue  # such as a gradient that is not there: its value is as it is
            self.evaluated += 1
            if rule is None:
                now[node.number] = kept(node, self.evaluate(node, now))
            else:
                with np.errstate(all="ignore"):
                    now[node.number] = kept(node, rule(*self.arguments(node, now)))
        return {each.number: now.get(each.number, self.values[each.number]) for each in wanted}

    def derivative(self, node: Node) -> tuple[Operation, Derivative] | None:
        """The operation that computed a node, and its derivative; None of a constant."""
        if node not in self._derivatives:
            made = operation(node)
            found = None
            if made is not None and made.inputs:
                with np.errstate(all="ignore"):
                    found = self._derived(made)
            self._derivatives[node] = found
        return self._derivatives[node]

    def _derived(self, made: Operation) -> tuple[Operation, Derivative] | None:
        try:
            with _without_warnings():
                return made, derivative(made, self.value, self.ties)
        except NotImplementedError as error:
            self.underived[made.node.number] = str(error)
            return None

    def sizes(self, consumer: Node, node: Node, sizes: Array) -> Array | None:
        """Σ |terms| of what an operation adds to the cotangent of an operand; None if not known.

        Args:
            consumer: what it computed.
            node: the operand.
            sizes: of the consumer's cotangent.
        """
        if consumer not in self._sized:
            self._sized[consumer] = self._sizing(consumer)
        found = self._sized[consumer]
        if found is None:
            return None
        made, rule = found
        with np.errstate(all="ignore"), _without_warnings():
            parts = zip(made.inputs, rule.pull(sizes), strict=True)
            part = next((part for each, part in parts if each is node), None)
        shape = np.shape(node.value)
        return None if part is None else np.asarray(np.abs(_fitted(part[None], (1, *shape))[0]))

    def _sizing(self, consumer: Node) -> tuple[Operation, Derivative] | None:
        """An operation, and its derivative at the sizes of its operands; None if that is no use."""
        made = operation(consumer)
        if made is None or consumer.operation not in (*MOVES, *OF_TERMS):
            return None
        try:
            with np.errstate(all="ignore"), _without_warnings():
                return made, derivative(made, self._size, self.ties)
        except (NotImplementedError, TypeError, ValueError):
            return None

    def _size(self, node: Node) -> Any:
        """The absolute value of a node."""
        return np.abs(self.value(node))

    def reverse(
        self,
        seeds: Arrays,
        among: Callable[[Node], bool],
        cut: frozenset[int] = frozenset(),
        note: Callable[[Node, Node, Array], None] | None = None,
        change: Callable[[Node, Node, Array], Array] | None = None,
    ) -> Arrays:
        """The cotangents of every node, several along the first axis, from those of some nodes.

        Args:
            seeds: where it starts.
            among: the nodes that are passed through.
            cut: nodes that get a cotangent and pass none on.
            note: is told the consumer, the node and the contribution, each time.
            change: gives what is taken instead of a contribution, of the same.
        """
        with np.errstate(all="ignore"), _without_warnings():
            return self._reverse(seeds, among, cut, note, change)

    def _reverse(
        self,
        seeds: Arrays,
        among: Callable[[Node], bool],
        cut: frozenset[int],
        note: Callable[[Node, Node, Array], None] | None,
        change: Callable[[Node, Node, Array], Array] | None,
    ) -> Arrays:
        total: Arrays = {number: np.array(each, np.float64) for number, each in seeds.items()}
        for node in reversed(self.nodes[: max(seeds) + 1]):
            if node.number not in total or node.number in cut or not among(node):
                continue
            found = self.derivative(node)
            if found is None:
                continue
            made, rule = found
            parts = rule.pull_all(total[node.number])
            for each, part in zip(made.inputs, parts, strict=True):
                if part is None or not among(each):
                    continue
                shaped = _fitted(part, (len(part), *np.shape(self.values[each.number])))
                if change is not None:
                    shaped = change(node, each, shaped)
                if note is not None:
                    note(node, each, shaped)
                before = total.get(each.number)
                total[each.number] = shaped if before is None else before + shaped
        return total

    def forward(
        self,
        seeds: Arrays,
        among: Iterable[Node],
        cut: frozenset[tuple[int, int | None]] = frozenset(),
    ) -> Arrays:
        """The tangents of every node, several along the first axis, from those of some nodes.

        Args:
            seeds: where it starts.
            among: the nodes that are passed through, in the order of time.
            cut: pairs of a node and a consumer that it passes no tangent on to; of a node and None
                where it passes it on to nobody.
        """
        total: Arrays = dict(seeds)
        for node in among:
            found = None if node.number in total else self.derivative(node)
            if found is None:
                continue
            made, rule = found
            given = [
                None
                if (e.number, None) in cut or (e.number, node.number) in cut
                else total.get(e.number)
                for e in made.inputs
            ]
            if any(each is not None for each in given):
                with np.errstate(all="ignore"), _without_warnings():
                    made_of = rule.push_all(given)
                total[node.number] = _fitted(made_of, (len(made_of), *np.shape(node.value)))
        return total


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Leave out that a result does not depend on an operand."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


OF_TERMS = ("matmul", "dot", "multiply", "add", "subtract", "einsum", "tensordot", "outer", "inner")
"""Operations whose derivative is a sum of products of what they are given."""


def kept(node: Node, value: Any) -> Any:
    """What stands for a node: floats, if that it was, also where a function of Python gives others.

    Raises:
        ValueError: it gives no numbers; so does TypeError.
    """
    if isinstance(value, list | tuple):
        return value
    array = np.asarray(value)
    return array.astype(float) if array.dtype.hasobject and is_float(node) else array


def _fitted(part: Array, shape: tuple[int, ...]) -> Array:
    """A contribution in the shape of the node that it belongs to."""
    part = np.asarray(part, dtype=np.float64)
    if part.shape == shape:
        return part
    if part.size == int(np.prod(shape)):
        return part.reshape(shape)
    return np.broadcast_to(part, shape)
