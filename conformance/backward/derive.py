"""The derivative of one recorded operation, at the values that it was given.

Three rules, the first that fits. An operation that only moves numbers (indexing, reshaping,
stacking, a write into an array) is applied to the places of its operands: what comes out says where
each entry came from. What HIPS `autograd` differentiates, it does. Anything else is differentiated
entry by entry: on balls by a step that is far below every digit, in floats where balls do not go.

Left out: the chain rule over many operations (`chain.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from autograd import numpy as anp
from autograd.core import make_jvp, make_vjp, primitive_jvps, primitive_vjps

from conformance.arithmetic.balls import precision
from conformance.arithmetic.exact import Exact, to_exact
from conformance.tracing.trace import FILLED, Node, part_of, substituted
from reference.step import Array

MOVES = frozenset(
    {
        "getitem", FILLED, "reshape", "ravel", "flatten", "transpose", "swapaxes", "moveaxis",
        "rollaxis", "squeeze", "expand_dims", "diagonal", "diag", "diagflat", "repeat", "tile",
        "take", "take_along_axis", "flip", "fliplr", "flipud", "roll", "rot90", "broadcast_to",
        "concatenate", "vstack", "hstack", "stack", "column_stack", "dstack", "block", "append",
        "array", "asarray", "asanyarray", "ascontiguousarray", "fromiter", "copy", "atleast_1d",
        "atleast_2d", "atleast_3d", "where", "choose", "select", "compress", "copyto", "put",
        "place", "putmask", "fill_diagonal", "put_along_axis", "pad", "split", "array_split",
        "hsplit", "vsplit", "sliding_window_view", "as_strided", "astype", "tril", "triu",
        "insert", "delete", "positive", "conj", "conjugate", "real", "unstack", "broadcast_arrays",
        "matrix_transpose", "permute_dims", "concat", "resize", "taken", "returned",
    }
)  # fmt: skip
"""Operations that move numbers and compute none."""

REDUCED = {
    "add.reduce": "sum", "multiply.reduce": "prod", "maximum.reduce": "max",
    "minimum.reduce": "min", "add.accumulate": "cumsum",
}  # fmt: skip
"""What `ufunc.reduce` is called as a function."""

ALIASES = {"amax": "max", "amin": "min", "absolute": "abs", "norm": "linalg.norm"}
FAR = 2.0**40  # farther than any place in an array
STEP_BITS, BITS = 120, 500
FEW = 400  # entries, up to which an operation is differentiated one by one
HALVED = 6.0e-6  # the cube root of 2⁻⁵³: the step of a central difference in floats
CLOSE = 1e-3  # a rule that is wrong is wrong by much; a difference near a kink is not exact


def _variance(
    a: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False, power: float = 1
) -> Any:
    apart = a - anp.mean(a, axis=axis, keepdims=True)
    squares = anp.sum(apart * apart, axis=axis, keepdims=keepdims)
    return (squares / (a.size / max(np.size(squares), 1) - ddof)) ** power


COMPOSED: dict[str, Callable[..., Any]] = {
    "var": _variance,
    "std": lambda a, axis=None, **options: _variance(a, axis, power=0.5, **options),
}
"""Functions in terms of others, where autograd's own rules fail."""


@dataclass(eq=False)
class Operation:
    """A recorded operation as a function of some of its operands.

    Attributes:
        node: what it computed.
        inputs: the operands that are floats.
        function: of the arrays in the place of the inputs.
        args: with nodes in the place of the inputs.
        kwargs: the same by their names.
    """

    node: Node
    inputs: tuple[Node, ...]
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def at(self, arrays: Sequence[Any], values: Callable[[Node], Any]) -> Any:
        """Its result with other arrays in the place of the inputs."""
        instead = dict(zip((each.number for each in self.inputs), arrays, strict=True))

        def lookup(node: Node) -> Any:
            return instead[node.number] if node.number in instead else values(node)

        args = [substituted(each, lookup) for each in self.args]
        kwargs = {key: substituted(each, lookup) for key, each in self.kwargs.items()}
        return self.function(*args, **kwargs)


def is_float(node: Node) -> bool:
    """Whether a node holds floats."""
    return isinstance(node.value, np.ndarray | np.generic) and node.value.dtype.kind == "f"


def operation(node: Node) -> Operation | None:
    """What computed a node, of its float operands; None for what nothing computed."""
    if node.function is None or not is_float(node):
        return None
    if node.function is part_of:  # one of several results: of what was given to the whole
        whole, i = node.args
        inner = whole.function

        def part(*args: Any, **kwargs: Any) -> Any:
            return inner(*args, **kwargs)[i]

        inputs = tuple(each for each in whole.inputs if is_float(each))
        return Operation(node, inputs, part, whole.args, whole.kwargs)
    inputs = tuple(each for each in node.inputs if is_float(each))
    return Operation(node, inputs, node.function, node.args, node.kwargs)


class Derivative:
    """The derivative of an operation, as a linear map both ways."""

    def pull(self, cotangent: Array) -> list[Array | None]:
        """The contribution to the cotangent of each input."""
        raise NotImplementedError

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """The tangent of the result; None stands for a tangent of 0."""
        raise NotImplementedError


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
        parts = np.split(total, np.cumsum(self.sizes)[:-1])
        return [each.reshape(shape) for each, shape in zip(parts, self.shapes, strict=True)]

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """Each tangent goes where its entry went."""
        whole = [
            np.zeros(size) if each is None else np.ravel(each)
            for each, size in zip(tangents, self.sizes, strict=True)
        ]
        numbers = np.concatenate([*whole, [0.0]])
        return np.asarray(numbers[self.sources])


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
                total = total + make_jvp(self._of(i), array)(_like(tangent, array))[1]
        return np.asarray(total)


class Direct(Derivative):
    """The derivative of a primitive of `autograd` whose operands are its arguments one by one."""

    def __init__(self, made: Operation, function: Any, values: Callable[[Node], Any]) -> None:
        def value(node: Node) -> Any:
            return values(node)

        self.made = made
        self.places = [
            [i for i, arg in enumerate(made.args) if arg is node] for node in made.inputs
        ]
        self.args = tuple(substituted(each, value) for each in made.args)
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

    def __init__(self, made: Operation, function: Any, values: Callable[[Node], Any]) -> None:
        self.shape = np.shape(made.node.value)
        self.shapes = [np.shape(each.value) for each in made.inputs]
        args = [values(each) if type(each) is Node else each for each in made.args]
        spread = tuple(np.broadcast_to(each, self.shape) for each in args)
        places = tuple(range(len(args)))
        pulls = primitive_vjps[function](places, values(made.node), spread, {})(np.ones(self.shape))
        self.partials = [
            sum(np.asarray(pulls[i]) for i in places if made.args[i] is each)
            for each in made.inputs
        ]

    def pull(self, cotangent: Array) -> list[Array | None]:
        """By the partial derivatives, summed where the operand was spread."""
        return [
            _summed(cotangent * partial, shape)
            for partial, shape in zip(self.partials, self.shapes, strict=True)
        ]

    def push(self, tangents: Sequence[Array | None]) -> Array:
        """By the partial derivatives."""
        total: Array = np.zeros(self.shape)
        for partial, tangent in zip(self.partials, tangents, strict=True):
            if tangent is not None:
                total = total + partial * tangent
        return total


class Kink(Elementwise):
    """The derivative of `maximum` or `minimum` where some operands are equal."""

    def __init__(self, made: Operation, values: Callable[[Node], Any], ties: float) -> None:
        self.shape = np.shape(made.node.value)
        self.shapes = [np.shape(each.value) for each in made.inputs]
        one, other = (values(e) if type(e) is Node else e for e in made.args[:2])
        first = np.greater(one, other) if made.node.operation == "maximum" else np.less(one, other)
        share = np.where(np.equal(one, other), ties, first.astype(np.float64))
        own = {0: np.broadcast_to(share, self.shape), 1: np.broadcast_to(1 - share, self.shape)}
        self.partials = [
            sum(own[i] for i, arg in enumerate(made.args[:2]) if arg is each)
            for each in made.inputs
        ]


def tied(node: Node, values: Callable[[Node], Any]) -> bool:
    """Whether an operation that chooses among numbers is given equal ones."""
    if node.operation in ("maximum", "minimum"):
        one, other = (values(e) if type(e) is Node else e for e in node.args[:2])
        return bool(np.any(np.equal(one, other)))
    return False


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


def derivative(made: Operation, values: Callable[[Node], Any], ties: float = 0.5) -> Derivative:
    """The derivative of an operation at the values of its operands.

    Args:
        made: the operation.
        values: of the operands.
        ties: what the first operand of `maximum` gets where both are equal.

    Raises:
        NotImplementedError: it is not known, and the operands are too large for entry by entry.
    """
    if made.node.operation in MOVES or made.node.function is part_of:
        moved = _moved(made, values)
        if moved is not None:
            return moved
    if made.node.operation == "add.at":
        return _AddedAt(made, values)
    if made.node.operation in ("maximum", "minimum") and tied(made.node, values):
        return Kink(made, values, ties)
    function = _of_autograd(made)
    if function is not None:
        found: Derivative = ByAutograd(made, function, values)
        if _direct(made) and function in primitive_vjps:
            if isinstance(made.node.function, np.ufunc) and made.node.operation != "matmul":
                found = _elementwise(made, function, values) or found
            elif function in primitive_jvps:
                found = Direct(made, function, values)
        if _trusted(found, made, values):
            return found
    return by_entries(made, values)


def _elementwise(
    made: Operation, function: Any, values: Callable[[Node], Any]
) -> Elementwise | None:
    if made.kwargs or any(isinstance(each, list | tuple) for each in made.args):
        return None
    return Elementwise(made, function, values)


def _trusted(rule: Derivative, made: Operation, values: Callable[[Node], Any]) -> bool:
    """Whether a rule agrees with itself both ways and with a difference of the operation."""
    rng = np.random.default_rng(made.node.number)
    arrays = [np.asarray(values(each), dtype=np.float64) for each in made.inputs]
    tangents = [rng.normal(size=each.shape) for each in arrays]
    cotangent = rng.normal(size=np.shape(made.node.value))
    try:
        pushed = float(np.vdot(cotangent, rule.push(tangents)))
        parts = zip(rule.pull(cotangent), tangents, strict=True)
        pulled = sum(float(np.vdot(part, each)) for part, each in parts if part is not None)
    except (NotImplementedError, NameError, TypeError, ValueError, IndexError, KeyError):
        return False  # autograd does not know the operation, or not with these arguments
    step = HALVED * max((float(np.max(np.abs(e), initial=0.0)) for e in arrays), default=1.0)
    ends = [
        made.at([_scalar(a + s * t) for a, t in zip(arrays, tangents, strict=True)], values)
        for s in (step, -step)
    ]
    slope = float(np.vdot(cotangent, (np.asarray(ends[0]) - np.asarray(ends[1])) / (2 * step)))
    scale = 1 + abs(pushed) + float(np.abs(cotangent).sum())
    if not np.isfinite(slope):
        return bool(abs(pushed - pulled) <= CLOSE * scale)
    return bool(abs(pushed - pulled) <= CLOSE * scale and abs(pushed - slope) <= CLOSE * scale)


def _direct(made: Operation) -> bool:
    """Whether every operand is an argument by itself."""
    return all(any(arg is each for arg in made.args) for each in made.inputs) and not any(
        type(each) is Node for each in made.kwargs.values()
    )


class _AddedAt(Derivative):
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


def _moved(made: Operation, values: Callable[[Node], Any]) -> Moved | None:
    """Where the entries of a result came from; None if they were not only moved."""
    shapes = [np.shape(each.value) for each in made.inputs]
    start, places = 0, []
    for shape in shapes:
        size = int(np.prod(shape))
        places.append(np.arange(start, start + size, dtype=np.float64).reshape(shape))
        start += size
    if start == 0:
        return None
    near = np.asarray(made.at(places, values), dtype=np.float64)
    far = np.asarray(made.at([each + FAR for each in places], values), dtype=np.float64)
    if near.shape != np.shape(made.node.value):
        return None
    sources = np.where(far - near == FAR, near, -1).astype(np.int64)
    numbers = np.concatenate([*(np.ravel(values(each)) for each in made.inputs), [0.0]])
    moved = sources >= 0
    same = np.asarray(made.node.value)[moved] == numbers[sources][moved]
    narrowed = made.node.operation == "astype" or made.node.value.dtype != np.float64
    return Moved(sources, shapes) if narrowed or bool(np.all(same)) else None


def _of_autograd(made: Operation) -> Any:
    """The function of `autograd` that computes the same; None if it has none."""
    name = made.node.operation
    if "." in name and name not in REDUCED:
        return None
    if "where" in made.kwargs or made.kwargs.get("initial") is not None:
        return None
    if name in COMPOSED:
        return COMPOSED[name]
    plain = REDUCED.get(name, ALIASES.get(name, name))
    found: Any = anp
    for part in plain.split("."):
        found = getattr(found, part, None)
    if found is None or name == "round":
        return None
    if name in REDUCED:
        made.kwargs = {"axis": 0, **made.kwargs}
        return found
    made.kwargs = {
        key: each for key, each in made.kwargs.items() if each is not None or key == "axis"
    }
    return found


def by_entries(made: Operation, values: Callable[[Node], Any]) -> ByEntries:
    """The partial derivatives of an operation, entry by entry.

    Raises:
        NotImplementedError: too many entries.
    """
    arrays = [np.asarray(values(each), dtype=np.float64) for each in made.inputs]
    if sum(each.size for each in arrays) > FEW:
        raise NotImplementedError(made.node.operation)
    try:
        with precision(BITS):
            return ByEntries(made, _exact_matrices(made, arrays, values))
    except (TypeError, AttributeError, ValueError, ArithmeticError, IndexError):
        return ByEntries(made, _float_matrices(made, arrays, values))


def _exact_matrices(
    made: Operation, arrays: list[Array], values: Callable[[Node], Any]
) -> list[Array]:
    exact = [to_exact(each) for each in arrays]
    step = to_exact(2.0**-STEP_BITS)[()]

    def moved(k: int, i: int, by: Any) -> Array:
        changed = [each.copy() for each in exact]
        changed[k].reshape(-1)[i] = changed[k].reshape(-1)[i] + by
        return np.asarray(made.at([_scalar(each) for each in changed], values), dtype=object)

    def column(k: int, i: int) -> list[float]:
        slope = (moved(k, i, step) - moved(k, i, -step)) / (2 * step)
        return [float(each.ball.mid()) if type(each) is Exact else 0.0 for each in slope.flat]

    return [
        np.array([column(k, i) for i in range(each.size)], dtype=np.float64).T
        for k, each in enumerate(arrays)
    ]


def _scalar(array: Array) -> Any:
    return array[()] if array.ndim == 0 else array


def _float_matrices(
    made: Operation, arrays: list[Array], values: Callable[[Node], Any]
) -> list[Array]:
    def moved(k: int, i: int, by: float) -> Array:
        changed = [each.copy() for each in arrays]
        changed[k].reshape(-1)[i] += by
        return np.ravel(np.asarray(made.at(changed, values), dtype=np.float64))

    def column(k: int, i: int) -> Array:
        h = HALVED * max(1.0, abs(float(arrays[k].reshape(-1)[i])))
        return np.asarray((moved(k, i, h) - moved(k, i, -h)) / (2 * h))

    return [
        np.array([column(k, i) for i in range(each.size)]).reshape(each.size, -1).T
        for k, each in enumerate(arrays)
    ]
