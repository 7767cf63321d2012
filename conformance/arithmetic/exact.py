"""Exact numbers for somebody else's code: balls that never turn into floats behind its back.

NumPy sends an operation on an object array to its elements (`np.exp` calls `element.exp()`, `@`
uses `+` and `*`). So a subject's own, unmodified code runs on arrays of `Exact` and gives proven
enclosures of what its formulas say. A comparison is decided for sure or refused. Whatever would
round to a float raises `LeftExactError`, which names the line of the subject's code.

Tried, and staying exact: + − * / ** @, comparisons, abs, np.dot, matmul, inner, outer, vdot,
tensordot, einsum, trace, sum, mean, average, var, std, prod, cumsum, max, min, ptp, maximum,
minimum, clip, argmax, argmin, sort, any, all, where, select, sign, square, power, reciprocal,
linalg.norm (2-norm), diag, kron, vectorize, nan_to_num, zeros_like, full_like, stacking, slicing,
`.T`, `.tolist()`; exp, exp2, expm1, log, log2, log10, log1p, sqrt, cbrt, the trigonometric and
hyperbolic functions and their inverses.
Leaving, and said so: float(), int(), round(), `math`, `.astype(float)`, an entry put into a float
array, `+=` on a float array, np.round, floor, isnan, isfinite, isclose, heaviside, scipy.special. A
constant that maximum, clip or where put beside exact numbers stays the float that it was: `np.log`
of it leaves, for NumPy asks a float for its `log`.

Left out: scalars that a subject computes from floats alone (`eta / len(batch)`, `1 / 3`). They
were rounded before they met an exact number, one part in 2^53 each; the caller has to admit that.
"""

import inspect
import numbers
from collections.abc import Callable
from typing import Any, NoReturn

import flint
import numpy as np

from conformance.arithmetic.place import innermost, outwards
from reference.step import Array


class LeftExactError(ArithmeticError):
    """The subject's code would turn an exact number into a float.

    Attributes:
        what: the operation that leaves.
        place: the line of the subject's code, or None if there is none on the stack.
    """

    verb = "leaves exact arithmetic"

    def __init__(self, what: str) -> None:
        """Find the line that is being run."""
        frame = inspect.currentframe()
        self.what, self.place = what, innermost(outwards(frame))
        at, source = (f"{self.place} ", self.place.quoted) if self.place else ("", "")
        super().__init__(f"{at}{self.verb}: {what}{source}")


class UndecidedComparisonError(LeftExactError):
    """Two balls overlap, so which of the numbers is larger is not known."""

    verb = "compares what is not decided"


def _ball(other: object) -> Any:
    """The exact ball of a number, or NotImplemented."""
    if isinstance(other, Exact):
        return other.ball
    if isinstance(other, float | int | flint.arb):
        return flint.arb(other)
    if isinstance(other, np.integer | np.bool_):
        return flint.arb(int(other))
    if isinstance(other, np.floating):  # of another width: a fraction whatever it is
        above, below = other.as_integer_ratio() if np.isfinite(other) else (float(other), 1)
        return flint.arb(above) / below
    return NotImplemented


def _binary(operation: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """The method of an operation, and the method with its operands turned round."""

    def forward(self: "Exact", other: object) -> Any:
        right = other.ball if type(other) is Exact else _ball(other)
        return NotImplemented if right is NotImplemented else Exact(operation(self.ball, right))

    def reflected(self: "Exact", other: object) -> Any:
        left = _ball(other)
        return NotImplemented if left is NotImplemented else Exact(operation(left, self.ball))

    return forward, reflected


def _unary(function: Callable[[Any], Any]) -> Any:
    return lambda self: Exact(function(self.ball))


def _comparison(symbol: str, holds: Callable[[Any, Any], bool], fails: Any) -> Any:
    """A comparison of which either `holds` or `fails` is sure."""

    def compare(self: "Exact", other: object) -> Any:
        right = _ball(other)
        if right is NotImplemented:
            return NotImplemented
        if holds(self.ball, right):
            return True
        if fails(self.ball, right):
            return False
        raise UndecidedComparisonError(f"{self} {symbol} {Exact(right)}")

    return compare


def _leaves(what: str) -> Any:
    def leave(_self: "Exact", *_: object) -> NoReturn:
        raise LeftExactError(what)

    return leave


def _power(base: Any, exponent: Any) -> Any:
    if exponent == 2:  # noqa: PLR2004 - a square is not negative, whatever its ball holds
        return base * base
    return base.sqrt() if exponent == flint.arb(0.5) else base**exponent


_arb = flint.arb


class Exact:
    """A number in a ball, computed at the precision in force (`balls.precision`).

    Attributes:
        ball: the proven enclosure.
    """

    __slots__ = ("ball",)
    __hash__ = None  # type: ignore[assignment]  # equality may be undecided

    def __init__(self, ball: Any) -> None:
        self.ball = ball

    __add__, __radd__ = _binary(lambda a, b: a + b)
    __sub__, __rsub__ = _binary(lambda a, b: a - b)
    __mul__, __rmul__ = _binary(lambda a, b: a * b)
    __truediv__, __rtruediv__ = _binary(lambda a, b: a / b)
    __pow__, __rpow__ = _binary(_power)
    __neg__, __pos__, __abs__ = _unary(lambda a: -a), _unary(lambda a: a), _unary(abs)

    __lt__ = _comparison("<", lambda a, b: a < b, lambda a, b: a >= b)
    __le__ = _comparison("<=", lambda a, b: a <= b, lambda a, b: a > b)
    __gt__ = _comparison(">", lambda a, b: a > b, lambda a, b: a <= b)
    __ge__ = _comparison(">=", lambda a, b: a >= b, lambda a, b: a < b)
    __eq__ = _comparison("==", lambda a, b: a == b, lambda a, b: a != b)
    __ne__ = _comparison("!=", lambda a, b: a != b, lambda a, b: a == b)

    # What NumPy's loops over objects call, by the names that they call it.
    exp, expm1, exp2 = _unary(_arb.exp), _unary(_arb.expm1), _unary(lambda a: _arb(2) ** a)
    log, log1p = _unary(_arb.log), _unary(_arb.log1p)
    log2, log10 = _unary(lambda a: a.log_base(2)), _unary(lambda a: a.log_base(10))
    sqrt, cbrt = _unary(_arb.sqrt), _unary(lambda a: a.sgn() * abs(a).root(3))
    sin, cos, tan = _unary(_arb.sin), _unary(_arb.cos), _unary(_arb.tan)
    sinh, cosh, tanh = _unary(_arb.sinh), _unary(_arb.cosh), _unary(_arb.tanh)
    arcsin, arccos, arctan = _unary(_arb.asin), _unary(_arb.acos), _unary(_arb.atan)
    arcsinh, arccosh, arctanh = _unary(_arb.asinh), _unary(_arb.acosh), _unary(_arb.atanh)
    erf, erfc, gamma, lgamma = map(_unary, (_arb.erf, _arb.erfc, _arb.gamma, _arb.lgamma))
    square, reciprocal = _unary(lambda a: a * a), _unary(lambda a: 1 / a)
    fabs, conjugate = _unary(abs), _unary(lambda a: a)

    # What a NumPy scalar has, so that the result of a sum can be handled like one.
    shape: tuple[int, ...] = ()
    ndim, size = 0, 1
    T = real = property(lambda self: self)
    imag = property(lambda _self: 0)
    item, copy = _unary(lambda a: a), _unary(lambda a: a)

    __float__, __int__, __complex__ = (
        _leaves(f"{kind}(...)") for kind in ("float", "int", "complex")
    )
    __index__ = _leaves("an index made of a computed number")
    __round__, __trunc__ = _leaves("round(...)"), _leaves("trunc(...)")
    __floor__, __ceil__ = _leaves("floor(...)"), _leaves("ceil(...)")
    rint, floor, ceil, trunc = (_leaves(f"np.{f}") for f in ("rint", "floor", "ceil", "trunc"))
    __floordiv__ = __rfloordiv__ = _leaves("//")
    __mod__ = __rmod__ = _leaves("%")
    astype = _leaves(".astype(...)")

    def __deepcopy__(self, _memo: object) -> "Exact":
        """Itself: it does not change."""
        return self

    def __bool__(self) -> bool:
        """Whether it is not 0, if that is sure."""
        return bool(self != 0)

    def __repr__(self) -> str:
        """Some digits of it."""
        return f"Exact({self.ball.str(17, radius=False)})"

    def __format__(self, spec: str) -> str:
        """As a float is written; text does not compute on."""
        return format(float(self.ball.mid()), spec)

    __str__ = __repr__


numbers.Number.register(Exact)


def _known(number: object) -> Any:
    ball = _ball(number)
    if ball is NotImplemented:
        raise TypeError(f"{type(number).__name__} {number!r:.40} is not a real number")
    return ball


_balls = np.frompyfunc(_known, 1, 1)
_wrap = np.frompyfunc(Exact, 1, 1)


def to_exact(array: object) -> Array:
    """Numbers as an object array of `Exact` of the same shape; a float is taken as it stands.

    Raises:
        TypeError: an entry is not a number, or complex.
    """
    return np.asarray(_wrap(to_balls(array)), dtype=object)


def to_balls(array: object) -> Array:
    """Exact numbers, or floats, or both, as an object array of balls of the same shape.

    Raises:
        TypeError: an entry is not a number, or complex.
    """
    return np.asarray(_balls(np.asarray(array).astype(object)), dtype=object)
