"""An array of values and one of bounds, as `rounding.py` describes them.

Left out: the rules of the operations (`rounding.py`), with which alone it is of use.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ClassVar, ParamSpec, TypeVar

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike

from conformance.arithmetic.balls import balls, is_balls
from conformance.arithmetic.constants import Precision
from conformance.arithmetic.formats import Format
from reference.step import Array

_ZERO, _INFINITE, _UNKNOWN = (np.array(each) for each in (0.0, np.inf, np.nan))
"""NumPy computes faster with an array than with a number that it has to make one of."""

P = ParamSpec("P")
R = TypeVar("R")
Rule = Callable[..., Any]
_quiet: ContextVar[bool] = ContextVar("_quiet", default=False)


@contextmanager
def quiet() -> Iterator[None]:
    """Let no operation on bounds warn: 0 · ∞ and ∞ − ∞ are unknown, as they should be.

    Every operation is quiet by itself. Around many it is cheaper: NumPy's `errstate` takes as long
    as a small product.
    """
    token = _quiet.set(True)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        _quiet.reset(token)


def quiet_operation(operation: Callable[P, R]) -> Callable[P, R]:
    """An operation on bounds that does not warn; see `quiet`."""

    @wraps(operation)
    def quietly(*args: P.args, **kwargs: P.kwargs) -> R:
        if _quiet.get():
            return operation(*args, **kwargs)
        with quiet():
            return operation(*args, **kwargs)

    return quietly


class RunningError(NDArrayOperatorsMixin):
    """An array of values and one of bounds that goes through NumPy expressions like an array.

    Attributes:
        value: v, a float64 array or an object array of balls.
        bound: the largest distance between any two of e, c and v, shaped as `value`.
        least: where it is known better than |v| − bound: a lower bound of the moduli of e, c and v,
            which then all have the sign of v. It outlives an overflow.
        precision: whose roundings are counted.
        rules: the rule of each ufunc; `rounding.py` sets them.
    """

    rules: ClassVar[dict[np.ufunc, Rule]] = {}

    def __init__(
        self,
        value: Array,
        bound: Array,
        precision: Precision,
        least: Array | Callable[[], Array] | None = None,
    ) -> None:
        """Join the arrays; see the class for their meaning. `least` may be worked out later."""
        self.value = value if type(value) is np.ndarray else _array(value)
        self.bound = bound if type(bound) is np.ndarray else _array(bound)
        self.precision, self._least = precision, least
        self._some: Array | None = None
        self._made: dict[Any, RunningError] = {}

    @property
    def least(self) -> Array:
        """See the class; worked out when it is asked for, as few rules do."""
        if type(self._least) is not np.ndarray:
            self._least = self._worked_out()
        return self._least

    @quiet_operation
    def _worked_out(self) -> Array:
        least = self._least() if callable(self._least) else self._least
        if least is None:
            modulus = abs(self.value)
            nothing = like(_UNKNOWN, modulus)
            least = where(modulus >= self.bound, modulus - self.bound, nothing)
        return _array(least)

    @classmethod
    def exact(cls, array: Array, dtype: "Format | DTypeLike") -> "RunningError":
        """Numbers that are the same for everybody: float arrays or arrays of exact balls."""
        value = np.asarray(array, dtype=object if is_balls(array) else np.float64)
        precision = Precision.of(dtype, exact_centre=is_balls(value))
        return cls(value, zeros_like(value), precision)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.value.shape

    @property
    def size(self) -> int:
        """The number of entries."""
        return self.value.size

    @property
    def T(self) -> "RunningError":  # noqa: N802 - NumPy's name
        """The transposed array."""
        return RunningError(self.value.T, self.bound.T, self.precision, lambda: self.least.T)

    def __getitem__(self, index: Any) -> "RunningError":
        """The entries at an index."""
        value, bound, least = (part[index] for part in (self.value, self.bound, self.least))
        return RunningError(value, bound, self.precision, least)

    @quiet_operation
    def sum(self, axis: int | None = None, *, keepdims: bool = False) -> "RunningError":
        """The sum along an axis, in any order."""
        terms = self.value.size if axis is None else self.value.shape[axis]
        kept: Any = keepdims  # NumPy's types have one overload for each of its values
        value, carried, moduli = (
            part.sum(axis=axis, keepdims=kept) for part in (self.value, self.bound, abs(self.value))
        )
        bound = carried + self.precision.gamma(max(terms - 1, 0)) * (moduli + carried)
        return self.finite(value, self.up(bound, terms), moduli + carried)

    def max(self, axis: int | None = None, *, keepdims: bool = False) -> "RunningError":
        """The largest along an axis, which is no further off than the one of them that is most."""
        kept: Any = keepdims
        value, bound = (
            np.asarray(part.max(axis=axis, keepdims=kept)) for part in (self.value, self.bound)
        )
        return RunningError(value, bound, self.precision)

    @quiet_operation
    def widened(self, roundings: int, underflows: int, *, zeros: bool = False) -> "RunningError":
        """Wider by some more roundings and underflows in each entry.

        Args:
            roundings: how many.
            underflows: how many, in each entry that is not exactly zero.
            zeros: a zero may be an underflow as well, and not exact.
        """
        modulus = abs(self.value) + self.bound
        more = np.array(roundings * self.precision.unit) * modulus
        if underflows:
            some = zeros or modulus > _ZERO
            more = more + np.array(underflows) * self.underflow(some)
        return RunningError(self.value, self.up(self.bound + more), self.precision)

    def tolerance(self) -> Array:
        """The bounds in float64 (from a float centre), infinite where nothing is known."""
        bound = np.asarray(self.bound, dtype=np.float64)
        return np.asarray(where(~np.isnan(bound), bound, _INFINITE))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Apply the rule of a ufunc; TypeError where there is none."""
        rule = self.rules.get(ufunc)
        if rule is None or method != "__call__" or kwargs:
            return NotImplemented
        return self.applied(rule, *inputs)

    @quiet_operation
    def applied(self, rule: Rule, *inputs: Any) -> Any:
        """What a rule gives for operands, of which some may be plain numbers."""
        if len(inputs) > 1:
            return rule(*map(self.lifted, inputs))
        return self.once(rule, lambda: rule(self))  # σ′ asks for e^−z again

    def once(self, key: Any, operation: "Callable[[], RunningError]") -> "RunningError":
        """What an operation on it gave before, or gives now."""
        if key not in self._made:
            self._made[key] = operation()
        return self._made[key]

    def __array_function__(
        self, func: Callable[..., Any], _types: Any, args: Any, kwargs: Any
    ) -> Any:
        """Follow `np.where(condition, x, y)`, whose condition is a plain array of truth values."""
        if func is not np.where or kwargs:
            return NotImplemented
        condition, *choices = args
        x, y = (self.lifted(each) for each in choices)
        value, bound, least = (
            np.where(condition, getattr(x, name), getattr(y, name))
            for name in ("value", "bound", "least")
        )
        return RunningError(value, bound, self.precision, least)

    def lifted(self, operand: Any) -> "RunningError":
        """An operand that is the same for everybody, such as the 1 of 1 / (1 + e^−z)."""
        if isinstance(operand, RunningError):
            return operand
        value = np.asarray(operand, dtype=self.value.dtype)
        return RunningError(value, zeros_like(value), self.precision)

    @property
    def some(self) -> Array:
        """Where it is not exactly zero for everybody."""
        if self._some is None and is_balls(self.value):
            self._some = np.asarray(~((self.value == 0) & (self.bound == 0)), dtype=bool)
        elif self._some is None:
            self._some = np.asarray((self.value != _ZERO) | (self.bound != _ZERO))
        return self._some

    def underflow(self, some: Array | bool) -> Array | float:
        """The smallest subnormal, and 0 where the result is exactly zero for everybody."""
        return some * self.precision.subnormals

    def finite(self, value: Array, bound: Array, largest: Array) -> "RunningError":
        """A result, or nothing known of it where a term or partial sum may have overflowed."""
        inside = largest + bound < self.precision.most
        if not is_all(inside):
            bound = np.where(inside, bound, like(_INFINITE, bound))
        return RunningError(value, bound, self.precision)

    @quiet_operation
    def loosened(self, roundings: int, moduli: "RunningError | int") -> "RunningError":
        """Room for some roundings of terms that cancel in the result."""
        moduli = self.lifted(moduli)
        more = self.precision.gamma(roundings) * (abs(moduli.value) + moduli.bound)
        return RunningError(self.value, self.up(self.bound + more), self.precision)

    def __abs__(self) -> "RunningError":
        """The moduli."""
        return RunningError(abs(self.value), self.bound, self.precision, lambda: self.least)

    def up(self, bound: Array, terms: int = 1) -> Array:
        """A bound raised above the rounding errors of its own computation."""
        return bound * self.precision.raised(terms)

    def rounded(self, value: Array, carried: Array, some: Array | bool = False) -> "RunningError":
        """A result whose operands' errors are `carried`, after one more rounding."""
        modulus = abs(value) + carried
        bound = carried + self.precision.units * modulus
        if some is not False:
            bound = bound + self.underflow(some)
        return self.finite(value, self.up(bound), modulus)


def where(condition: Any, array: Array, other: Any) -> Array:
    """`np.where`, which takes far longer than to see that all of the array is taken."""
    return array if is_all(condition) else np.where(condition, array, other)


def is_all(condition: Any) -> bool:
    """Whether it holds everywhere; `all` takes longer than to count."""
    return bool(np.count_nonzero(condition) == getattr(condition, "size", 1))


def _array(array: Any) -> Array:
    return array if isinstance(array, np.ndarray) else np.asarray(array, dtype=_kind(array))


def zeros_like(value: Array) -> Array:
    """Zeros in the shape of an array, and balls if it holds balls."""
    zeros = np.zeros(value.shape)
    return balls(zeros) if is_balls(value) else zeros


def like(array: Any, other: Array) -> Array:
    """The floats as balls, if the others are balls."""
    return balls(array) if is_balls(other) else np.asarray(array, np.float64)


def _kind(array: Any) -> type:
    return np.float64 if isinstance(array, float | int) else object
