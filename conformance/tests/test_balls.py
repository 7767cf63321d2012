"""Tests of the truth: its rounding against Python's fractions, its enclosures against more bits.

Left out: how far a float computation may be off (`test_running_error.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from conformance.arithmetic.balls import (
    MOST_BITS,
    START_BITS,
    UndecidedError,
    balls,
    is_balls,
    precision,
    rounded,
    rounded_up,
    tells_ties,
    until_decided,
)
from conformance.cases.build import recorded_step
from conformance.corpus.case import Case
from conformance.tests.parts import few
from conformance.verdict.oracle import exact_step
from reference import equations
from reference.step import Array, Batch, Parameters

PROFILE = settings(max_examples=few(40, 100), deadline=None, derandomize=True)

Dtype: TypeAlias = type[np.floating[Any]]
DTYPES: tuple[Dtype, ...] = (np.float64, np.float32)
BITS: dict[Dtype, type[np.signedinteger[Any]]] = {np.float64: np.int64, np.float32: np.int32}
EXACT_BITS = 8192  # holds every sum of products of two float64 numbers
each_dtype = pytest.mark.parametrize("dtype", DTYPES)
drawn_dtypes = st.sampled_from(DTYPES)


def number(bits: int, dtype: Dtype) -> Fraction:
    """The float with these bits (not negative); infinity is where the next float would be."""
    if bits == infinity(dtype):
        return Fraction(2) ** int(np.finfo(dtype).maxexp)
    return Fraction(float(BITS[dtype](bits).view(dtype)))


def infinity(dtype: Dtype) -> int:
    """The bits of infinity: one more than those of the largest float."""
    return int(dtype(np.inf).view(BITS[dtype]))


def nearest(exact: Fraction, dtype: Dtype) -> Any:
    """The float nearest to a fraction: two neighbours, by bisection, and their distances."""
    low, high = 0, infinity(dtype)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if number(middle, dtype) <= abs(exact) else (low, middle)
    below, above = abs(exact) - number(low, dtype), number(high, dtype) - abs(exact)
    bits = low if below < above or (below == above and low % 2 == 0) else high
    return BITS[dtype](bits).view(dtype) * dtype(-1 if exact < 0 else 1) + dtype(0)


def ball(exact: Fraction) -> flint.arb:
    """A ball around a fraction, at the precision in force."""
    return flint.arb(flint.fmpq(exact.numerator, exact.denominator))


def one(each: flint.arb) -> Array:
    """An array of one ball."""
    return np.array([each], dtype=object)


def rounds(exact: Fraction, dtype: Dtype, to: Callable[..., Array] = rounded) -> Any:
    """What a fraction is rounded to, with as many bits as it takes."""
    return until_decided(lambda ties: to(one(ball(exact)), dtype, ties=ties))[0]


def same_bits(got: Any, right: Any) -> bool:
    """Whether two floats are the same, the sign of a zero included."""
    return bool(got.dtype == right.dtype and got.tobytes() == right.tobytes())


@st.composite
def midpoints(draw: st.DrawFn) -> tuple[Dtype, int, Fraction, Fraction]:
    """A dtype, a float by its bits, the midpoint to the next float, and the gap to it."""
    dtype = draw(drawn_dtypes)
    smallest_normal = int(np.finfo(dtype).tiny.view(BITS[dtype]))
    bits = draw(
        st.integers(0, infinity(dtype) - 1)
        | st.integers(0, 9)
        | st.integers(smallest_normal - 3, smallest_normal + 3)
        | st.integers(infinity(dtype) - 4, infinity(dtype) - 1)
    )
    low, high = number(bits, dtype), number(bits + 1, dtype)
    return dtype, bits, (low + high) / 2, high - low


@st.composite
def fractions(draw: st.DrawFn) -> tuple[Dtype, Fraction]:
    """A dtype, and a fraction somewhere in or a little beyond its range."""
    dtype = draw(drawn_dtypes)
    info = np.finfo(dtype)
    numerator = draw(st.integers(-(2**80), 2**80))
    denominator = draw(st.integers(1, 2**80))
    exponent = draw(st.integers(int(info.minexp) - 60, int(info.maxexp) + 10) | st.integers(-9, 9))
    return dtype, Fraction(numerator, denominator) * Fraction(2) ** exponent


# Correct rounding


@given(fractions())
@PROFILE
def test_a_fraction_is_rounded_to_its_nearest_float(drawn: tuple[Dtype, Fraction]) -> None:
    dtype, exact = drawn
    assert same_bits(rounds(exact, dtype), nearest(exact, dtype))


@given(midpoints(), st.sampled_from([1, -1]))
@PROFILE
def test_an_exact_midpoint_goes_to_the_even_neighbour(
    drawn: tuple[Dtype, int, Fraction, Fraction], sign: int
) -> None:
    dtype, bits, middle, _ = drawn
    even = BITS[dtype](bits + bits % 2).view(dtype)
    assert same_bits(rounds(sign * middle, dtype), even * dtype(sign) + dtype(0))


@given(midpoints(), st.sampled_from([1, -1]), st.sampled_from([1, -1]), st.integers(2, 3000))
@PROFILE
def test_what_is_beside_a_midpoint_by_however_little_is_no_tie(
    drawn: tuple[Dtype, int, Fraction, Fraction], sign: int, side: int, bits_off: int
) -> None:
    dtype, bits, middle, gap = drawn
    exact = sign * (middle + side * gap / Fraction(2) ** bits_off)
    right = BITS[dtype](bits + (side > 0)).view(dtype) * dtype(sign) + dtype(0)
    assert same_bits(rounds(exact, dtype), right)


@given(drawn_dtypes, st.integers(-99, 99), st.integers(1, 16))
@PROFILE
def test_subnormals_are_rounded_in_whole_smallest_subnormals(
    dtype: Dtype, numerator: int, denominator: int
) -> None:
    exact = Fraction(numerator, denominator)
    unit = Fraction(float(np.finfo(dtype).smallest_subnormal))
    right = dtype(float(round(exact) * unit))  # Python rounds a Fraction half to even
    assert same_bits(rounds(exact * unit, dtype), right + dtype(0))


@each_dtype
@pytest.mark.parametrize("sign", [1, -1])
def test_half_the_smallest_subnormal_is_a_zero_without_sign(dtype: Dtype, sign: int) -> None:
    half = sign * Fraction(float(np.finfo(dtype).smallest_subnormal)) / 2
    assert same_bits(rounds(half, dtype), dtype(0))


@each_dtype
def test_a_negative_zero_loses_its_sign(dtype: Dtype) -> None:
    assert same_bits(rounded(balls(np.array([-0.0])), dtype)[0], dtype(0))


@each_dtype
@pytest.mark.parametrize("sign", [1, -1])
def test_half_a_unit_beyond_the_largest_float_is_infinite(dtype: Dtype, sign: int) -> None:
    info = np.finfo(dtype)
    half = Fraction(2) ** (int(info.maxexp) - int(info.nmant) - 2)
    assert rounds(sign * (Fraction(float(info.max)) + half), dtype) == sign * np.inf


@each_dtype
@pytest.mark.parametrize("sign", [1, -1])
def test_less_than_half_a_unit_beyond_the_largest_float_is_that_float(
    dtype: Dtype, sign: int
) -> None:
    info = np.finfo(dtype)
    half = Fraction(2) ** (int(info.maxexp) - int(info.nmant) - 2)
    exact = Fraction(float(info.max)) + half * (1 - Fraction(1, 2**900))
    assert rounds(sign * exact, dtype) == sign * info.max


@each_dtype
def test_what_is_far_beyond_the_largest_float_is_infinite(dtype: Dtype) -> None:
    assert rounds(Fraction(-(10**400)), dtype) == -np.inf


@given(st.integers(0, infinity(np.float32) - 2), st.sampled_from([1, -1]), st.integers(55, 2000))
@PROFILE
def test_rounding_to_float32_does_not_go_through_float64(
    bits: int, side: int, bits_off: int
) -> None:
    low, high = number(bits, np.float32), number(bits + 1, np.float32)
    exact = (low + high) / 2 * (1 + side * Fraction(1, 2**bits_off))  # float64 sees the midpoint
    assert same_bits(rounds(exact, np.float32), nearest(exact, np.float32))


def test_the_numbers_of_that_test_would_be_wrong_through_float64() -> None:
    exact = Fraction(1) + Fraction(1, 2**24) + Fraction(1, 2**60)
    assert np.float32(np.float64(exact)) != nearest(exact, np.float32)


@each_dtype
def test_rounding_keeps_the_shape_and_takes_the_dtype(dtype: Dtype) -> None:
    for shape in ((), (0,), (2, 1), (2, 3)):
        got = rounded(balls(np.ones(shape)), dtype)
        assert (got.shape, got.dtype) == (shape, np.dtype(dtype))


@each_dtype
def test_a_single_number_is_rounded_like_an_array(dtype: Dtype) -> None:
    with precision(START_BITS):
        middle = np.array(1 + flint.arb(1.5 * float(np.finfo(dtype).eps)), dtype=object)
        assert rounded(middle, dtype).item() == 1 + 2 * np.finfo(dtype).eps


# Balls that are too wide


@given(midpoints(), st.sampled_from([1, -1]), st.integers(3, 60))
@PROFILE
def test_a_ball_over_a_midpoint_is_undecided(
    drawn: tuple[Dtype, int, Fraction, Fraction], sign: int, bits_wide: int
) -> None:
    dtype, _, middle, gap = drawn
    with precision(EXACT_BITS):
        wide = flint.arb(ball(sign * middle), ball(gap / 2**bits_wide))
        with pytest.raises(UndecidedError):
            rounded(one(wide), dtype)


@given(midpoints(), st.sampled_from([1, -1]), st.integers(3, 60))
@PROFILE
def test_a_ball_over_a_midpoint_goes_to_the_even_neighbour_if_told_that_it_is_a_tie(
    drawn: tuple[Dtype, int, Fraction, Fraction], sign: int, bits_wide: int
) -> None:
    dtype, bits, middle, gap = drawn
    even = BITS[dtype](bits + bits % 2).view(dtype) * dtype(sign) + dtype(0)
    with precision(EXACT_BITS):
        wide = flint.arb(ball(sign * middle), ball(gap / 2**bits_wide))
        assert same_bits(rounded(one(wide), dtype, ties=True)[0], even)


@given(midpoints(), st.integers(3, 60))
@PROFILE
def test_a_ball_between_midpoints_is_decided(
    drawn: tuple[Dtype, int, Fraction, Fraction], bits_off: int
) -> None:
    dtype, bits, middle, gap = drawn
    off = gap / 2**bits_off
    with precision(EXACT_BITS):
        narrow = flint.arb(ball(middle + off), ball(off * Fraction(1023, 1024)))
        right = BITS[dtype](bits + 1).view(dtype)
        assert same_bits(rounded(one(narrow), dtype)[0], right)


@each_dtype
@pytest.mark.parametrize("ties", [False, True])
def test_a_ball_over_two_midpoints_is_undecided_even_if_told_that_it_is_a_tie(
    dtype: Dtype, ties: bool
) -> None:
    wide = flint.arb(1, 4 * float(np.finfo(dtype).eps))
    with pytest.raises(UndecidedError):
        rounded(one(wide), dtype, ties=ties)


@each_dtype
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("unknown", [flint.arb("nan"), flint.arb(0, "inf")])
def test_what_is_not_known_at_all_is_never_rounded(
    dtype: Dtype, ties: bool, unknown: flint.arb
) -> None:
    with pytest.raises(UndecidedError):
        rounded(one(unknown), dtype, ties=ties)


@each_dtype
def test_one_undecided_ball_makes_an_array_undecided(dtype: Dtype) -> None:
    array = balls(np.ones((2, 2)))
    array[1, 0] = flint.arb(1, 4 * float(np.finfo(dtype).eps))
    with pytest.raises(UndecidedError, match="1 ball"):
        rounded(array, dtype)


@each_dtype
def test_only_the_undecided_entries_go_to_the_even_neighbour(dtype: Dtype) -> None:
    eps = float(np.finfo(dtype).eps)
    with precision(START_BITS):
        tie = 1 + flint.arb(1.5 * eps, eps / 8)
        array = np.array([flint.arb(1 + eps), tie], dtype=object)
        assert rounded(array, dtype, ties=True).tolist() == [1 + eps, 1 + 2 * eps]


# Rounding up


@given(fractions())
@PROFILE
def test_what_is_rounded_up_is_not_below_the_exact_value(drawn: tuple[Dtype, Fraction]) -> None:
    dtype, exact = drawn
    up = rounds(exact, dtype, rounded_up)
    assert up == np.inf or Fraction(float(up)) >= exact


@given(fractions())
@PROFILE
def test_what_is_rounded_up_is_at_most_two_units_above(drawn: tuple[Dtype, Fraction]) -> None:
    dtype, exact = drawn
    up = rounds(exact, dtype, rounded_up)
    largest = Fraction(float(np.finfo(dtype).max))
    with np.errstate(over="ignore"):
        two_below = np.nextafter(np.nextafter(up, dtype(-np.inf)), dtype(-np.inf))
    lowest = exact if two_below == -np.inf else Fraction(float(two_below))
    assert exact > largest if up == two_below == np.inf else lowest <= exact


@each_dtype
def test_zero_rounded_up_stays_zero(dtype: Dtype) -> None:
    assert same_bits(rounded_up(balls(np.array([0.0])), dtype)[0], dtype(0))


@each_dtype
def test_what_is_barely_above_zero_is_not_rounded_up_to_zero(dtype: Dtype) -> None:
    assert rounds(Fraction(1, 2**1200), dtype, rounded_up) == np.finfo(dtype).smallest_subnormal


@each_dtype
def test_the_largest_float_is_rounded_up_without_a_warning(dtype: Dtype) -> None:
    largest = np.finfo(dtype).max
    assert rounded_up(balls(np.array([largest])), dtype)[0] >= largest


@each_dtype
def test_an_undecided_ball_is_not_rounded_up(dtype: Dtype) -> None:
    with pytest.raises(UndecidedError):
        rounded_up(one(flint.arb(1, 4 * float(np.finfo(dtype).eps))), dtype)


# More and more bits


@each_dtype
def test_sigma_prime_far_out_is_decided_to_be_zero(dtype: Dtype) -> None:
    z = balls(np.array([800.0, -800.0]))
    got = until_decided(lambda ties: rounded(equations.sigmoid_prime(z), dtype, ties=ties))
    assert got.tolist() == [0, 0]


@each_dtype
def test_transcendental_numbers_that_cancel_are_decided_to_be_zero(dtype: Dtype) -> None:
    def cancel(ties: bool) -> Array:
        e, log = flint.arb(1).exp(), flint.arb(2).log()
        zeros = [e - flint.arb(1).exp(), log * 2 - flint.arb(4).log()]
        return rounded(np.array(zeros, dtype=object), dtype, ties=ties)

    assert until_decided(cancel).tolist() == [0, 0]


@each_dtype
def test_a_transcendental_tie_is_taken_to_the_even_neighbour_in_the_end(dtype: Dtype) -> None:
    eps = float(np.finfo(dtype).eps)

    def tie(ties: bool) -> Array:
        zero = flint.arb(2).log() * 2 - flint.arb(4).log()
        return rounded(one(1 + flint.arb(eps) * flint.arb(1.5) + zero), dtype, ties=ties)

    assert until_decided(tie).tolist() == [1 + 2 * eps]


def test_bits_are_doubled_until_the_values_are_unique() -> None:
    seen = []

    def compute(ties: bool) -> str:
        seen.append((flint.ctx.prec, ties))
        if flint.ctx.prec < 1000:
            raise UndecidedError
        return "decided"

    assert until_decided(compute) == "decided"
    assert seen == [(128, False), (256, False), (512, False), (1024, False)]


def test_ties_are_allowed_with_the_most_bits_alone() -> None:
    seen = {}

    def compute(ties: bool) -> None:
        seen[flint.ctx.prec] = ties
        raise UndecidedError

    with pytest.raises(UndecidedError):
        until_decided(compute)
    assert seen == {START_BITS * 2**k: START_BITS * 2**k == MOST_BITS for k in range(6)}


def beside_a_tie(z: float) -> tuple[Case, Parameters, Batch]:
    """A network whose z³ is σ(z) + ε + ε/2: beside a midpoint, by 1 − σ(z)."""
    eps, one = float(np.finfo(np.float64).eps), np.ones((1, 1))
    case = Case("drawn", (1, 1, 1), "quadratic", 0.5, 0.0, 7, "float64", ((0,),), "", ())
    start = Parameters((one * z, one), (one * 0, one * (1.5 * eps)))
    return case, start, Batch(one, one)


def test_what_is_beside_a_tie_by_a_saturated_neuron_is_decided() -> None:
    values, _ = recorded_step(*beside_a_tie(2800.0))
    assert values["z3"] == 1 + float(np.finfo(np.float64).eps)


def test_what_is_beside_a_tie_by_less_than_the_most_bits_is_refused() -> None:
    with pytest.raises(UndecidedError, match=r"4096 bits .* \|z\| .* 2839"):
        recorded_step(*beside_a_tie(2850.0))


def test_a_neuron_beyond_the_most_bits_alone_is_not_refused() -> None:
    case, start, batch = beside_a_tie(2850.0)
    values, _ = recorded_step(case, replace(start, b=(start.b[0], 0 * start.b[1])), batch)
    assert values["z3"] == 1


def test_a_tie_is_told_up_to_a_sum_of_the_largest_z_of_each_layer() -> None:
    far, near = np.array([[-2000.0, 3.0]]), np.array([[839.0]])
    assert tells_ties([balls(far), balls(near)])
    assert not tells_ties([balls(far), balls(near + 0.5)])
    assert not tells_ties([np.array([flint.arb("nan")], dtype=object)])


def test_the_precision_is_put_back_after_an_error() -> None:
    before = flint.ctx.prec
    with pytest.raises(ZeroDivisionError), precision(before + 100):
        raise ZeroDivisionError
    assert flint.ctx.prec == before


# Enclosures


@given(arrays(np.float64, (2, 2), elements=st.floats(allow_nan=False)))
@PROFILE
def test_a_ball_of_a_float_is_that_float(array: Array) -> None:
    assert [float(each) for each in balls(array).flat] == array.ravel().tolist()
    assert all(each.is_exact() for each in balls(array).flat)


def test_balls_keep_the_shape_and_are_known_as_balls() -> None:
    for shape in ((), (0,), (2, 1), (2, 3)):
        assert balls(np.ones(shape)).shape == shape
        assert is_balls(balls(np.ones(shape)))
        assert not is_balls(np.ones(shape))


def fraction_arrays(*shape: int) -> st.SearchStrategy[Array]:
    """Arrays of fractions, each of which is a float64 of moderate exponent."""
    moderate = st.floats(-1e60, 1e60).map(lambda each: each if abs(each) > 1e-60 else 0.0)
    return arrays(np.float64, shape, elements=moderate).map(_fractions)


_fractions = np.vectorize(Fraction, otypes=[object])
_to_balls = np.frompyfunc(ball, 1, 1)


def holds(enclosure: Array, exact: Array) -> bool:
    """Whether every ball holds its fraction."""
    with precision(EXACT_BITS):
        return all(
            each.contains(ball(right))
            for each, right in zip(np.ravel(enclosure), np.ravel(exact), strict=True)
        )


RATIONAL: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "Z": (equations.weighted_input, ((2, 3), (3, 2), (2, 1))),
    "C": (equations.quadratic_cost, ((2, 3), (2, 3))),
    "BP1": (equations.cross_entropy_delta, ((2, 3), (2, 3), (2, 3))),
    "BP3": (equations.bias_gradient, ((2, 3),)),
    "BP4": (equations.weight_gradient, ((2, 3), (4, 3))),
    "B": (equations.updated_bias, ((2, 1), (2, 1), ())),
    "W": (equations.updated_weight, ((2, 3), (2, 3), (), ())),
}


@pytest.mark.parametrize("tag", sorted(RATIONAL))
def test_the_exact_value_of_an_equation_without_exp_lies_in_its_ball(tag: str) -> None:
    equation, shapes = RATIONAL[tag]

    @given(st.tuples(*(fraction_arrays(*shape) for shape in shapes)), st.integers(2, 128))
    @settings(PROFILE, max_examples=25)
    def check(arguments: tuple[Array, ...], bits: int) -> None:
        with precision(EXACT_BITS):
            exact_balls = [np.asarray(_to_balls(each), dtype=object) for each in arguments]
        with precision(bits):
            enclosure = equation(*exact_balls)
        assert holds(enclosure, equation(*arguments))

    check()


@st.composite
def steps(draw: st.DrawFn) -> tuple[Case, Parameters, Batch]:
    """A small network with its mini-batch, saturated here and there."""
    sizes = tuple(draw(st.lists(st.integers(1, 3), min_size=2, max_size=3)))
    m = draw(st.integers(1, 2))
    cost = draw(st.sampled_from(["quadratic", "cross-entropy"]))
    case = Case("drawn", sizes, cost, 0.3, 0.1, 7, "float64", ((0,),), "", ())

    def normal(*shape: int) -> Array:
        numbers = st.floats(-3, 3) | st.floats(-300, 300)
        return draw(arrays(np.float64, shape, elements=numbers))

    w = tuple(normal(here, below) for below, here in pairwise(sizes))
    b = tuple(normal(here, 1) for here in sizes[1:])
    y = draw(arrays(np.float64, (sizes[-1], m), elements=st.floats(0, 1)))
    return case, Parameters(w, b), Batch(normal(sizes[0], m), y)


@given(steps())
@PROFILE
def test_a_step_with_more_bits_lies_in_the_step_with_few(
    drawn: tuple[Case, Parameters, Batch],
) -> None:
    with precision(START_BITS):
        few = dict(exact_step(*drawn).named())
    with precision(2000):
        many = dict(exact_step(*drawn).named())
    outside = [
        name
        for name, enclosure in few.items()
        for wide, narrow in zip(np.ravel(enclosure), np.ravel(many[name]), strict=True)
        if not wide.contains(narrow) and not _no_narrower(wide, narrow)
    ]
    assert not outside


def _no_narrower(wide: flint.arb, narrow: flint.arb) -> bool:
    """Whether more bits did not help: ln 0 in any precision, or 1 − e^−1400 in 2000 bits."""
    if not wide.is_finite():
        return not narrow.is_finite()
    return bool(narrow.rad() * 2**100 > wide.rad() and wide.overlaps(narrow))
