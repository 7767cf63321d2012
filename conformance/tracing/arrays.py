"""Arrays that note in a trace what is done with them.

Left out: how an operation is noted (`operations.py`), numbers (`traced_numbers.py`), what a trace
is (`trace.py`).
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from conformance.tracing.memory import Memory, is_all, owner_of, place, places_at
from conformance.tracing.node import Node
from conformance.tracing.operations import apply, apply_ufunc, cast
from conformance.tracing.trace import Trace, plain
from conformance.tracing.traced_numbers import KINDS, TracedInt
from reference.step import Array

VIEWS = ("reshape", "ravel", "transpose", "swapaxes", "squeeze", "diagonal")
"""Methods whose result may share the memory of their array."""

METHODS = (
    *VIEWS, "flatten", "copy", "repeat", "take", "cumsum", "cumprod", "prod", "sum", "mean", "std",
    "var", "max", "min", "clip", "trace", "dot", "round", "conj", "conjugate", "compress",
    "choose", "astype", "argmax", "argmin", "argsort", "nonzero", "all", "any",
)  # fmt: skip
"""Methods that give a new array or number."""

SPLITTING = frozenset({"split", "array_split", "hsplit", "vsplit", "dsplit"})
"""Functions of NumPy that take an array apart by slices."""


class Traced(np.ndarray[Any, Any]):
    """An array that notes what is done with it."""

    tracer: Trace | None = None
    node: Node | None = None
    memory: Memory | None = None
    version: int = -1
    original: Any = None

    def __array_finalize__(self, parent: object) -> None:
        """A view that NumPy makes belongs to the trace; its numbers are looked for when needed."""
        if (tracer := getattr(parent, "tracer", None)) is not None:
            self.tracer = tracer
        if self.dtype.hasobject and not getattr(parent, "dtype", self.dtype).hasobject:
            self.original = parent

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Compute with plain arrays and note the result."""
        return apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        """Compute with plain arrays and note the result; parts are taken as by slices."""
        name = getattr(func, "__name__", "function")
        if name in SPLITTING and hasattr(func, "_implementation"):
            return func._implementation(*args, **kwargs)  # noqa: SLF001 - as NumPy itself calls it
        return apply(func, name, args, kwargs)

    def __getitem__(self, key: Any) -> Any:
        """The entries at a key; all of them are the same numbers."""
        if is_all(key):
            return super().__getitem__(key)
        return apply(_item, "getitem", (self, key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write entries."""
        trace = self.tracer
        target = self.view(np.ndarray)
        if trace is None or not trace.recording:
            target[plain(key)] = plain(value)
            return
        memory = trace.before_write(self)
        index = places_at(self, memory.owner, plain(key))
        if isinstance(value, np.ndarray) and _is_at(value, memory, index):
            return  # as in `a[i] += v`, which has written into the view `a[i]`
        held = trace.argument(value)
        held = trace.constant(held) if isinstance(held, np.ndarray) else held
        target[plain(key)] = plain(value)
        if type(held) is Node and held.value.dtype != self.dtype and self.dtype.kind != "O":
            held = trace.node("astype", cast, (held, self.dtype), {}, held.value.astype(self.dtype))
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


def _part(name: str) -> property:
    """The real or the imaginary parts."""

    def found(self: Traced) -> Any:
        real = name == "real" and self.dtype.kind != "c"
        return self if real else apply(getattr(np, name), name, (self,), {})

    def stored(self: Traced, value: Any) -> None:
        setattr(self.view(np.ndarray), name, plain(value))

    return property(found, stored)


def _method(name: str) -> Callable[..., Any]:
    original = getattr(np.ndarray, name)

    def method(self: Traced, *args: Any, **kwargs: Any) -> Any:
        return apply(_called(name), name, (self, *args), kwargs)

    method.__name__, method.__doc__ = name, original.__doc__
    return method


@cache
def _called(name: str) -> Callable[..., Any]:
    """A function that calls a method, on arrays of floats and of objects alike."""
    if name == "astype":
        return cast

    def call(array: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(np.asarray(array), name)(*args, **kwargs)

    call.__name__ = name
    return call


for _name in METHODS:
    setattr(Traced, _name, _method(_name))
for _name in ("real", "imag"):
    setattr(Traced, _name, _part(_name))


class Plain(np.ndarray[Any, Any]):
    """An array that is not followed, such as one of labels: what meets it is, also in a method."""

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        """Leave it to the traced arrays among the arguments."""
        if Traced in types:
            return NotImplemented
        return super().__array_function__(func, types, args, kwargs)

    def dot(self, *args: Any, **kwargs: Any) -> Any:
        """The product; NumPy's own method asks no other array."""
        return np.dot(self.view(np.ndarray), *args, **kwargs)


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
        places = whole.ravel()[key]
        if (
            isinstance(value, np.ndarray) and value.ndim
        ):  # one number after another, again and again
            value = value.reshape(-1)
            if value.size != places.size:
                value = value[np.arange(places.size) % value.size]
        self.array[np.unravel_index(places, self.array.shape)] = value

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        return np.array(self.array.view(np.ndarray).ravel(), *args, **kwargs)


def _item(array: Any, key: Any) -> Any:
    return np.asarray(array)[key]


def _is_at(value: Array, memory: Memory, index: Array | None) -> bool:
    """Whether an array is the very entries at some places of a memory."""
    if owner_of(value) is not owner_of(memory.owner):
        return False
    own = place(value, memory.owner)
    return own is index if own is None or index is None else np.array_equal(own, index)


Trace.array_type, Trace.number_types, Trace.numbers = Traced, KINDS, frozenset(KINDS.values())
Trace.whole_type = TracedInt
