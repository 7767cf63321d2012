"""What the modules of a traced program see in the place of NumPy and `math`.

NumPy hands to nobody which arrays a program makes itself (`np.zeros`, `np.array` of a list), nor
what it computes of a list of arrays (`np.exp([z])`, `np.sum(list)`); `math.exp` gives a plain
float. So for the time of a run the program's modules see functions that do the same and note it.
NumPy itself is not touched, nor is what others see of it.

Left out: random numbers, which come in as constants.
"""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from conformance.arithmetic.exact import Exact
from conformance.tracing.arrays import Traced
from conformance.tracing.modules import Substitute, entered, replaced, zero
from conformance.tracing.node import flat
from conformance.tracing.plain import is_traced_number, plain, trace_of
from conformance.tracing.special import KNOWN, MODULES
from conformance.tracing.trace import Trace
from conformance.tracing.traced_numbers import traced_number

MADE = (
    "zeros", "ones", "empty", "full", "eye", "identity", "zeros_like", "ones_like", "empty_like",
)  # fmt: skip
COPIED = (
    "array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "require", "copy",
    "fromiter", "asarray_chkfinite",
)  # fmt: skip
OF_LISTS = (
    "sum", "mean", "prod", "max", "min", "amax", "amin", "std", "var", "average", "dot", "matmul",
    "outer", "inner", "vdot", "tensordot", "multiply", "add", "subtract", "divide", "exp", "tanh",
    "log", "sqrt", "square", "negative", "maximum", "minimum", "power", "cumsum", "transpose",
    "squeeze", "reshape", "ravel", "where", "clip", "einsum",
)  # fmt: skip
"""Functions that take a list for an array, without a word to the arrays in it."""

MATH = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "pow": np.power, "sin": np.sin,
    "cos": np.cos, "log1p": np.log1p, "expm1": np.expm1, "sinh": np.sinh, "cosh": np.cosh,
    "log2": np.log2, "log10": np.log10, "fabs": np.absolute, "atan": np.arctan,
}  # fmt: skip
"""Functions of `math`, and what does the same to exact numbers."""


@contextmanager
def substituted(trace: Trace, names: dict[str, Any] | None = None) -> Iterator[None]:
    """Note what the program's own modules make, until the end of the block.

    Args:
        trace: where it is noted.
        names: the global names of a module of the program that may not be among those loaded.
    """
    with replaced(substitutes(trace), names or {}, {"float": Float}):
        yield


class _Floats(type):
    """What a type of numbers is for a traced program: its numbers are those of the plain type."""

    plain: type

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.plain)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, cls.plain)

    def __eq__(cls, other: object) -> bool:
        return other is cls.plain or other is cls

    def __hash__(cls) -> int:
        return hash(cls.plain)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.plain, name)


class Float(metaclass=_Floats):
    """`float`, which leaves traced numbers traced."""

    plain: type = float
    dtype = np.dtype(np.float64)

    def __new__(cls, value: Any = 0.0) -> Any:
        """The number that a value is."""
        if isinstance(value, Traced) and value.size == 1 and value.dtype == np.float64:
            return value.reshape(())[()]
        if is_traced_number(value) and isinstance(value, np.float64):
            return value if cls.plain is np.float64 else _of_python(value)
        return cls.plain(plain(value))


def _of_python(value: Any) -> Any:
    """A traced number of NumPy's as one of Python's."""
    known = value.tracer is not None and value.node is not None
    return traced_number(float(value.plain), value.node, value.tracer) if known else value


class _Float64(Float):
    """`np.float64`, which does so too."""

    plain = np.float64


def substitutes(trace: Trace, seed: int | None = None) -> dict[int, Any]:
    """The substitute of each module and function, by the identity of the original.

    Args:
        trace: where it is noted what they do.
        seed: of random generators that are given none.
    """
    numpy, plain_math = Substitute("numpy", np), Substitute("math", math)
    instead: dict[int, Any] = {id(np): numpy, id(math): plain_math}
    for names, wrap in ((MADE, _made), (COPIED, _copied), (OF_LISTS, _of_lists)):
        for name in names:
            original = getattr(np, name)
            instead[id(original)] = numpy.__dict__[name] = wrap(trace, name, original)
    instead |= _math_functions(plain_math)
    instead |= _of_scipy()
    if seed is not None:
        instead |= _seeded(trace, numpy, seed)
    for name in ("r_", "c_"):
        original = getattr(np, name)
        instead[id(original)] = numpy.__dict__[name] = _Joined(trace, original)
    total = _fsum(trace)
    numpy.__dict__["float64"] = _Float64
    instead[id(zero)], instead[id(entered)] = _zero(trace), _entered(trace)
    instead[id(math.fsum)] = plain_math.__dict__["fsum"] = total
    return instead


@contextmanager
def exact_math() -> Iterator[None]:
    """`math` takes exact numbers in the program's own modules, until the end of the block."""
    plain_math = Substitute("math", math)
    with replaced({id(math): plain_math, **_math_functions(plain_math)}):
        yield


def _math_functions(plain_math: Substitute) -> dict[int, Any]:
    """The substitute of each function of `math`, put into that of the module too."""
    instead = {}
    for name, ufunc in MATH.items():
        original = getattr(math, name)
        instead[id(original)] = plain_math.__dict__[name] = _of_number(name, original, ufunc)
    return instead


def _of_scipy() -> dict[int, Any]:
    """The substitutes of modules and functions of SciPy, as far as it is loaded."""
    instead: dict[int, Any] = {}
    for name, functions in MODULES.items():
        module, package = sys.modules.get(name), sys.modules.get("scipy")
        if module is None or package is None:
            continue
        part = Substitute(name, module)
        whole = instead.setdefault(id(package), Substitute("scipy", package))
        whole.__dict__[name.rpartition(".")[2]] = instead[id(module)] = part
        for each, function in functions.items():
            if each not in KNOWN:  # else a universal function, which asks the arrays
                instead[id(getattr(module, each))] = part.__dict__[each] = function
    return instead


def _seeded(trace: Trace, numpy: Substitute, seed: int) -> dict[int, Any]:
    """`np.random`, whose generators have a seed if they are given none."""
    drawn = numpy.__dict__["random"] = Substitute("numpy.random", np.random)

    def default_rng(given: Any = None, **kwargs: Any) -> np.random.Generator:
        given = kwargs.get("seed", given)
        return np.random.default_rng(seed if given is None else given)

    class RandomState(np.random.RandomState):
        def __init__(self, given: Any = None, **kwargs: Any) -> None:
            given = kwargs.get("seed", given)
            super().__init__(seed if given is None else given)

    plain_shuffle = np.random.shuffle

    def shuffle(array: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(array, Traced):  # else each row would be an operation
            trace.before_write(array)
            plain_shuffle(array.view(np.ndarray), *args, **kwargs)
            trace.write(array, trace.node("constant", None, (), {}, np.array(array)))
        else:
            plain_shuffle(array, *args, **kwargs)

    drawn.__dict__.update(default_rng=default_rng, RandomState=RandomState, shuffle=shuffle)
    return {
        id(np.random.shuffle): shuffle,
        id(np.random): drawn,
        id(np.random.default_rng): default_rng,
        id(np.random.RandomState): RandomState,
    }


def _made(trace: Trace, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """An array that is made of nothing."""

    def made(*args: Any, **kwargs: Any) -> Any:
        result = original(*plain(args), **plain(kwargs))
        if result.dtype.kind != "f" or not trace.recording:
            return result
        if name == "full" and trace_of((args, kwargs)) is not None:
            node = trace.node(name, original, trace.argument(args), trace.argument(kwargs), result)
            return trace.traced(result.copy(), node)
        value = np.zeros_like(result) if name.startswith("empty") else np.array(result)
        return trace.traced(result, trace.node("constant", None, (), {}, value))

    return made


def _copied(trace: Trace, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    """An array that is made of others and of numbers."""

    def again(given: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(given, list | tuple) and any(_has_dimensions(each) for each in flat(given)):
            return original([*given], *args, **kwargs)
        return np.asarray(given)

    again.__name__ = name

    def made(given: Any, *args: Any, **kwargs: Any) -> Any:
        if name == "fromiter":
            given = list(given)
        given = np.asarray(given) if type(given).__name__ == "_Flat" else given
        given = given.numpy() if _foreign(given) else given
        result = original(plain(given), *args, **kwargs)
        if not trace.recording or result.dtype.kind not in "fiub":
            return result
        if isinstance(given, Traced) and result.base is not None and _shares(result, given):
            return given if result.shape == given.shape else result
        if trace_of(given) is None:
            if result.dtype.kind != "f":
                return result
            return trace.traced(result, trace.constant(result)) if result.base is None else result
        node = trace.node(name, again, (trace.argument(given),), {}, np.array(result))
        return trace.traced(result, node)

    return made


class _Joined:
    """`np.r_` and `np.c_`, which join what stands between their brackets."""

    def __init__(self, trace: Trace, original: Any) -> None:
        self._trace, self._original = trace, original

    def __getitem__(self, key: Any) -> Any:
        result, items = self._original[plain(key)], key if isinstance(key, tuple) else (key,)
        if not self._trace.recording or trace_of(items) is None:
            return result
        nodes = self._trace.argument(items)
        return self._trace.record("concatenate", self._again, nodes, {}, result)

    def _again(self, *items: Any) -> Any:
        return self._original[items]


def traced_array(trace: Trace, value: Any) -> Any:
    """A number, a list of numbers or a tensor as an array that knows what computed it."""
    return _copied(trace, "asarray", np.asarray)(value)


def _foreign(given: Any) -> bool:
    """Whether an array is to be made of what is none itself, such as a tensor."""
    return not isinstance(given, np.ndarray | np.generic) and hasattr(given, "numpy")


def _shares(result: Any, given: Any) -> bool:
    return bool(np.shares_memory(result, plain(given)))


def _has_dimensions(value: Any) -> bool:
    return bool(np.ndim(value))


def _of_lists(trace: Trace, name: str, original: Any) -> Any:
    """A function that is given lists of arrays or of numbers where it takes an array."""

    def lifted(value: Any) -> Any:
        if isinstance(value, list | tuple) and trace_of(value) is not None:
            return _copied(trace, "array", np.array)(value)
        return value

    def called(*args: Any, **kwargs: Any) -> Any:
        lifts = name not in ("einsum", "transpose", "reshape")
        args = tuple(map(lifted, args)) if lifts else args
        return original(*args, **kwargs)

    if isinstance(original, np.ufunc):
        return _Ufunc(original, called, lifted)
    called.__name__ = name
    return called


class _Ufunc:
    """A ufunc as a traced program sees it."""

    def __init__(
        self, original: np.ufunc, called: Callable[..., Any], lifted: Callable[[Any], Any]
    ) -> None:
        self._original, self._called, self._lifted = original, called, lifted
        self.__name__ = original.__name__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._called(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._original, name)
        if name not in ("reduce", "accumulate", "outer", "reduceat"):
            return found
        return lambda *args, **kwargs: found(*map(self._lifted, args), **kwargs)


def _of_number(name: str, original: Callable[..., Any], ufunc: Any) -> Callable[..., Any]:
    """A function of `math`."""

    def called(*args: Any) -> Any:
        if any(type(each) is Exact for each in args):
            return ufunc(*args)
        trace = trace_of(args)
        if trace is None or not trace.recording:
            return original(*map(plain, args))
        result = original(*(float(plain(each)) for each in args))
        return trace.record(name, ufunc, trace.argument(args), {}, result)

    called.__name__ = name
    return called


def _zero(trace: Trace) -> Callable[[], Any]:
    def called() -> Any:
        if not trace.recording:
            return zero()
        return trace.traced(0.0, trace.node("constant", None, (), {}, np.zeros(())))

    return called


def _entered(trace: Trace) -> Callable[[Any], Any]:
    def called(value: Any) -> Any:
        plain_array = type(value) is np.ndarray and value.dtype.kind == "f" and trace.recording
        return traced_array(trace, value) if plain_array else value

    return called


def _fsum(trace: Trace) -> Callable[..., Any]:
    def called(values: Any) -> Any:
        given = list(values)
        if trace_of(given) is None or not trace.recording:
            return math.fsum(map(plain, given))
        result = math.fsum(map(plain, given))
        return trace.record("sum", _sum, (trace.argument(given),), {}, result)

    return called


def _sum(values: Any) -> Any:
    return sum(values)
