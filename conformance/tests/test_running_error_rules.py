"""Single rules of the running error where they are tight: a weaker one would be unsound.

Each test takes the operands for which one term of one rule is needed: products that all underflow,
quotients of a divisor known to one digit, e^x below the smallest normal number, bounds that are
reached. The judge is exact: what the rule promises is asked of numbers in balls.

Left out: ordinary operands, and whole steps (`test_running_error.py`).
"""

import operator
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.arithmetic.balls import balls, is_balls, precision, rounded
from conformance.arithmetic.rounding import ULPS, Precision, RunningError
from reference.step import Array

PROFILE = settings(max_examples=10, deadline=None, derandomize=True, database=None)
BITS = 4096

Dtype: TypeAlias = Any  # np.float64 or np.float32
each_dtype = pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
each_centre = pytest.mark.parametrize("exact_centre", [False, True], ids=["floats", "balls"])
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def in_balls(array: Any) -> Array:
    """The array as balls, if it is not one already."""
    return array if is_balls(array) else balls(array)


def beyond(result: RunningError, exact: Array, computed: Array) -> list[tuple[int, ...]]:
    """Where two of the exact number, a computed one and the centre are further apart than bound."""
    e, c, v, bound = map(in_balls, (exact, computed, result.value, result.bound))
    known = np.isfinite(result.tolerance())
    assert known.any(), "nothing is tested"
    outside = [~np.asarray(abs(p - q) <= bound, dtype=bool) for p, q in ((e, v), (c, v), (e, c))]
    return [tuple(map(int, at)) for at in np.argwhere(known & np.any(outside, axis=0))]


def around(centre: Array, ends: Array, dtype: Dtype) -> RunningError:
    """A float centre whose bound is reached: `ends` are exactly that far from it."""
    bound = abs(ends.astype(np.float64) - centre)
    assert (in_balls(bound) == abs(in_balls(ends) - in_balls(centre))).all()
    return RunningError(centre, bound, Precision.of(dtype, exact_centre=False))


def subnormals(dtype: Dtype) -> float:
    """What an underflow in the dtype and one in a float64 centre may lose together, and more."""
    return float(np.finfo(dtype).smallest_subnormal) + 8 * 2.0**-1074


# Bounds that are reached


def drawn(rng: np.random.Generator, dtype: Dtype, *shape: int) -> tuple[RunningError, Array]:
    """Positive numbers and a centre each, of which the distance is exact in float64.

    The numbers are multiples of one unit, with as many bits as the dtype has; so are the centres,
    with 50. The unit makes them all larger than 1, or all smaller.
    """
    digits = int(np.finfo(dtype).nmant) - 2
    bits = rng.integers(2, digits, shape)
    unit = rng.choice([-60, 0])
    ends = np.ldexp(rng.integers(1, 2**bits).astype(np.float64), unit + 50 - digits)
    centre = np.ldexp(rng.integers(1, 2 ** rng.integers(2, 50, shape)).astype(np.float64), unit)
    return around(centre, ends.astype(dtype), dtype), ends.astype(dtype)


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
}


@pytest.mark.parametrize("name", ARITHMETIC)
@each_dtype
@given(rng=seeds)
@PROFILE
def test_a_bound_is_not_below_what_it_bounds_by_its_own_rounding(
    name: str, dtype: Dtype, rng: np.random.Generator
) -> None:
    operation = ARITHMETIC[name]
    (x, x_end), (y, y_end) = (drawn(rng, dtype, 200) for _ in range(2))
    with precision(BITS):
        exact = operation(balls(x_end), balls(y_end))
        assert not beyond(operation(x, y), exact, operation(x_end, y_end))


# Underflow


@each_dtype
@each_centre
@given(rng=seeds, terms=st.integers(2, 60))
@PROFILE
def test_each_term_of_an_inner_product_may_underflow(
    dtype: Dtype, exact_centre: bool, rng: np.random.Generator, terms: int
) -> None:
    """Every product is below half the smallest subnormal, so all of them are computed as 0."""
    exponent = int(np.finfo(dtype).minexp) - int(np.finfo(dtype).nmant)
    x, y = (rng.uniform(0.9, 0.999, terms) for _ in range(2))
    x = np.ldexp(x, exponent // 2).astype(dtype)[None]
    y = np.ldexp(y, exponent - exponent // 2 - 1).astype(dtype)[:, None]
    with np.errstate(under="ignore"), precision(BITS):
        lifted = [balls(each) if exact_centre else each for each in (x, y)]
        result = operator.matmul(*(RunningError.exact(each, dtype) for each in lifted))
        assert not beyond(result, balls(x) @ balls(y), np.zeros((1, 1), dtype))
        assert (result.tolerance() <= terms * 1.01 * subnormals(dtype)).all()


@pytest.mark.parametrize("terms", [1, 5])
@given(rng=seeds)
@PROFILE
def test_the_centre_underflows_as_well_as_the_subject_and_the_bound(
    rng: np.random.Generator, terms: int
) -> None:
    """Products of about one subnormal, of factors that are known to one digit."""
    shape = (300, terms)
    centre = [np.ldexp(rng.integers(1, 2**9, shape).astype(float), -537 - 8) for _ in range(2)]
    ends = [np.ldexp(rng.integers(1, 2**9, shape).astype(float), -537 - 8) for _ in range(2)]
    x, y = (around(*pair, np.float64) for pair in zip(centre, ends, strict=True))
    with np.errstate(under="ignore"), precision(BITS):
        products = np.multiply(*ends)
        if terms == 1:
            assert not beyond(x * y, np.multiply(*map(balls, ends)), products)
        for i in range(0, len(products), 10):
            row, column = x[i : i + 1], y[i : i + 1].T
            exact = balls(ends[0][i : i + 1]) @ balls(ends[1][i : i + 1].T)
            assert not beyond(row @ column, exact, products[i].sum().reshape(1, 1))


@given(rng=seeds, numerator=st.integers(1, 40))
@PROFILE
def test_a_quotient_that_underflowed_counts_times_the_error_of_the_divisor(
    rng: np.random.Generator, numerator: int
) -> None:
    """The centre's quotient is 0 or subnormal; the divisor may be a small part of its centre."""
    x = np.full(200, np.ldexp(float(numerator), -1074))
    centre = np.ldexp(rng.integers(2**20, 2**30, 200).astype(float), -20)
    ends = np.ldexp(rng.integers(1, 2**30, 200).astype(float), -20)
    y = around(centre, ends, np.float64)
    with np.errstate(under="ignore"), precision(BITS):
        result = RunningError.exact(x, np.float64) / y
        exact = balls(x) / balls(ends)
        assert not beyond(result, exact, x / ends)


@each_dtype
@each_centre
@given(rng=seeds)
@PROFILE
def test_a_quotient_may_underflow(
    dtype: Dtype, exact_centre: bool, rng: np.random.Generator
) -> None:
    exponent = int(np.finfo(dtype).minexp)
    x = np.ldexp(rng.uniform(0, 1, 50), exponent + 3).astype(dtype)
    y = np.ldexp(rng.uniform(1, 2, 50), rng.integers(0, 26, 50)).astype(dtype)
    with np.errstate(under="ignore"), precision(BITS):
        known = [
            RunningError.exact(balls(each) if exact_centre else each, dtype) for each in (x, y)
        ]
        assert not beyond(known[0] / known[1], balls(x) / balls(y), x / y)


# e^x


def power(value: Array, bound: Array, dtype: Dtype, exact_centre: bool) -> RunningError:
    """What is known of e^x for x within a bound of a value."""
    arithmetic = Precision.of(dtype, exact_centre=exact_centre)
    v, width = (balls(each) if exact_centre else each for each in (value, bound))
    result: RunningError = np.exp(RunningError(v, width, arithmetic))
    return result


@given(rng=seeds)
@PROFILE
def test_where_the_centre_of_e_to_x_underflows_its_bound_reaches_all_that_x_may_be(
    rng: np.random.Generator,
) -> None:
    x, bound = rng.uniform(-790, -746, 100), rng.uniform(60, 250, 100)
    with np.errstate(under="ignore"), precision(BITS):
        result = power(x, bound, np.float64, exact_centre=False)
        highest = np.exp(balls(x) + balls(bound))
        computed = rounded(highest, np.float64)
        assert not beyond(result, highest, computed)
        assert (result.tolerance() <= 1.01 * computed + 3 * np.finfo(np.float64).tiny).all()


@each_dtype
@each_centre
@given(rng=seeds)
@PROFILE
def test_no_modulus_of_e_to_x_is_below_the_least_where_x_less_its_bound_is_rounded(
    dtype: Dtype, exact_centre: bool, rng: np.random.Generator
) -> None:
    """The bound is less than a unit in the last place of x, which e^x makes many of its own."""
    x = np.floor(rng.uniform(-80, 80, 200) if dtype is np.float32 else rng.uniform(-700, 700, 200))
    bound = np.spacing(abs(x)) * np.ldexp(rng.integers(1, 2**9, 200).astype(float), -9)
    with precision(BITS):
        result = power(x, bound, dtype, exact_centre)
        lowest = np.exp(balls(x) - balls(bound))
        least = in_balls(result.least)
        assert np.asarray(least <= lowest, dtype=bool).all()
        known = np.asarray(lowest > 9 * float(np.finfo(dtype).tiny), dtype=bool)
        assert (least[known] > lowest[known] / 2).all()


@each_dtype
@each_centre
@given(rng=seeds)
@PROFILE
def test_e_to_x_that_a_libm_may_flush_to_0_has_no_least_modulus(
    dtype: Dtype, exact_centre: bool, rng: np.random.Generator
) -> None:
    tiny, unit = float(np.finfo(dtype).tiny), float(np.finfo(dtype).eps) / 2
    x = np.log(tiny) + rng.uniform(-3, 3, 200) * rng.choice([1.0, 1e-3, unit * 20], 200)
    with precision(BITS):
        result = power(x, np.zeros(200), dtype, exact_centre)
        lowest_computed = np.exp(balls(x)) * (1 - 2 * ULPS * unit)
        flushed = np.asarray(lowest_computed < tiny, dtype=bool)
        least = np.asarray(result.least, np.float64)
        assert flushed.any()
        assert (least[flushed] == 0).all()
        assert (np.asarray(abs(result.value) - result.bound <= 0, dtype=bool)[flushed]).all()


# A libm that is as bad as is assumed


@pytest.mark.parametrize("name", ["exp", "log"])
@pytest.mark.parametrize("side", [-1, 1], ids=["below", "above"])
@each_dtype
@each_centre
@given(rng=seeds)
@PROFILE
def test_a_function_of_a_libm_may_be_four_units_off(
    name: str, side: int, dtype: Dtype, exact_centre: bool, rng: np.random.Generator
) -> None:
    function = getattr(np, name)
    x = rng.uniform(0.5, 60, 100).astype(dtype)
    with precision(BITS):
        exact = function(balls(x))
        nearest = rounded(exact, dtype)
        off = nearest + dtype(side * (ULPS - 1)) * np.spacing(nearest)  # and half a unit at most
        lifted = balls(x) if exact_centre else x
        result = function(RunningError.exact(lifted, dtype))
        assert not beyond(result, exact, off)
        widest = 4 * ULPS * abs(nearest).astype(np.float64) * np.finfo(dtype).eps
        assert (result.tolerance() <= widest).all()
