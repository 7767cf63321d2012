"""What the modules of a traced program see in the place of NumPy and `math`.

NumPy hands to nobody which arrays a program makes itself (`np.zeros`, `np.array` of a list), nor
what it computes of a list of arrays (`np.exp([z])`, `np.sum(list)`); `math.exp` gives a plain
float. So for the time of a run the program's modules see functions that do the same and note it.
NumPy itself is not touched, nor is what others see of it.

A program in whose run all that it computes is noted is such a run with NumPy, `math` and torch.
Left out: random numbers, which come in as constants.
"""

import math
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np

from conformance.arithmetic.exact import Exact
from conformance.tracing.arrays import Traced
from conformance.tracing.built_in import BUILTINS, Float64
from conformance.tracing.made_arrays import MAKERS, Joined, traced_array
from conformance.tracing.modules import Seen, Substitute, entered, replaced
from conformance.tracing.special import KNOWN, MODULES, of_each
from conformance.tracing.trace import Trace, plain, trace_of
from conformance.tracing.traced_numbers import begun_number
from conformance.tracing.vectorized import OfNumbers

MATH = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "pow": np.power, "sin": np.sin,
    "cos": np.cos, "log1p": np.log1p, "expm1": np.expm1, "sinh": np.sinh, "cosh": np.cosh,
    "log2": np.log2, "log10": np.log10, "fabs": np.absolute, "tan": np.tan, "asin": np.arcsin,
    "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh,
    **{each.__name__: of_each(each) for each in (math.erf, math.erfc, math.gamma, math.lgamma)},
}  # fmt: skip
"""Functions of `math`, and what does the same to exact numbers."""


@contextmanager
def substituted(trace: Trace, names: dict[str, Any] | None = None) -> Iterator[None]:
    """Note what the program's own modules make, until the end of the block.

    Args:
        trace: where it is noted.
        names: the global names of a module of the program that may not be among those loaded.
    """
    with replaced(substitutes(trace), names or {}, BUILTINS):
        yield


def substitutes(trace: Trace, seed: int | None = None, *, draws: bool = False) -> dict[int, Seen]:
    """What gives the substitute of each module and function, by the identity of the original.

    Args:
        trace: where it is noted what they do.
        seed: of random generators that are given none.
        draws: whether arrays that `np.random` draws are traced ones: what assigns them does not.
    """

    def made(name: str, original: Any) -> Any:
        return _OF_NUMPY[name](trace, name, original)

    numpy, plain_math = Substitute(np, _OF_NUMPY, made), _exact_module()
    total = plain_math.__dict__["fsum"] = _fsum(trace)
    numpy.__dict__["float64"] = Float64
    instead: dict[int, Seen] = {
        id(np): lambda: numpy,
        id(entered): partial(_entered, trace),
        id(math.fsum): lambda: total,
    }
    instead |= {each: partial(getattr, numpy, name) for each, name in _NUMPY.items()}
    instead |= _of_math(plain_math) | _of_scipy()
    if seed is None:
        return instead
    return instead | _seeded(trace, numpy, seed, _entered(trace) if draws else None)


_OF_NUMPY: dict[str, Callable[[Trace, str, Any], Any]] = {
    **{name: wrap for names, wrap in MAKERS for name in names},
    **dict.fromkeys(("r_", "c_"), lambda trace, _, original: Joined(trace, original)),
    "vectorize": lambda *_: OfNumbers,
}
"""What makes the substitute of each function of NumPy that has one, by its name."""

_NUMPY = {id(getattr(np, name)): name for name in _OF_NUMPY}


@contextmanager
def exact_math() -> Iterator[None]:
    """`math` takes exact numbers in the program's own modules, until the end of the block."""
    with replaced(_of_math(_exact_module())):
        yield


def _exact_module() -> Substitute:
    """`math`, some functions of which take exact numbers and traced ones."""
    return Substitute(math, MATH, lambda name, it: _of_number(name, it, MATH[name]))


def _of_math(module: Substitute) -> dict[int, Seen]:
    """What gives the substitute of `math`, and of each function that has another there."""
    functions = {id(getattr(math, name)): partial(getattr, module, name) for name in MATH}
    return {**functions, id(math): lambda: module}


def _of_scipy() -> dict[int, Seen]:
    """The substitutes of modules and functions of SciPy, as far as it is loaded."""
    instead: dict[int, Seen] = {}
    package = sys.modules.get("scipy")
    if package is None:
        return instead
    whole = Substitute(package)
    for name, functions in MODULES.items():
        module = sys.modules.get(name)
        if module is None:
            continue
        short = name.rpartition(".")[2]
        part = whole.__dict__[short] = Substitute(module)
        instead |= {id(package): lambda: whole, id(module): partial(getattr, whole, short)}
        for each in functions.keys() - KNOWN:  # else a universal function, which asks the arrays
            part.__dict__[each] = functions[each]
            instead[id(getattr(module, each))] = partial(getattr, part, each)
    return instead


DRAWS = ("normal", "standard_normal", "uniform", "random", "randn", "rand", "random_sample")
"""What draws floats."""


def generators(
    seed: int, entered: Callable[[Any], Any] | None = None
) -> tuple[Callable[..., np.random.Generator], type]:
    """`default_rng` and `RandomState`, with a seed if they are given none.

    Args:
        seed: it.
        entered: what becomes of an array that they draw; None if it stays as it is.
    """
    plain = np.random.default_rng

    def default_rng(given: Any = None, **kwargs: Any) -> np.random.Generator:
        given = kwargs.get("seed", given)
        made = plain(seed if given is None else given)
        return made if entered is None else Generator(made.bit_generator)

    class Generator(np.random.Generator):
        pass

    class RandomState(np.random.RandomState):
        def __init__(self, given: Any = None, **kwargs: Any) -> None:
            given = kwargs.get("seed", given)
            super().__init__(seed if given is None else given)

    if entered is not None:
        for kind in (Generator, RandomState):
            for name in filter(partial(hasattr, kind), DRAWS):
                setattr(kind, name, _drawing(getattr(kind, name), entered))
    return default_rng, RandomState


def _drawing(original: Callable[..., Any], entered: Callable[[Any], Any]) -> Callable[..., Any]:
    """What draws floats, and passes them on."""

    def called(*args: Any, **kwargs: Any) -> Any:
        return entered(original(*args, **kwargs))

    return called


def _seeded(
    trace: Trace, numpy: Substitute, seed: int, entered: Callable[[Any], Any] | None
) -> dict[int, Seen]:
    """`np.random`, whose generators have a seed if they are given none."""
    drawn = numpy.__dict__["random"] = Substitute(np.random)
    default_rng, RandomState = generators(seed, entered)  # noqa: N806 - its name
    instead: dict[int, Seen] = {}
    if entered is not None:
        drawn.__dict__.update({e: _drawing(getattr(np.random, e), entered) for e in DRAWS})
        instead = {id(getattr(np.random, e)): partial(getattr, drawn, e) for e in DRAWS}

    plain_shuffle = np.random.shuffle

    def shuffle(array: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(array, Traced):  # else each row would be an operation
            trace.before_write(array)
            plain_shuffle(array.view(np.ndarray), *args, **kwargs)
            trace.write(array, trace.node("constant", None, (), {}, np.array(array)))
        else:
            plain_shuffle(array, *args, **kwargs)

    drawn.__dict__.update(default_rng=default_rng, RandomState=RandomState, shuffle=shuffle)
    return instead | {
        id(np.random.shuffle): lambda: shuffle,
        id(np.random): lambda: drawn,
        id(np.random.default_rng): lambda: default_rng,
        id(np.random.RandomState): lambda: RandomState,
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


def _entered(trace: Trace) -> Callable[[Any], Any]:
    def called(value: Any) -> Any:
        kind = type(value)
        if not trace.recording:
            return value
        if kind is np.ndarray and value.dtype.kind == "f":
            return traced_array(trace, value)
        if kind is tuple:
            return tuple(map(called, value))
        if kind is list:
            value[:] = map(called, value)  # it stays the list that others may hold too
        if kind is int or kind in trace.number_types:
            return begun_number(trace, value)
        return value

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


@contextmanager
def traced_program(trace: Trace, function: object = None) -> Iterator[Any]:
    """Note what the program's own modules compute, until the end of the block.

    It gives the tensors of the run (`tensor_memory.TensorTrace`), or None without torch.

    Args:
        trace: where it is noted.
        function: of the program, whose module may not be among those that are loaded.
    """
    submit = ThreadPoolExecutor.submit
    try:
        ThreadPoolExecutor.submit = _done_here  # type: ignore[method-assign]
        with (
            substituted(trace, getattr(function, "__globals__", {})),
            noted_tensors(trace) as noted,
        ):
            yield noted
    finally:
        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
        trace.end()


def noted_tensors(trace: Trace) -> AbstractContextManager[Any]:
    """What notes the operations of torch, if it is loaded; else the program has no tensors."""
    if "torch" not in sys.modules:
        return nullcontext()
    from conformance.tracing.tensors import traced_tensors

    return traced_tensors(trace)


def _done_here(_: Any, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
    """What a pool of threads does with some work, done here: so it has an order."""
    done: Future[Any] = Future()
    try:
        done.set_result(work(*args, **kwargs))
    except Exception as error:  # noqa: BLE001 - the program asks for it
        done.set_exception(error)
    return done
