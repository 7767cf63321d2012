"""The derivative of one operation. Left out: which rule fits an operation (`derive.py`)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from autograd.core import make_jvp, make_vjp, primitive_jvps, primitive_vjps

from conformance.backward.source import Operation
from conformance.tracing.node import Node, substituted
from reference.step import Array


class Derivative:
    """The derivative of an operation, as a linear map both ways."""

    def pull(self, cotangent: Array) -> list[Array | None]:
        """The contribution to the cotangent of each input."""
        raise NotImplementedError

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """The tangent of the result; None stands for a tangent of 0."""
        raise NotImplementedError

    def pull_all(self, cotangents: Array) -> list[Array | None]:
        """The same of several cotangents, along the first axis."""
        several = [self.pull(each) for each in cotangents]
        return [_stacked(each) for each in zip(*several, strict=True)]

    def push_all(self, tangents: Sequence[Array | None]) -> Array:
        """The same of several tangents, along the first axis; one of them is not None."""
        count = next(len(each) for each in tangents if each is not None)
        return np.stack(
            [self.push([e if e is None else e[i] for e in tangents]) for i in range(count)]
        )


class Moved(Derivative):
    """The derivative of an operation that moves numbers."""

    def __init__(self, sources: Array, shapes: Sequence[tuple[int, ...]]) -> None:
        """Take where each entry of the result came from, in all inputs one after another; or −1."""
        self.sources, self.shapes = sources, shapes
        self.sizes = [int(np.prod(each)) for each in shapes]

    def pull(self, cotangent: Array) -> list[Array | None]:
        """Each entry goes back to where it came from."""
        moved = self.sources >= 0
        total = np.bincount(
            self.sources[moved], weights=np.asarray(cotangent)[moved], minlength=sum(self.sizes)
        )
        found: list[Array | None] = []
        start = 0
        for size, shape in zip(self.sizes, self.shapes, strict=True):
            found.append(total[start : start + size].reshape(shape))
            start += size
        return found

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """Each tangent goes where its entry went."""
        whole = [
            np.zeros(size) if each is None else np.ravel(each)
            for each, size in zip(tangents, self.sizes, strict=True)
        ]
        numbers = np.concatenate([*whole, [0.0]])
        return np.asarray(numbers[self.sources])

    def push_all(self, tangents: Sequence[Array | None]) -> Array:
        """The same of several."""
        count = next(len(each) for each in tangents if each is not None)
        whole = [
            np.zeros((count, size)) if each is None else each.reshape(count, -1)
            for each, size in zip(tangents, self.sizes, strict=True)
        ]
        numbers = np.concatenate([*whole, np.zeros((count, 1))], axis=1)
        return np.asarray(numbers[:, self.sources])


class ByAutograd(Derivative):
    """The derivative of an operation that `autograd` differentiates."""

    def __init__(self, made: Operation, function: Any, values: Callable[[Node], Any]) -> None:
        self.made, self.function, self.values = made, function, values
        self.arrays = [values(each) for each in made.inputs]
        self._pulls: list[Any] = [None] * len(self.arrays)

    def _of(self, i: int) -> Callable[[Any], Any]:
        made = Operation(
            self.made.node, self.made.inputs, self.function, self.made.args, self.made.kwargs
        )

        def function(array: Any) -> Any:
            arrays = [*self.arrays]
            arrays[i] = array
            return made.at(arrays, self.values)

        return function

    def pull(self, cotangent: Array) -> list[Array | None]:
        """By its vector-Jacobian product."""
        found: list[Array | None] = []
        for i, array in enumerate(self.arrays):
            if self._pulls[i] is None:
                self._pulls[i] = make_vjp(self._of(i), array)[0]
            found.append(np.asarray(self._pulls[i](_like(cotangent, self.made.node.value))))
        return found

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """By its Jacobian-vector product."""
        total: Array = np.zeros(np.shape(self.made.node.value))
        for i, (array, tangent) in enumerate(zip(self.arrays, tangents, strict=True)):
            if tangent is not None:
                total = total + self._pushed(i, array, _like(tangent, array))
        return np.asarray(total)

    def _pushed(self, i: int, array: Any, tangent: Any) -> Any:
        """By autograd's rule, or where it has none, as the transpose of the other product."""
        try:
            return make_jvp(self._of(i), array)(tangent)[1]
        except NotImplementedError:
            zeros = np.zeros(np.shape(self.made.node.value))
            return make_vjp(make_vjp(self._of(i), array)[0], zeros)[0](tangent)


class Direct(Derivative):
    """The derivative of a primitive of `autograd` whose operands are its arguments one by one."""

    def __init__(self, made: Operation, function: Any, values: Callable[[Node], Any]) -> None:
        def value(node: Node) -> Any:
            return values(node)

        self.made = made
        self.places = [
            [i for i, arg in enumerate(made.args) if arg is node] for node in made.inputs
        ]
        args = (substituted(each, value) for each in made.args)
        self.args = tuple(np.asarray(e) if isinstance(e, list) else e for e in args)
        self.kwargs = {key: substituted(each, value) for key, each in made.kwargs.items()}
        self.function, self.answer = function, values(made.node)
        self.argnums = tuple(i for each in self.places for i in each)
        self._pull: Any = None

    def pull(self, cotangent: Array) -> list[Array | None]:
        """By its vector-Jacobian product."""
        if self._pull is None:
            maker = primitive_vjps[self.function]
            self._pull = maker(self.argnums, self.answer, self.args, self.kwargs)
        parts = dict(zip(self.argnums, self._pull(cotangent), strict=True))
        return [np.asarray(sum(parts[i] for i in each)) for each in self.places]

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """By its Jacobian-vector product."""
        pairs = [
            (i, each)
            for places, each in zip(self.places, tangents, strict=True)
            for i in places
            if each is not None
        ]
        if not pairs:
            return np.zeros(np.shape(self.answer))
        argnums, given = zip(*pairs, strict=True)
        rule = primitive_jvps[self.function]
        made = rule(argnums, given, self.answer, self.args, self.kwargs)
        return np.asarray(np.broadcast_to(made, np.shape(self.answer)))


class Elementwise(Derivative):
    """The derivative of a ufunc: of each operand an array of partial derivatives."""

    def __init__(self, made: Operation, partials: Sequence[Any]) -> None:
        """Take the partial derivatives by the arguments one by one, as they are spread."""
        self.shape = np.shape(made.node.value)
        self.shapes = [np.shape(each.value) for each in made.inputs]
        pairs = list(zip(made.args, partials, strict=True))
        self.partials = [
            sum(np.asarray(partial) for arg, partial in pairs if arg is each)
            for each in made.inputs
        ]
        self.finite = [bool(np.isfinite(each).all()) for each in self.partials]
        self.spread = any(each != self.shape for each in self.shapes)

    def pull(self, cotangent: Array) -> list[Array | None]:
        """By the partial derivatives, summed where the operand was spread."""
        return [_summed(self._times(i, cotangent), shape) for i, shape in enumerate(self.shapes)]

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """By the partial derivatives."""
        total: Array = np.zeros(self.shape)
        for i, tangent in enumerate(tangents):
            if tangent is not None:
                total = total + self._times(i, tangent)
        return total

    def pull_all(self, cotangents: Array) -> list[Array | None]:
        """The same of several."""
        products = [self._times(i, cotangents) for i in range(len(self.partials))]
        if not self.spread:
            return [*products]
        count = len(cotangents)
        return [
            _summed(each, (count, *_led(self.shape, shape))).reshape(count, *shape)
            for each, shape in zip(products, self.shapes, strict=True)
        ]

    def push_all(self, tangents: Sequence[Array | None]) -> Array:
        """The same of several."""
        total: Any = 0.0
        for i, (tangent, shape) in enumerate(zip(tangents, self.shapes, strict=True)):
            if tangent is not None:
                given = tangent.reshape(len(tangent), *_led(self.shape, shape))
                total = total + self._times(i, given)
        return np.asarray(total)

    def _times(self, i: int, given: Array) -> Array:
        """Partial derivatives times what is given; a 0 stays one: beside 1 / (1 + e^∞) too."""
        product = np.asarray(self.partials[i] * given)
        return product if self.finite[i] else np.where(given == 0, 0.0, product)


def _led(whole: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape with as many axes as another one has."""
    return (1,) * (len(whole) - len(shape)) + shape


def _stacked(arrays: Sequence[Array | None]) -> Array | None:
    found = [each for each in arrays if each is not None]
    return np.stack(found) if found else None


def _summed(array: Array, shape: tuple[int, ...]) -> Array:
    """An array summed over the axes along which one of a shape is spread."""
    if array.shape == shape:
        return array
    extra = array.ndim - len(shape)
    axes = tuple(range(extra)) + tuple(
        i + extra for i, n in enumerate(shape) if n == 1 and array.shape[i + extra] != 1
    )
    return np.asarray(array.sum(axis=axes).reshape(shape))


class ByEntries(Derivative):
    """The derivative of an operation as the matrix of its partial derivatives."""

    def __init__(self, made: Operation, matrices: Sequence[Array]) -> None:
        self.made, self.matrices = made, matrices  # each (result's size, input's size)

    def pull(self, cotangent: Array) -> list[Array | None]:
        """By the transposed matrix."""
        flat = np.ravel(cotangent)
        return [
            (flat @ matrix).reshape(np.shape(each.value))
            for matrix, each in zip(self.matrices, self.made.inputs, strict=True)
        ]

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """By the matrix."""
        total = np.zeros(self.made.node.value.size)
        for matrix, tangent in zip(self.matrices, tangents, strict=True):
            if tangent is not None:
                total = total + matrix @ np.ravel(tangent)
        return total.reshape(np.shape(self.made.node.value))


def _like(array: Any, model: Any) -> Any:
    """An array of the shape of another; a float where that is one."""
    return np.asarray(array, dtype=np.float64).reshape(np.shape(model))


class AddedAt(Derivative):
    """The derivative of `np.add.at`."""

    def __init__(self, made: Operation, values: Callable[[Node], Any]) -> None:
        before, key, *added = made.args
        self.made, self.values = made, values
        self.before, self.added = before, added[0]
        places = np.arange(made.node.value.size).reshape(made.node.value.shape)[key]
        shape = np.shape(self.added.value) if type(self.added) is Node else np.shape(self.added)
        own = np.arange(int(np.prod(shape))).reshape(shape)
        self.to, self.of = np.ravel(places), np.broadcast_to(own, places.shape).ravel()

    def pull(self, cotangent: Array) -> list[Array | None]:
        """What was added gets the entries where it went."""
        found: list[Array | None] = []
        for each in self.made.inputs:
            part = np.array(cotangent) if each is self.before else np.zeros(each.value.shape)
            if each is self.added:
                np.add.at(part.reshape(-1), self.of, np.ravel(cotangent)[self.to])
            found.append(part)
        return found

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """The tangents are added where their entries were."""
        total = np.zeros(self.made.node.value.shape)
        for each, tangent in zip(self.made.inputs, tangents, strict=True):
            if tangent is not None and each is self.before:
                total += tangent
            if tangent is not None and each is self.added:
                np.add.at(total.reshape(-1), self.to, np.ravel(tangent)[self.of])
        return total
