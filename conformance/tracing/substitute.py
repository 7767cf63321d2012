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
from conformance.tracing.made_arrays import MAKERS, Joined, traced_array
from conformance.tracing.modules import Substitute, entered, replaced, zero
from conformance.tracing.plain import is_traced_number, plain, trace_of
from conformance.tracing.special import KNOWN, MODULES
from conformance.tracing.trace import Trace
from conformance.tracing.traced_numbers import traced_number

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
        if is_traced_number(value) and type(value.plain) is cls.plain:
            return value
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
    for names, wrap in MAKERS:
        for name in names:
            original = getattr(np, name)
            instead[id(original)] = numpy.__dict__[name] = wrap(trace, name, original)
    instead |= _math_functions(plain_math)
    instead |= _of_scipy()
    if seed is not None:
        instead |= _seeded(trace, numpy, seed)
    for name in ("r_", "c_"):
        original = getattr(np, name)
        instead[id(original)] = numpy.__dict__[name] = Joined(trace, original)
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
