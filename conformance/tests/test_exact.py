"""Exact numbers stay exact in NumPy's hands, and say where they would not."""

import inspect
import math
from collections.abc import Callable
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.arithmetic.balls import precision
from conformance.arithmetic.exact import (
    Exact,
    LeftExactError,
    UndecidedComparisonError,
    to_balls,
    to_exact,
)
from conformance.arithmetic.place import raised_at
from conformance.tests.networks import book
from conformance.tracing.replay import Replay
from conformance.tracing.trace import Trace
from reference.step import Array

FAST = settings(max_examples=40, deadline=None)
BITS = 2000
moderate = st.floats(-1e30, 1e30).map(lambda each: each if abs(each) > 1e-30 else 0.0)

A = np.array([[0.5, -1.25], [2.0, 0.125]])
V = np.array([[0.5], [0.25]])


def ball(number: Fraction) -> Any:
    return flint.arb(number.numerator) / number.denominator


def encloses(exact: Exact, right: Fraction) -> bool:
    """Whether the ball holds the fraction, and is narrow."""
    with precision(BITS):
        narrow = exact.ball.rad() <= abs(exact.ball.mid()) * 1e-50 + 1e-50
        return bool(exact.ball.contains(ball(right)) and narrow)


# Rational operations

OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b if b != 0 else a * b,
}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_encloses_the_fraction(name: str) -> None:
    operation = OPERATIONS[name]

    @given(moderate, moderate)
    @FAST
    def check(a: float, b: float) -> None:
        right = operation(Fraction(a), Fraction(b))
        with precision(BITS):
            both = operation(Exact(flint.arb(a)), Exact(flint.arb(b)))
            left = operation(Exact(flint.arb(a)), b)
            reflected = operation(a, Exact(flint.arb(b)))
        assert all(encloses(each, right) for each in (both, left, reflected))

    check()


@given(moderate)
@FAST
def test_powers_signs_and_sizes_enclose_the_fraction(a: float) -> None:
    with precision(BITS):
        x = Exact(flint.arb(a))
        one = np.array([x], dtype=object)
        got = [x**2, x**3, np.power(one, 2)[0], -x, +x, abs(x), np.square(one)[0]]
    right = Fraction(a)
    expected = [right**2, right**3, right**2, -right, right, abs(right), right**2]
    assert all(map(encloses, got, expected))


@pytest.mark.parametrize(
    "other",
    [
        *(3, 1.5, True, np.float64(1.5), np.float32(1.5), np.float16(1.5), np.longdouble(1.5)),
        *(np.int64(3), np.uint8(3), np.bool_(1), flint.arb(1.5)),
    ],
    ids=lambda other: type(other).__name__,
)
def test_numbers_of_every_type_mix_from_both_sides(other: Any) -> None:
    x, value = Exact(flint.arb(0.25)), Fraction(float(other))
    assert encloses(x - other, Fraction(1, 4) - value)
    if not isinstance(other, flint.arb):
        assert encloses(other - x, value - Fraction(1, 4))


@given(moderate, moderate)
@FAST
def test_comparisons_are_those_of_the_numbers(a: float, b: float) -> None:
    x, y = Exact(flint.arb(a)), Exact(flint.arb(b))
    assert (x < y, x <= y, x > y, x >= y, x == y, x != y) == (
        (a < b, a <= b, a > b, a >= b, a == b, a != b)
    )
    assert (x < b, a < y, bool(x)) == (a < b, a < b, a != 0)


# Functions

FUNCTIONS = {
    "exp": "exp",
    "expm1": "expm1",
    "log": "log",
    "log1p": "log1p",
    "sqrt": "sqrt",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arcsinh": "asinh",
    "arctanh": "atanh",
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_of_numpy_is_that_of_flint(name: str) -> None:
    x = np.array([0.25, 0.5, 0.75])
    with precision(200):
        got = to_balls(getattr(np, name)(to_exact(x)))
        right = [getattr(flint.arb(each), FUNCTIONS[name])() for each in x]
        assert all(
            a.overlaps(b) and a.rel_accuracy_bits() > 150 for a, b in zip(got, right, strict=True)
        )


@pytest.mark.parametrize(
    "name", ["exp2", "log2", "log10", "cbrt", "arccosh", "square", "reciprocal", "fabs", "sign"]
)
def test_the_other_functions_are_those_of_numpy_to_a_float(name: str) -> None:
    x = np.array([1.25, 3.5])
    got = [float(each) for each in to_balls(getattr(np, name)(to_exact(x)))]
    np.testing.assert_allclose(got, getattr(np, name)(x), rtol=1e-14)


STAYS: dict[str, Callable[[Array, Array], Any]] = {
    "dot": np.dot,
    "matmul": lambda a, v: a @ v,
    "inner": lambda a, _: np.inner(a, a),
    "outer": np.outer,
    "vdot": lambda a, _: np.vdot(a, a),
    "tensordot": lambda a, _: np.tensordot(a, a, 1),
    "einsum": lambda a, v: np.einsum("ij,jk->ik", a, v),
    "trace": lambda a, _: np.trace(a),
    "sum": lambda a, _: a.sum(axis=0, keepdims=True),
    "mean": lambda a, _: np.mean(a),
    "mean of rows": lambda a, _: a.mean(axis=1),
    "average": lambda a, _: np.average(a),
    "var": lambda a, _: np.var(a),
    "std": lambda a, _: np.std(a),
    "prod": lambda a, _: np.prod(a),
    "cumsum": lambda a, _: np.cumsum(a),
    "max": lambda a, _: a.max(axis=0, keepdims=True),
    "min": lambda a, _: np.min(a),
    "ptp": lambda a, _: np.ptp(a),
    "maximum": lambda a, _: np.maximum(0, a),
    "minimum": lambda a, _: np.minimum(a, 0.5),
    "clip": lambda a, _: np.clip(a, 1e-15, 1 - 1e-15),
    "argmax": lambda a, _: np.argmax(a),
    "argmin": lambda a, _: np.argmin(a),
    "sort": lambda a, _: np.sort(a),
    "any": lambda a, _: np.any(a),
    "all": lambda a, _: np.all(a),
    "where": lambda a, _: np.where(a > 0, a, 0.5 * a),
    "select": lambda a, _: np.select([a > 0], [a], 0),
    "power": lambda a, _: np.power(a, 2),
    "root": lambda a, _: abs(a) ** 0.5,
    "norm": lambda a, _: np.linalg.norm(a),
    "norm of columns": lambda a, _: np.linalg.norm(a, axis=0),
    "diag": lambda a, _: np.diag(a[0]),
    "kron": np.kron,
    "vectorize": lambda a, _: np.vectorize(lambda each: each * each)(a),
    "nan_to_num": lambda a, _: np.nan_to_num(a),
    "zeros": lambda a, _: np.zeros(a.shape) + a,
    "zeros_like": lambda a, _: np.zeros_like(a) + a,
    "full_like": lambda a, _: np.full_like(a, 0.5) * a,
    "vstack": lambda a, v: np.vstack([a, v.T]),
    "concatenate": lambda a, _: np.concatenate([a, np.ones((1, 2))]),
    "mask": lambda a, _: a * (a > 0),
    "float scalars": lambda a, _: np.float32(2) * a[0, 0] / np.float64(3) - np.int64(1),
    "e to the power": lambda a, _: 1 / (1 + math.e ** (-a)),
    "item": lambda a, _: np.sum(a).item(),
    "deepcopy": lambda a, _: 2 * deepcopy(a),
}


@pytest.mark.parametrize("name", sorted(STAYS))
def test_numpy_does_the_same_to_exact_numbers(name: str) -> None:
    right = np.asarray(STAYS[name](A, V), np.float64)
    got = to_balls(STAYS[name](to_exact(A), to_exact(V)))
    assert got.shape == right.shape
    np.testing.assert_allclose(np.vectorize(float)(got), right, rtol=1e-14)


def test_a_logarithm_of_a_sum_of_powers_of_e_is_exact_where_it_is_traced() -> None:
    trace = Trace()
    made = trace.argument(np.logaddexp(0.5, trace.given(A, "a")))
    with precision(400):
        got = to_balls(Replay(trace).value(made))
        right = [(flint.arb(0.5).exp() + flint.arb(each).exp()).log() for each in A.ravel()]
    assert all(one.overlaps(other) for one, other in zip(got.ravel(), right, strict=True))
    assert all(each.rad() < 1e-15 for each in got.ravel())


def test_the_books_backprop_runs_on_exact_numbers_and_agrees_with_its_floats() -> None:
    network = book.Network([2, 3, 1])
    floats = network.backprop(V, np.array([[1.0]]))
    network.weights = [to_exact(w) for w in network.weights]
    network.biases = [to_exact(b) for b in network.biases]
    exact = network.backprop(to_exact(V), to_exact(np.array([[1.0]])))
    for got, right in zip([*exact[0], *exact[1]], [*floats[0], *floats[1]], strict=True):
        np.testing.assert_allclose(np.vectorize(float)(to_balls(got)), right, atol=1e-15)


# Leaving

LEAVES: dict[str, Callable[[Array], Any]] = {
    "float": lambda a: float(a[0, 0]),
    "int": lambda a: int(a[0, 0]),
    "complex": lambda a: complex(a[0, 0]),
    "round": lambda a: round(a[0, 0]),
    "math": lambda a: math.exp(a[0, 0]),
    "math.floor": lambda a: math.floor(a[0, 0]),
    "float64": lambda a: np.float64(a[0, 0]),
    "astype": lambda a: a.astype(float),
    "astype float32": lambda a: a.astype(np.float32),
    "asarray": lambda a: np.asarray(a, dtype=np.float64),
    "into a float array": lambda a: np.zeros((2, 2)).__setitem__(slice(None), a),
    "np.round": lambda a: np.round(a, 2),
    "remainder": lambda a: a % 2,
    "index": lambda a: [1, 2][a[0, 0]],
}


@pytest.mark.parametrize("name", sorted(LEAVES))
def test_what_leaves_says_so_with_its_line(name: str) -> None:
    with pytest.raises(LeftExactError, match=r"^test_exact\.py:\d+ leaves exact") as caught:
        LEAVES[name](to_exact(A))
    place = caught.value.place
    assert place is not None
    assert Path(place.file) == Path(__file__)
    assert place.line == inspect.getsourcelines(LEAVES[name])[1]
    assert f'"{name}"' in place.source


@pytest.mark.parametrize("name", ["isnan", "isfinite", "exp"])
def test_what_numpy_itself_refuses_has_its_line_too(name: str) -> None:
    mixed = np.array([Exact(flint.arb(1)), None], dtype=object)
    line = inspect.currentframe().f_lineno + 2  # type: ignore[union-attr]
    with pytest.raises(TypeError) as caught:
        getattr(np, name)(mixed)
    place = raised_at(caught.value.__traceback__)
    assert place is not None
    assert (place.file, place.line) == (__file__, line)


@pytest.mark.parametrize("symbol", ["<", "<=", ">", ">=", "==", "!="])
def test_a_comparison_that_is_not_sure_is_refused(symbol: str) -> None:
    wide, here = Exact(flint.arb(0, 1)), {"<": np.less, "<=": np.less_equal, ">": np.greater}
    compare = here | {">=": np.greater_equal, "==": np.equal, "!=": np.not_equal}
    with pytest.raises(UndecidedComparisonError, match="not decided"):
        compare[symbol](np.array([wide]), 0)


def test_the_truth_of_a_number_that_may_be_0_is_refused() -> None:
    with pytest.raises(UndecidedComparisonError):
        bool(Exact(flint.arb(0, 1)))


def test_half_a_power_is_the_root() -> None:
    assert (Exact(flint.arb(2.25)) ** 0.5).ball.overlaps(flint.arb(1.5))


def test_printing_does_not_leave() -> None:
    x = Exact(flint.arb(0.25))
    assert f"{x:.3f} {x} {x!r}" == "0.250 0.25 Exact(0.25000000000000000)"


def test_it_is_a_number_and_no_other_thing_equals_it() -> None:
    x = Exact(flint.arb(1))
    assert np.isscalar(x)
    assert x != "1"
    assert x is not None


# Into and out of it


@pytest.mark.parametrize("shape", [(), (0,), (2, 1), (2, 3)])
def test_arrays_keep_their_shape_and_their_numbers(shape: tuple[int, ...]) -> None:
    array = np.full(shape, 0.1)
    exact = to_exact(array)
    assert exact.shape == to_balls(exact).shape == shape
    assert all(isinstance(each, Exact) for each in exact.flat)
    assert [Fraction(float(each)) for each in to_balls(exact).flat] == [Fraction(0.1)] * array.size


def test_floats_and_exact_numbers_may_be_mixed_on_the_way_out() -> None:
    mixed = np.array([Exact(flint.arb(2)), 1.5, 3], dtype=object)
    assert [float(each) for each in to_balls(mixed)] == [2, 1.5, 3]


@pytest.mark.parametrize("wrong", ["text", None, 1j, [1]])
def test_what_is_no_real_number_is_refused(wrong: object) -> None:
    array = np.empty(1, dtype=object)
    array[0] = wrong
    with pytest.raises(TypeError, match="not a real number"):
        to_exact(array)
