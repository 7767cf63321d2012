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

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.arithmetic.constants import DOUBLE, Precision
from conformance.arithmetic.running_error import (
    Rule,
    RunningError,
    like,
    quiet,
    quiet_operation,
    where,
    zeros_like,
)
from reference.step import Array

__all__ = ["ULPS", "Precision", "RunningError", "quiet"]

ULPS = 4
_LIBM = 2 * ULPS  # an ulp is at most two unit roundoffs


def _smaller(first: Array, second: Array) -> Array:
    """The smaller of two bounds, and the second where the first is unknown."""
    return where(first <= second, first, second)


def _add(x: RunningError, y: RunningError) -> RunningError:
    result = x.rounded(x.value + y.value, x.bound + y.bound)

    def least() -> Array:
        same_sign = (x.least >= 0) & (y.least >= 0) & ((x.value >= 0) == (y.value >= 0))
        return where(same_sign, (x.least + y.least) * (1 - 2 * x.precision.unit), result.least)

    return RunningError(result.value, result.bound, result.precision, least)


def _negative(x: RunningError) -> RunningError:
    return RunningError(-x.value, x.bound, x.precision, lambda: x.least)


def _multiply(x: RunningError, y: RunningError) -> RunningError:
    carried = abs(x.value) * y.bound + x.bound * (abs(y.value) + y.bound)
    return x.rounded(x.value * y.value, carried, x.some & y.some)


def _divide(x: RunningError, y: RunningError) -> RunningError:
    """|x/y − x′/y′| ≤ (|x − x′| + |x/y| |y − y′|) / |y′|, and ≤ |x/y| + |x′/y′| in any case."""
    value, some, least = x.value / y.value, x.some, y.least
    modulus = abs(value) + x.underflow(some)  # it may have underflowed itself
    first_order = x.bound / least + modulus * (y.bound / least)
    both = 2 * (abs(x.value) + x.bound) / least
    return x.rounded(value, _smaller(first_order, both), some)


def _exp(x: RunningError) -> RunningError:
    """|e^p − e^q| ≤ e^v (e^bound − 1), since p, q and v are within the bound of one another."""
    p = x.precision
    value = np.exp(x.value)
    carried = value * np.expm1(x.bound)
    lowest, highest = x.value - x.bound, x.value + x.bound
    if p.slop:  # floats: their own rounding, and a centre that underflowed
        lowest, highest = np.nextafter(lowest, -np.inf), np.nextafter(highest, np.inf)
        carried = where(~(value < DOUBLE.tiny), carried, np.exp(highest))
    reach = value + carried
    bound = x.up(carried + _LIBM * p.unit * reach + p.tiny)
    bound = where(reach + bound < p.most, bound, like(np.inf, value))
    least = np.exp(lowest) * (1 - 2 * _LIBM * p.unit) - 2 * p.tiny
    least = where(least > 0, least, 0)  # the modulus of something positive, if it underflowed
    least = where(least < p.most, least, p.most)
    return RunningError(value, bound, p, where(x.bound < np.inf, least, like(np.nan, value)))


def _log(x: RunningError) -> RunningError:
    """|ln p − ln q| ≤ ln(1 + |p − q| / min(p, q)) for positive p and q."""
    p = x.precision
    value = np.log(x.value)
    carried = np.where(x.least > 0, np.log1p(x.bound / x.least), np.inf)
    bound = carried + _LIBM * p.unit * (abs(value) + carried)
    return RunningError(value, x.up(bound), p)


def _sqrt(x: RunningError) -> RunningError:
    """|√p − √q| ≤ |p − q| / (√p + √q), and ≤ √|p − q|; the root rounds correctly."""
    value = np.sqrt(x.value)
    most = np.sqrt(x.bound)
    return x.rounded(value, _smaller(x.bound / (2 * np.sqrt(x.least)), most))


def _power(x: RunningError, y: RunningError) -> RunningError:
    """p^a = e^(a ln p) for a positive p, by `pow` or by so many products."""
    p = x.precision
    value = x.value**y.value
    inside = np.log1p(x.bound / x.least) * (abs(y.value) + y.bound)
    inside = inside + y.bound * (abs(np.log(x.value)) + np.log1p(x.bound / x.least))
    carried = value * np.expm1(inside)
    products = (_LIBM + abs(y.value) + y.bound) * p.unit
    bound = carried + products / (1 - products) * (value + carried) + p.tiny
    return RunningError(value, x.up(bound), p)


def _tanh(x: RunningError) -> RunningError:
    """|tanh p − tanh q| ≤ |p − q| (1 − tanh² r), and ≤ 2, r the least modulus between them."""
    p = x.precision
    value = np.tanh(x.value)
    least = np.where(x.least > 0, x.least, zeros_like(value))
    slope = 1 - np.square(np.tanh(least)) + 2 * _LIBM * p.slop
    carried = np.where(x.bound * slope < 2, x.bound * slope, 2)  # noqa: PLR2004 - from −1 to 1
    carried = np.where(x.bound < np.inf, carried, like(np.full(x.shape, np.inf), value))
    bound = carried + _LIBM * p.unit * (abs(value) + carried) + x.some * p.tiny
    return RunningError(value, x.up(bound), p)


def _greater(x: RunningError, y: RunningError) -> RunningError:
    """1 where it is so, else 0; anything between where it is not decided."""
    off = x.value - y.value
    decided = (abs(off) > x.bound + y.bound) | ((x.bound == 0) & (y.bound == 0))
    undecided = np.asarray(~decided, dtype=bool)
    value = np.asarray(off > 0, dtype=bool)
    return RunningError(like(value * 1.0, off), like(undecided * 1.0, off), x.precision)


def _matmul(x: RunningError, y: RunningError) -> RunningError:
    """|fl(xy) − xy| ≤ γ_n |x||y| for n terms in any order, over what the factors carry."""
    p, terms = x.precision, x.shape[-1]
    moduli_x, moduli_y = abs(x.value), abs(y.value)
    products = moduli_x @ moduli_y
    carried = _carried(moduli_x, y.bound) + _carried(x.bound, moduli_y + y.bound)
    modulus = products + carried
    some = x.some.astype(float) @ y.some.astype(float) > 0
    bound = carried + p.gamma(terms + 1) * modulus + terms * x.underflow(some)
    return x.finite(x.value @ y.value, x.up(bound, terms), modulus)


def _carried(x: Array, y: Array) -> Array | int:
    """The product, for nothing where a factor is zero throughout and the other is finite."""
    return x @ y if _matters(x, y) and _matters(y, x) else 0


def _matters(x: Array, y: Array) -> bool:
    """Whether a factor is not zero throughout, or the other one not finite."""
    return bool(np.count_nonzero(x) or np.count_nonzero(y < np.inf) < y.size)


def _equal(x: RunningError, y: RunningError) -> Array:
    if np.any(x.bound) or np.any(y.bound):
        undecided = abs(x.value - y.value) <= x.bound + y.bound
        if np.any(undecided & ~((x.bound == 0) & (y.bound == 0))):
            raise ArithmeticError("== is undecided between values known within bounds")
    return np.asarray(x.value == y.value, dtype=bool)


RunningError.rules = {
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
    quietly = quiet_operation(rule)

    def applied(x: RunningError, y: Any) -> RunningError:
        pair = x, x.lifted(y)
        result: RunningError = quietly(*(reversed(pair) if turned else pair))
        return result

    def operator(x: RunningError, y: Any) -> RunningError:
        if type(y) is not int:
            return applied(x, y)
        return x.once((operator, y), lambda: applied(x, y))  # σ′ asks for 1 / (1 + e^−z) again

    return operator


for _name, _ufunc in {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.divide,
    "matmul": np.matmul,
}.items():
    setattr(RunningError, f"__{_name}__", _operator(RunningError.rules[_ufunc]))
    setattr(RunningError, f"__r{_name}__", _operator(RunningError.rules[_ufunc], turned=True))
