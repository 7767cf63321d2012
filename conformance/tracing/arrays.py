"""Arrays and numbers that note in a trace what is done with them.

Every operation is computed on plain arrays, so each result is bit for bit what the program computes
without us. Left out: what a trace is (`trace.py`), what NumPy hands to nobody (`substitute.py`).
"""

from collections.abc import Callable, Iterator
from functools import cache
from operator import add, floordiv, mod, mul, neg, pos, sub, truediv
from operator import pow as power
from typing import Any

import numpy as np

from conformance.arithmetic.balls import is_balls
from conformance.tracing.memory import Memory, owner_of, place
from conformance.tracing.node import Node, flat
from conformance.tracing.special import KNOWN
from conformance.tracing.trace import Trace
from reference.step import Array

VIEWS = ("reshape", "ravel", "transpose", "swapaxes", "squeeze", "diagonal")
"""Methods whose result may share the memory of their array."""

METHODS = (
    *VIEWS, "flatten", "copy", "repeat", "take", "cumsum", "cumprod", "prod", "sum", "mean", "std",
    "var", "max", "min", "clip", "trace", "dot", "round", "conj", "conjugate", "compress",
    "choose", "astype", "argmax", "argmin", "argsort", "nonzero", "all", "any",
)  # fmt: skip
"""Methods that give a new array or number."""

MUTATING = ("copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis")
"""Functions of NumPy that write into their first argument."""


FEW = 512  # numbers for each of which a function of Python is followed


class Traced(np.ndarray[Any, Any]):
    """An array that notes what is done with it."""

    tracer: Trace | None
    node: Node | None
    memory: Memory | None
    version: int
    original: Any

    def __array_finalize__(self, parent: object) -> None:
        """A view that NumPy makes belongs to the trace; its numbers are looked for when needed."""
        self.tracer = getattr(parent, "tracer", None)
        self.node, self.memory, self.version = None, None, -1
        objects = self.dtype.hasobject and not getattr(parent, "dtype", self.dtype).hasobject
        self.original = parent if objects else None

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compute with plain arrays and note the result."""
        return _apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        """Compute with plain arrays and note the result."""
        return apply(func, getattr(func, "__name__", "function"), args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        """The entries at a key."""
        return apply(_item, "getitem", (self, key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write entries."""
        trace = self.tracer
        target = self.view(np.ndarray)
        if trace is None or not trace.recording:
            target[plain(key)] = plain(value)
            return
        memory = trace.before_write(self)
        index = _places(self, memory, plain(key))
        if isinstance(value, np.ndarray) and _is_at(value, memory, index):
            return  # as in `a[i] += v`, which has written into the view `a[i]`
        held = trace.argument(value)
        held = trace.constant(held) if isinstance(held, np.ndarray) else held
        target[plain(key)] = plain(value)
        if type(held) is Node and held.value.dtype != self.dtype and self.dtype.kind != "O":
            held = trace.node(
                "astype", _cast, (held, self.dtype), {}, held.value.astype(self.dtype)
            )
        trace.write_at(memory, index, held)

    def __iter__(self) -> Iterator[Any]:
        """The rows or numbers one by one."""
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    @property
    def T(self) -> Any:  # noqa: N802 - NumPy's name
        """The transposed array."""
        return self.transpose()

    @property
    def flat(self) -> Any:
        """The numbers one by one, to be read and written."""
        return _Flat(self)

    @flat.setter
    def flat(self, value: Any) -> None:
        _Flat(self)[:] = value

    def item(self, *key: Any) -> Any:
        """One number."""
        if not key:
            return self.reshape(-1)[0] if self.size == 1 else self.view(np.ndarray).item()
        return self.reshape(-1)[key[0]] if len(key) == 1 and np.ndim(key[0]) == 0 else self[key]

    def tolist(self) -> Any:
        """The numbers in nested lists."""
        if self.ndim == 0:
            return self.item()
        return [each.tolist() if isinstance(each, Traced) else each for each in self]

    def fill(self, value: Any) -> None:
        """Write one number everywhere."""
        self[...] = value

    def __repr__(self) -> str:
        """As a plain array is shown."""
        return repr(self.view(np.ndarray))

    def __reduce__(self) -> Any:
        """A pickled array is a plain one."""
        return self.view(np.ndarray).__reduce__()

    def __copy__(self) -> Any:
        """A copy of the same numbers."""
        return self.copy()

    def __deepcopy__(self, _memo: Any) -> Any:
        """A copy of the same numbers."""
        return self.copy()


def _method(name: str) -> Callable[..., Any]:
    original = getattr(np.ndarray, name)

    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return apply(_called(name), name, (self, *args), kwargs)

    method.__name__, method.__doc__ = name, original.__doc__
    return method


_CALLS: dict[str, Callable[..., Any]] = {}


def _called(name: str) -> Callable[..., Any]:
    """A function that calls a method, on arrays of floats and of objects alike."""
    if name not in _CALLS:

        def call(array: Any, *args: Any, **kwargs: Any) -> Any:
            if name == "astype":
                return _cast(array, *args, **kwargs)
            return getattr(np.asarray(array), name)(*args, **kwargs)

        call.__name__ = name
        _CALLS[name] = call
    return _CALLS[name]


for _name in METHODS:
    setattr(Traced, _name, _method(_name))


class _Flat:
    """What `array.flat` gives."""

    def __init__(self, array: Traced) -> None:
        self.array = array

    def __iter__(self) -> Iterator[Any]:
        return iter(self.array.reshape(-1))

    def __len__(self) -> int:
        return self.array.size

    def __getitem__(self, key: Any) -> Any:
        return self.array.reshape(-1)[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        whole = np.arange(self.array.size).reshape(self.array.shape)
        chosen = np.unravel_index(whole.ravel()[key], self.array.shape)
        self.array[chosen] = value

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        return np.array(self.array.view(np.ndarray).ravel(), *args, **kwargs)


def _item(array: Any, key: Any) -> Any:
    return np.asarray(array)[key]


def _cast(array: Any, dtype: Any, *args: Any, **kwargs: Any) -> Any:
    """A cast; of exact numbers to floats it is none, for they are judged as what they stand for."""
    exact = is_balls(array) and not all(isinstance(each, float) for each in array.flat)
    if exact or not isinstance(array, np.ndarray | np.generic):
        if np.dtype(dtype).kind in "fO":
            return array
        return np.asarray(array).astype(dtype)
    return array.astype(dtype, *args, **kwargs)


def _places(array: Traced, memory: Memory, key: Any) -> Array | None:
    """Where in its memory the entries at a key of an array are."""
    own = place(array, memory.owner)
    if own is None:
        if key is Ellipsis or (isinstance(key, slice) and key == slice(None)):
            return None
        own = np.arange(array.size).reshape(array.shape)
    return np.asarray(own[key])


def _is_at(value: Array, memory: Memory, index: Array | None) -> bool:
    """Whether an array is the very entries at some places of a memory."""
    if owner_of(value) is not memory.owner:
        return False
    own = place(value, memory.owner)
    return own is index if own is None or index is None else np.array_equal(own, index)


def _reduced(ufunc: np.ufunc, method: str) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return getattr(ufunc, method)(*args, **kwargs)

    call.__name__ = f"{ufunc.__name__}.{method}"
    return call


def _apply_ufunc(  # noqa: PLR0911 - a return a way in which NumPy may be asked
    ufunc: np.ufunc, method: str, inputs: Any, kwargs: dict[str, Any]
) -> Any:
    if ufunc.__name__ in KNOWN and method == "__call__":
        return KNOWN[ufunc.__name__](*inputs)
    trace = _trace_of_call(inputs, kwargs)
    if any(map(_holds_arrays, inputs)):  # NumPy does it entry by entry, and each entry notes it
        return getattr(ufunc, method)(*map(_as_object, inputs), **kwargs)
    if trace is not None and trace.recording and _is_of_python(ufunc) and not kwargs:
        noted = _one_by_one(trace, ufunc, inputs)
        if noted is not None:
            return noted
    out = kwargs.pop("out", None)
    call = ufunc if method == "__call__" else _reduced(ufunc, method)
    name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
    if trace is None or not trace.recording:
        options = {"out": tuple(map(plain, out))} if out else {}
        return call(*map(plain, inputs), **{**plain_of(kwargs), **options})
    if method == "at":
        return _at(trace, ufunc, inputs)
    nodes, options = trace.argument(tuple(inputs)), trace.argument(kwargs)
    if out is None:
        result = call(*map(plain, inputs), **plain_of(kwargs))
        return trace.record(name, call, nodes, options, result)
    return _into(trace, (name, call, nodes, options), out, inputs, kwargs)


def _is_of_python(ufunc: np.ufunc) -> bool:
    """Whether NumPy calls a function of Python for each number, as `np.vectorize` has it made."""
    return ufunc.nout == 1 and ufunc.types == ["O" * ufunc.nin + "->O"]


def _one_by_one(trace: Trace, ufunc: np.ufunc, inputs: Any) -> Any:
    """What a function of Python gives of each number, its operations noted; None if too many."""
    nodes = trace.argument(tuple(inputs))
    held = [each.value if type(each) is Node else np.asarray(each) for each in nodes]
    shape = np.broadcast_shapes(*map(np.shape, held))
    if int(np.prod(shape)) > FEW or any(each.dtype.kind != "f" for each in held):
        return None
    entries = [_entries(trace, *each, shape) for each in zip(nodes, held, strict=True)]
    given = np.asarray(ufunc(*entries), dtype=object).ravel().tolist()
    if not all(isinstance(each, float) for each in given):
        return None
    floats = np.array([float(plain(each)) for each in given]).reshape(shape)
    return trace.record("array", _put_in_shape, (trace.argument(given), shape), {}, floats)


def _entries(trace: Trace, node: Any, value: Array, shape: tuple[int, ...]) -> Array:
    """The numbers of an array as objects of Python, each of which notes what is done with it."""
    known = type(node) is Node
    flat_array = (trace.traced(np.array(value), node) if known else value).reshape(-1)
    places = np.broadcast_to(np.arange(value.size).reshape(value.shape), shape)
    numbers = np.empty(shape, dtype=object)
    for index, i in np.ndenumerate(places):
        one = flat_array[i]
        numbers[index] = trace.number(float(plain(one)), one.node) if known else float(one)
    return numbers


def _put_in_shape(numbers: Any, shape: tuple[int, ...]) -> Array:
    return np.asarray(numbers).reshape(shape)


def _holds_arrays(value: Any) -> bool:
    """Whether it is an array of arrays, such as one of a network's layers."""
    objects = isinstance(value, np.ndarray) and value.dtype.hasobject
    return objects and any(isinstance(each, np.ndarray) for each in value.flat)


def _as_object(value: Any) -> Any:
    """A number as an object among others, so that NumPy hands it to each of them."""
    if not is_traced_number(value):
        return value
    box = np.empty((), dtype=object)
    box[()] = value
    return box


def _into(trace: Trace, called: Any, out: Any, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """An operation that writes its result into arrays that are there."""
    name, call, nodes, options = called
    for target in out:
        trace.before_write(target)
    where = options.get("where", True)
    zeroed = name == "multiply" and type(inputs[-1]) in (int, float) and inputs[-1] == 0
    before = [trace.argument(each) for each in out] if where is not True or trace.sites else []
    call(*map(plain, inputs), out=tuple(map(plain, out)), **plain_of(kwargs))
    for i, target in enumerate(out):
        value = np.array(plain(target))
        if where is not True:  # only some entries are written
            options = {key: each for key, each in options.items() if key != "where"}
            made = trace.node(name, _masked(call), (where, before[0], *nodes), options, value)
        elif zeroed and inputs[0] is target:  # what was there has no part in it any more
            made = trace.node("constant", None, (), {}, value)
        else:
            made = trace.node(name, call, nodes, options, value)
        made.replaces = before[i] if before else None
        trace.write(target, made)
    written = tuple(_of_trace(trace, each) for each in out)
    return written[0] if len(written) == 1 else written


def _of_trace(trace: Trace, array: Any) -> Any:
    """An array as a traced one that shares its memory: what is `+=` to a plain array."""
    if isinstance(array, Traced):
        return array
    traced = array.view(Traced)
    traced.tracer = trace
    return traced


def _masked(call: Callable[..., Any]) -> Callable[..., Any]:
    def masked(where: Any, before: Any, *inputs: Any, **kwargs: Any) -> Any:
        return np.where(where, call(*inputs, **kwargs), before)

    masked.__name__ = getattr(call, "__name__", "masked")
    return masked


def _at(trace: Trace, ufunc: np.ufunc, inputs: Any) -> None:
    """`np.add.at` and the like."""
    target, key, *values = inputs
    trace.before_write(target)
    nodes = trace.argument((target, *values))
    ufunc.at(*map(plain, inputs))
    after = np.array(plain(target))
    if ufunc in (np.add, np.subtract):  # a sum of two arrays: what is there, and what is put there
        call, args = added_at(np.add), (np.zeros_like(after), plain(key), *nodes[1:])
        put = trace.node("add.at", call, args, {}, call(args[0], args[1], *map(plain, values)))
        made = trace.node(ufunc.__name__, ufunc, (nodes[0], put), {}, after)
    else:
        call, args = added_at(ufunc), (nodes[0], plain(key), *nodes[1:])
        made = trace.node(f"{ufunc.__name__}.at", call, args, {}, after)
    trace.write(target, made)


@cache
def added_at(ufunc: np.ufunc) -> Callable[..., Any]:
    """What `ufunc.at` makes of an array, which stays as it is."""

    def call(before: Any, key: Any, *values: Any) -> Any:
        exact = any(np.asarray(each).dtype == object for each in values)
        after = np.array(before, dtype=object if exact else None)
        ufunc.at(after, key, *values)
        return after

    return call


def apply(func: Callable[..., Any], name: str, args: Any, kwargs: dict[str, Any]) -> Any:
    """Call a function with plain arrays and note the result."""
    trace = _trace_of_call(args, kwargs)
    if trace is None or not trace.recording:
        return func(*map(plain, args), **plain_of(kwargs))
    if name in MUTATING:
        return _mutate(trace, func, name, args, kwargs)
    if name in ("zeros_like", "ones_like", "empty_like"):  # made of a shape, not of numbers
        made = func(*map(plain, args), **plain_of(kwargs))
        value = np.zeros_like(made) if name == "empty_like" else np.array(made)
        return trace.traced(made, trace.node("constant", None, (), {}, value))
    out = kwargs.get("out")
    if isinstance(out, np.ndarray):
        rest = {key: value for key, value in kwargs.items() if key != "out"}
        called = name, func, trace.argument(tuple(args)), trace.argument(rest)
        trace.before_write(out)
        func(*map(plain, args), out=plain(out), **plain_of(rest))
        made = trace.node(*called, np.array(plain(out)))
        trace.write(out, made)
        return _of_trace(trace, out)
    nodes, options = trace.argument(tuple(args)), trace.argument(kwargs)
    given = tuple(map(plain, args))
    result = func(*given, **plain_of(kwargs))
    for i in range(1, len(args)):
        if result is given[i] and isinstance(result, np.ndarray):  # it was given as `out`
            trace.write(args[i], trace.node(name, func, nodes[:i], options, np.array(result)))
            return _of_trace(trace, args[i])
    return trace.record(name, func, nodes, options, result)


def _mutate(trace: Trace, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> None:
    target, *others = args
    trace.before_write(target)
    nodes, options = trace.argument((target, *others)), trace.argument(kwargs)
    func(*map(plain, args), **plain_of(kwargs))

    def call(before: Any, *values: Any, **named: Any) -> Any:
        objects = any(map(is_balls, values))
        after = np.array(before, dtype=object) if objects else np.array(before)
        func(after, *values, **{**named, **({"casting": "unsafe"} if name == "copyto" else {})})
        return after

    made = trace.node(name, call, nodes, options, np.array(plain(target)))
    trace.write(target, made)


def _trace_of_call(args: Any, kwargs: dict[str, Any]) -> Trace | None:
    for each in args:
        if isinstance(each, Traced) and each.tracer is not None:
            return each.tracer
    return _trace_of((args, kwargs))


def _trace_of(values: Any) -> Trace | None:
    for each in flat(values):
        if (isinstance(each, Traced) or is_traced_number(each)) and each.tracer is not None:
            found: Trace = each.tracer
            return found
    return None


def plain(value: Any) -> Any:
    """The value with every traced array and number in it made plain, sharing its memory."""
    kind = type(value)
    if kind is Traced:
        return value.view(np.ndarray)
    if kind in _TRACED:
        return value.plain
    if kind is list or kind is tuple:
        return kind(map(plain, value))
    return {key: plain(each) for key, each in value.items()} if kind is dict else value


def plain_of(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The same of named arguments."""
    return {key: plain(each) for key, each in kwargs.items()} if kwargs else kwargs


def _operators() -> dict[str, Any]:
    """The operators of a traced number, each noted as what NumPy calls it."""
    names = {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.divide,
        "pow": np.power, "floordiv": np.floor_divide, "mod": np.remainder,
    }  # fmt: skip
    made: dict[str, Any] = {}
    for name, ufunc in names.items():
        made[f"__{name}__"] = _binary(ufunc, turned=False)
        made[f"__r{name}__"] = _binary(ufunc, turned=True)
    for name, function in {"neg": np.negative, "abs": np.absolute, "pos": np.positive}.items():
        made[f"__{name}__"] = _unary(function)
    return made


def _binary(ufunc: np.ufunc, *, turned: bool) -> Callable[..., Any]:
    def operator(self: Any, other: Any) -> Any:
        if not isinstance(other, int | float | np.ndarray | np.generic):
            return NotImplemented
        pair = (other, self) if turned else (self, other)
        if all(isinstance(plain(each), int | float) for each in pair):
            return _of_python(ufunc, pair)
        return _apply_ufunc(ufunc, "__call__", pair, {})

    return operator


def _unary(ufunc: np.ufunc) -> Callable[..., Any]:
    def operator(self: Any) -> Any:
        if type(self.plain) is float:
            return _of_python(ufunc, (self,))
        return _apply_ufunc(ufunc, "__call__", (self,), {})

    return operator


PYTHONS: dict[Any, Callable[..., Any]] = {
    np.add: add, np.subtract: sub, np.multiply: mul, np.divide: truediv, np.power: power,
    np.floor_divide: floordiv, np.remainder: mod, np.negative: neg, np.absolute: abs,
    np.positive: pos,
}  # fmt: skip
"""What Python does to its own numbers."""


def _of_python(ufunc: np.ufunc, pair: tuple[Any, ...]) -> Any:
    """An operation on numbers of Python, which gives one again."""
    trace, result = _trace_of(pair), PYTHONS[ufunc](*map(plain, pair))
    if trace is None or not trace.recording:
        return result
    return trace.record(ufunc.__name__, ufunc, trace.argument(pair), {}, result)


class _Number:
    """What traced numbers have beside being floats of NumPy."""

    tracer: Trace | None
    node: Node | None
    plain: Any

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compute with plain numbers and note the result."""
        return _apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Compute with plain numbers and note the result."""
        return apply(func, getattr(func, "__name__", "function"), args, kwargs)

    def item(self) -> Any:
        """Itself."""
        return self

    def tolist(self) -> Any:
        """Itself."""
        return self

    def astype(self, dtype: Any, *_: Any, **__: Any) -> Any:
        """A number of another type."""
        result, trace = np.asarray(self.plain).astype(plain(dtype))[()], self.tracer
        if trace is None or not trace.recording or result.dtype.kind != "f":
            return result
        return trace.record("astype", _cast, (self.node, result.dtype), {}, result)

    def __round__(self, digits: int | None = None) -> Any:
        """Rounded to some digits; to an integer, it is not followed."""
        result, trace = round(self.plain, digits), self.tracer
        if digits is None or trace is None or not trace.recording:
            return result
        return trace.record("round", np.round, (self.node, digits), {}, result)

    def __repr__(self) -> str:
        """As a plain number is shown."""
        return repr(self.plain)

    def __str__(self) -> str:
        """As a plain number is shown."""
        return str(self.plain)

    def __format__(self, how: str) -> str:
        """As a plain number is shown."""
        return format(self.plain, how)

    def __reduce__(self) -> Any:
        """A pickled number is a plain one."""
        return self.plain.__reduce__()

    def __deepcopy__(self, _memo: Any) -> Any:
        """Itself."""
        return self

    def __copy__(self) -> Any:
        """Itself."""
        return self


# NumPy's own type comes first: where it does not, its methods call each other without end.
class _Traced64(np.float64, _Number):  # type: ignore[misc]
    """A float64."""


class _Traced32(np.float32, _Number):  # type: ignore[misc]
    """A float32."""


class _TracedLong(np.longdouble, _Number):  # type: ignore[misc]
    """A longdouble."""


class _TracedFloat(float, _Number):  # type: ignore[misc]
    """A float of Python: unlike one of NumPy it takes the precision of what it meets."""


_METHODS = (
    "item", "tolist", "__round__", "__repr__", "__str__", "__format__", "__reduce__",
    "__deepcopy__", "__copy__",
)  # fmt: skip

for _kind in (_Traced64, _Traced32, _TracedLong, _TracedFloat):
    for _name, _operator in _operators().items():
        setattr(_kind, _name, _operator)
    for _name in (*_METHODS, "__array_ufunc__", "__array_function__"):
        setattr(_kind, _name, getattr(_Number, _name))
    if _kind is not _TracedFloat:
        setattr(_kind, "astype", _Number.astype)  # noqa: B010 - mypy knows no other way

_KINDS: dict[type, type] = {
    np.float64: _Traced64, np.float32: _Traced32, np.longdouble: _TracedLong, float: _TracedFloat
}  # fmt: skip

_TRACED = frozenset(_KINDS.values())

Trace.array_type, Trace.number_types, Trace.numbers = Traced, _KINDS, _TRACED


def traced_number(value: Any, node: Node, trace: Trace) -> Any:
    """A number as what a node computed; integers and truth values stay plain."""
    return trace.number(value, node)


def is_traced_number(value: Any) -> bool:
    """Whether it is a number that notes what is done with it."""
    return type(value) in _TRACED
