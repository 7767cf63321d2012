"""The tolerance: running error bounds for any correct implementation, in any summation order.

`RunningError` carries a value v and a bound. Three numbers matter in each place: the exact result e
of the equations, the result c that some correct implementation computes in the subject's precision
u, and v, our own centre. **The invariant: no two of e, c and v are further apart than the bound.**
Each rule below keeps it. v is a float64 (then its own rounding is counted, U = u + 2^−53) or a ball
(then v = e and U = u); the same rules serve both. Bounds in floats are rounded up by more than
their own rounding errors. Second-order terms are kept.

Proved, entry by entry, from the assumptions below:
- +, −, ×, ÷ and negation round correctly, or, in sums and products of n terms, in any order,
  with or without fused multiply-add: γ_n = nU / (1 − nU) times the sum of the moduli;
- a product or quotient that underflows loses at most the smallest subnormal; a sum loses nothing;
- e^x may overflow to infinity, after which 1 / (1 + e^x) is still known: see `least`.

Assumed, since no standard proves it:
- exp and log are within `ULPS` units in the last place of their exact value, or below the smallest
  normal number where they underflow (vector libms flush there). NumPy states at most 4 ulp for
  its vector loops, SLEEF (PyTorch's) 1.0 ulp, glibc less than 1 ulp;
- the BLAS adds up the n products of an inner product in some order, and does not form others
  (Strassen's algorithm would break it);
- arithmetic is IEEE 754 with gradual underflow: no flush-to-zero mode.

Left out: the truth itself (`balls.py`), and what is compared with what (`verdict/compare.py`).

Source: N. Higham, *Accuracy and Stability of Numerical Algorithms* (2002), §3.1 and §3.3.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import DTypeLike

from conformance.arithmetic.balls import balls, is_balls
from conformance.arithmetic.formats import Format, format_of
from reference.step import Array

ULPS = 4
_LIBM = 2 * ULPS  # an ulp is at most two unit roundoffs
_DOUBLE = np.finfo(np.float64)
_INFINITE = np.array(np.inf)

P = ParamSpec("P")
R = TypeVar("R")
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


def _quietly(operation: Callable[P, R]) -> Callable[P, R]:
    @wraps(operation)
    def quiet_operation(*args: P.args, **kwargs: P.kwargs) -> R:
        if _quiet.get():
            return operation(*args, **kwargs)
        with quiet():
            return operation(*args, **kwargs)

    return quiet_operation


@dataclass(frozen=True)
class Precision:
    """The constants of the subject's arithmetic, joined with those of our centre."""

    unit: float  # U: largest relative error of one rounding
    subnormal: float  # largest absolute error of one underflow
    tiny: float  # the smallest normal number
    biggest: float  # the largest finite number
    slop: float  # relative error of one operation on the bounds themselves

    @classmethod
    def of(cls, dtype: "Format | DTypeLike", *, exact_centre: bool) -> "Precision":
        """The precision of a format in `FLOATS` around an exact or a float64 centre."""
        return _precision(format_of(dtype), exact_centre=exact_centre)

    def gamma(self, terms: int) -> float:
        """γ_n = nU / (1 − nU), or (1 + U)^n − 1, which is less and always there, rounded up."""
        product = terms * self.unit
        if product > 1 / 2:  # many terms in few bits
            return float(np.expm1(terms * np.log1p(self.unit))) * (1 + 4 * float(_DOUBLE.eps))
        return product / (1 - product) * (1 + 4 * float(_DOUBLE.eps))


@cache
def _precision(of: Format, *, exact_centre: bool) -> Precision:
    unit, subnormal = of.unit, of.subnormal
    if exact_centre:
        return Precision(unit, subnormal, of.tiny, of.biggest, 0.0)
    own = float(_DOUBLE.eps) / 2
    # The centre underflows too, and so may the bounds: a few subnormals cover both.
    subnormal += 8 * float(_DOUBLE.smallest_subnormal)
    return Precision(unit + own, subnormal, of.tiny, of.biggest, own)


class RunningError(NDArrayOperatorsMixin):
    """An array of values and one of bounds that goes through NumPy expressions like an array.

    Attributes:
        value: v, a float64 array or an object array of balls.
        bound: the largest distance between any two of e, c and v, shaped as `value`.
        least: where it is known better than |v| − bound: a lower bound of the moduli of e, c and v,
            which then all have the sign of v. It outlives an overflow.
        precision: whose roundings are counted.
    """

    def __init__(
        self,
        value: Array,
        bound: Array,
        precision: Precision,
        least: Array | Callable[[], Array] | None = None,
    ) -> None:
        """Join the arrays; see the class for their meaning. `least` may be worked out later."""
        self.value, self.bound, self.precision = _array(value), _array(bound), precision
        self._least = least

    @property
    @_quietly
    def least(self) -> Array:
        """See the class; worked out when it is asked for, as few rules do."""
        if callable(self._least):
            self._least = self._least()
        if self._least is None:
            modulus = abs(self.value)
            nothing = _like(np.nan, modulus)
            self._least = np.where(modulus >= self.bound, modulus - self.bound, nothing)
        return _array(self._least)

    @classmethod
    def exact(cls, array: Array, dtype: "Format | DTypeLike") -> "RunningError":
        """Numbers that are the same for everybody: float arrays or arrays of exact balls."""
        value = np.asarray(array, dtype=object if is_balls(array) else np.float64)
        precision = Precision.of(dtype, exact_centre=is_balls(value))
        return cls(value, _zeros(value), precision)

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

    @_quietly
    def sum(self, axis: int | None = None, *, keepdims: bool = False) -> "RunningError":
        """The sum along an axis, in any order."""
        terms = self.value.size if axis is None else self.value.shape[axis]
        kept: Any = keepdims  # NumPy's types have one overload for each of its values
        value, carried, moduli = (
            part.sum(axis=axis, keepdims=kept) for part in (self.value, self.bound, abs(self.value))
        )
        bound = carried + self.precision.gamma(max(terms - 1, 0)) * (moduli + carried)
        return self._finite(value, self._up(bound, terms), moduli + carried)

    def max(self, axis: int | None = None, *, keepdims: bool = False) -> "RunningError":
        """The largest along an axis, which is no further off than the one of them that is most."""
        kept: Any = keepdims
        value, bound = (
            np.asarray(part.max(axis=axis, keepdims=kept)) for part in (self.value, self.bound)
        )
        return RunningError(value, bound, self.precision)

    @_quietly
    def widened(self, roundings: int, underflows: int, *, zeros: bool = False) -> "RunningError":
        """Wider by some more roundings and underflows in each entry.

        Args:
            roundings: how many.
            underflows: how many, in each entry that is not exactly zero.
            zeros: a zero may be an underflow as well, and not exact.
        """
        modulus = abs(self.value) + self.bound
        some = (modulus > 0) | zeros
        more = roundings * self.precision.unit * modulus + underflows * self._underflow(some)
        return RunningError(self.value, self._up(self.bound + more), self.precision)

    def tolerance(self) -> Array:
        """The bounds in float64 (from a float centre), infinite where nothing is known."""
        bound = np.asarray(self.bound, dtype=np.float64)
        return np.where(np.isnan(bound), np.inf, bound)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Apply the rule of a ufunc; TypeError where there is none."""
        rule = _RULES.get(ufunc)
        if rule is None or method != "__call__" or kwargs:
            return NotImplemented
        return self._applied(rule, *inputs)

    @_quietly
    def _applied(self, rule: "Rule", *inputs: Any) -> Any:
        return rule(*map(self._lifted, inputs))

    def __array_function__(
        self, func: Callable[..., Any], _types: Any, args: Any, kwargs: Any
    ) -> Any:
        """Follow `np.where(condition, x, y)`, whose condition is a plain array of truth values."""
        if func is not np.where or kwargs:
            return NotImplemented
        condition, *choices = args
        x, y = (self._lifted(each) for each in choices)
        value, bound, least = (
            np.where(condition, getattr(x, name), getattr(y, name))
            for name in ("value", "bound", "least")
        )
        return RunningError(value, bound, self.precision, least)

    def _lifted(self, operand: Any) -> "RunningError":
        """An operand that is the same for everybody, such as the 1 of 1 / (1 + e^−z)."""
        if isinstance(operand, RunningError):
            return operand
        value = np.asarray(operand, dtype=self.value.dtype)
        return RunningError(value, _zeros(value), self.precision)

    @property
    def _some(self) -> Array:
        """Where it is not exactly zero for everybody."""
        if is_balls(self.value):
            return np.asarray(~((self.value == 0) & (self.bound == 0)), dtype=bool)
        return np.asarray((self.value != 0) | (self.bound != 0))

    def _underflow(self, some: Array | bool) -> Array | float:
        """The smallest subnormal, and 0 where the result is exactly zero for everybody."""
        return some * self.precision.subnormal

    def _finite(self, value: Array, bound: Array, largest: Array) -> "RunningError":
        """A result, or nothing known of it where a term or partial sum may have overflowed."""
        inside = largest + bound < self.precision.biggest
        unknown = _like(np.inf, bound) if is_balls(bound) else _INFINITE
        return RunningError(value, np.where(inside, bound, unknown), self.precision)

    @_quietly
    def loosened(self, roundings: int, moduli: "RunningError | int") -> "RunningError":
        """Room for some roundings of terms that cancel in the result."""
        moduli = self._lifted(moduli)
        more = self.precision.gamma(roundings) * (abs(moduli.value) + moduli.bound)
        return RunningError(self.value, self._up(self.bound + more), self.precision)

    def __abs__(self) -> "RunningError":
        """The moduli."""
        return RunningError(abs(self.value), self.bound, self.precision, lambda: self.least)

    def _up(self, bound: Array, terms: int = 1) -> Array:
        """A bound raised above the rounding errors of its own computation."""
        return bound * (1 + (2 * terms + 16) * self.precision.slop)

    def _rounded(self, value: Array, carried: Array, some: Array | bool = False) -> "RunningError":
        """A result whose operands' errors are `carried`, after one more rounding."""
        modulus = abs(value) + carried
        bound = carried + self.precision.unit * modulus + self._underflow(some)
        return self._finite(value, self._up(bound), modulus)


def _array(array: Any) -> Array:
    return array if isinstance(array, np.ndarray) else np.asarray(array, dtype=_kind(array))


def _zeros(value: Array) -> Array:
    zeros = np.zeros(value.shape)
    return balls(zeros) if is_balls(value) else zeros


def _like(array: Any, other: Array) -> Array:
    """The floats as balls, if the others are balls."""
    return balls(array) if is_balls(other) else np.asarray(array, np.float64)


def _kind(array: Any) -> type:
    return np.float64 if isinstance(array, float | int) else object


def _smaller(first: Array, second: Array) -> Array:
    """The smaller of two bounds, and the second where the first is unknown."""
    return np.where(first <= second, first, second)


def _add(x: RunningError, y: RunningError) -> RunningError:
    result = x._rounded(x.value + y.value, x.bound + y.bound)

    def least() -> Array:
        same_sign = (x.least >= 0) & (y.least >= 0) & ((x.value >= 0) == (y.value >= 0))
        return np.where(same_sign, (x.least + y.least) * (1 - 2 * x.precision.unit), result.least)

    return RunningError(result.value, result.bound, result.precision, least)


def _negative(x: RunningError) -> RunningError:
    return RunningError(-x.value, x.bound, x.precision, lambda: x.least)


def _multiply(x: RunningError, y: RunningError) -> RunningError:
    carried = abs(x.value) * y.bound + x.bound * (abs(y.value) + y.bound)
    return x._rounded(x.value * y.value, carried, x._some & y._some)


def _divide(x: RunningError, y: RunningError) -> RunningError:
    """|x/y − x′/y′| ≤ (|x − x′| + |x/y| |y − y′|) / |y′|, and ≤ |x/y| + |x′/y′| in any case."""
    value = x.value / y.value
    modulus = abs(value) + x._underflow(x._some)  # it may have underflowed itself
    first_order = x.bound / y.least + modulus * (y.bound / y.least)
    both = 2 * (abs(x.value) + x.bound) / y.least
    return x._rounded(value, _smaller(first_order, both), x._some)


def _exp(x: RunningError) -> RunningError:
    """|e^p − e^q| ≤ e^v (e^bound − 1), since p, q and v are within the bound of one another."""
    p = x.precision
    value = np.exp(x.value)
    carried = value * np.expm1(x.bound)
    lowest, highest = x.value - x.bound, x.value + x.bound
    if p.slop:  # floats: their own rounding, and a centre that underflowed
        lowest, highest = np.nextafter(lowest, -np.inf), np.nextafter(highest, np.inf)
        carried = np.where(value < _DOUBLE.tiny, np.exp(highest), carried)
    reach = value + carried
    bound = x._up(carried + _LIBM * p.unit * reach + p.tiny)
    bound = np.where(reach + bound < p.biggest, bound, _like(np.inf, value))
    least = np.exp(lowest) * (1 - 2 * _LIBM * p.unit) - 2 * p.tiny
    least = np.where(least > 0, least, 0)  # the modulus of something positive, if it underflowed
    least = np.where(least < p.biggest, least, p.biggest)
    return RunningError(value, bound, p, np.where(x.bound < np.inf, least, _like(np.nan, value)))


def _log(x: RunningError) -> RunningError:
    """|ln p − ln q| ≤ ln(1 + |p − q| / min(p, q)) for positive p and q."""
    p = x.precision
    value = np.log(x.value)
    carried = np.where(x.least > 0, np.log1p(x.bound / x.least), np.inf)
    bound = carried + _LIBM * p.unit * (abs(value) + carried)
    return RunningError(value, x._up(bound), p)


def _sqrt(x: RunningError) -> RunningError:
    """|√p − √q| ≤ |p − q| / (√p + √q), and ≤ √|p − q|; the root rounds correctly."""
    value = np.sqrt(x.value)
    most = np.sqrt(x.bound)
    return x._rounded(value, _smaller(x.bound / (2 * np.sqrt(x.least)), most))


def _power(x: RunningError, y: RunningError) -> RunningError:
    """p^a = e^(a ln p) for a positive p, by `pow` or by so many products."""
    p = x.precision
    value = x.value**y.value
    inside = np.log1p(x.bound / x.least) * (abs(y.value) + y.bound)
    inside = inside + y.bound * (abs(np.log(x.value)) + np.log1p(x.bound / x.least))
    carried = value * np.expm1(inside)
    products = (_LIBM + abs(y.value) + y.bound) * p.unit
    bound = carried + products / (1 - products) * (value + carried) + p.tiny
    return RunningError(value, x._up(bound), p)


def _tanh(x: RunningError) -> RunningError:
    """|tanh p − tanh q| ≤ |p − q| (1 − tanh² r), and ≤ 2, r the least modulus between them."""
    p = x.precision
    value = np.tanh(x.value)
    least = np.where(x.least > 0, x.least, _zeros(value))
    slope = 1 - np.square(np.tanh(least)) + 2 * _LIBM * p.slop
    carried = np.where(x.bound * slope < 2, x.bound * slope, 2)  # noqa: PLR2004 - from −1 to 1
    carried = np.where(x.bound < np.inf, carried, _like(np.full(x.shape, np.inf), value))
    bound = carried + _LIBM * p.unit * (abs(value) + carried) + x._some * p.tiny
    return RunningError(value, x._up(bound), p)


def _greater(x: RunningError, y: RunningError) -> RunningError:
    """1 where it is so, else 0; anything between where it is not decided."""
    off = x.value - y.value
    decided = (abs(off) > x.bound + y.bound) | ((x.bound == 0) & (y.bound == 0))
    undecided = np.asarray(~decided, dtype=bool)
    value = np.asarray(off > 0, dtype=bool)
    return RunningError(_like(value * 1.0, off), _like(undecided * 1.0, off), x.precision)


def _matmul(x: RunningError, y: RunningError) -> RunningError:
    """|fl(xy) − xy| ≤ γ_n |x||y| for n terms in any order, over what the factors carry."""
    p, terms = x.precision, x.shape[-1]
    moduli_x, moduli_y = abs(x.value), abs(y.value)
    products = moduli_x @ moduli_y
    carried = _carried(moduli_x, y.bound) + _carried(x.bound, moduli_y + y.bound)
    modulus = products + carried
    some = x._some.astype(float) @ y._some.astype(float) > 0
    bound = carried + p.gamma(terms + 1) * modulus + terms * x._underflow(some)
    return x._finite(x.value @ y.value, x._up(bound, terms), modulus)


def _carried(x: Array, y: Array) -> Array | int:
    """The product, for nothing where a factor is zero throughout and the other is finite."""
    if (x.any() or not (y < np.inf).all()) and (y.any() or not (x < np.inf).all()):
        return x @ y
    return 0


def _equal(x: RunningError, y: RunningError) -> Array:
    if np.any(x.bound) or np.any(y.bound):
        undecided = abs(x.value - y.value) <= x.bound + y.bound
        if np.any(undecided & ~((x.bound == 0) & (y.bound == 0))):
            raise ArithmeticError("== is undecided between values known within bounds")
    return np.asarray(x.value == y.value, dtype=bool)


Rule = Callable[..., Any]
_RULES: dict[np.ufunc, Rule] = {
    np.add: _add,
    np.subtract: lambda x, y: _add(x, _negative(y)),
    np.negative: _negative,
    np.multiply: _multiply,
    np.square: lambda x: _multiply(x, x),
    np.divide: _divide,
    np.exp: _exp,
    np.log: _log,
    np.sqrt: _sqrt,
    np.power: _power,
    np.tanh: _tanh,
    np.greater: _greater,
    np.matmul: _matmul,
    np.equal: _equal,
}


def _operator(rule: Rule, *, turned: bool = False) -> Callable[[RunningError, Any], RunningError]:
    """An operator by its rule at once: NumPy's way to `__array_ufunc__` takes as long again."""
    if turned:
        return lambda x, y: x._applied(rule, y, x)
    return lambda x, y: x._applied(rule, x, y)


for _name, _ufunc in {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "matmul": np.matmul,
}.items():
    setattr(RunningError, f"__{_name}__", _operator(_RULES[_ufunc]))
    setattr(RunningError, f"__r{_name}__", _operator(_RULES[_ufunc], turned=True))
