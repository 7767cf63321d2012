"""Single rules of the verdict where they are needed: a narrower one would accuse right programs.

Left out: the running error below them (`test_running_error_rules.py`), and whole verdicts
(`test_compare.py`).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.judging.judge import _doubtful, failed_in, with_doubts
from conformance.judging.observe import ExactRun
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.observation import Observation
from conformance.tests.networks import book
from conformance.tests.parts import few
from conformance.tests.support import exactly, recorded
from conformance.verdict.compare import (
    EQUATION,
    FORWARD,
    RECORD,
    RESTARTED,
    UNDECIDED,
    Status,
    Verdict,
    judge,
    recorded_truth,
)
from conformance.verdict.deviation import Target, compare, deviation
from conformance.verdict.oracle import expectations, standing
from reference.backprop import step
from reference.equations import BOOK, COSTS
from reference.step import Array, Batch, Parameters, causal_order

PROFILE = settings(max_examples=few(12, 30), deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def case_of(sizes: tuple[int, ...], dtype: str, cost: str = "quadratic", m: int = 1) -> Case:
    """A case of one step, with no reason to be recorded."""
    return Case("drawn", sizes, cost, 0.5, 0.0, 7, dtype, (tuple(range(m)),), "", ())


def differing(case: Case, start: tuple[Parameters, Batch], shown: dict[str, Array]) -> list[str]:
    """The quantities that do not follow from those that are shown before them."""
    expected = expectations(case, *start, shown)
    return [
        name
        for name, array in shown.items()
        if compare(
            array, Target(expected[name].value, expected[name].tolerance()), case.type
        ).problem
    ]


# What is shown may be a rounding of what is used


@given(z=st.floats(-104, -88, width=32), w=st.floats(2.0**100, 2.0**123, width=32))
@pytest.mark.parametrize("cost", sorted(COSTS))
@PROFILE
def test_a_subnormal_that_is_shown_may_be_a_rounding_of_what_is_used(
    cost: str, z: float, w: float
) -> None:
    """The program computes in float64 and shows float32: a² has few digits left, and w³ is huge."""
    case = case_of((1, 1, 1), "float32", cost)
    one = np.ones((1, 1), np.float32)
    start = Parameters((one * z, one * w), (one * 0, one * 0))
    batch = Batch(one, one / 2)

    def widened(array: Array) -> Array:
        return array.astype(np.float64)

    wide, samples = start.map(widened), batch.map(widened)
    exact = step(wide, samples, case.eta, case.decay, BOOK.with_cost(COSTS[cost]))
    with np.errstate(under="ignore", over="ignore"):
        shown = {name: np.asarray(array, np.float32) for name, array in exact.named()}
    shown = {name: array for name, array in shown.items() if np.isfinite(array).all()}
    assert differing(case, (start, batch), shown) == []


@given(rng=seeds, m=st.integers(3, 99))
@PROFILE
def test_a_gradient_that_is_shown_may_be_a_rounding_of_the_sum_that_is_used(
    rng: np.random.Generator, m: int
) -> None:
    """The program moves by (η/m)·Σδ from biases of 0, and shows Σδ/m."""
    case = replace(case_of((1, 500), "float32", m=m), eta=3.0)
    zero = np.zeros((500, 1), np.float32)
    sums = rng.uniform(-1, 1, (500, 1)).astype(np.float32)
    batch = Batch(np.ones((1, m), np.float32), np.ones((500, m), np.float32))
    shown = {"nabla_b2": sums / m, "b2": zero - (3 / m) * sums}
    assert "b2" not in differing(case, (Parameters((zero,), (zero,)), batch), shown)


@pytest.mark.parametrize("name", ["b2", "w2"])
def test_the_gradients_of_the_samples_may_be_subtracted_one_after_another(name: str) -> None:
    """Each subtraction from 1.5 rounds 1.1 units up to two, an error of almost a unit."""
    m, unit = 60, np.float32(2.0**-24)
    case = replace(case_of((1, 1), "float32", m=m), eta=1.0)
    start = np.full((1, 1), 1.5, np.float32)
    each, after = np.float32(1.1) * unit, start
    for _ in range(m):
        after = after - each
    ones = np.ones((1, m), np.float32)
    shown = {f"nabla_{name}": np.full((1, 1), m * each), name: after}
    assert name not in differing(case, (Parameters((start,), (start,)), Batch(ones, ones)), shown)


# σ′ of the subject's own activation

ROUTES: dict[str, Callable[[Any, Any], Any]] = {
    "error times slope": lambda error, a: error * (a * (1 - a)),
    "from left to right": lambda error, a: error * a * (1 - a),
    "expanded": lambda error, a: error * a - error * a * a,
    "a − a²": lambda error, a: error * (a - a * a),
    "a mean put back": lambda error, a: ((error / 7) * 3) * (a * (1 - a)) / 3 * 7,
}


def by_own_activation(
    name: str, case: Case, start: tuple[Parameters, Batch], **shown: Array
) -> Target | None:
    """What δ with f′ made of the activation that is shown may be; None if δ has no f′."""
    found = standing(case, *start, shown).by_own_activation(case.rows[name])
    return None if found is None else Target.of(found)


def own_activation(rng: np.random.Generator, dtype: str, n: int) -> tuple[Case, Any, Any]:
    """An output layer of n neurons whose activations are wrong: any numbers, some negative."""
    case = case_of((1, n), dtype)
    a = rng.uniform(-2, 1, (n, 1)).astype(dtype)
    y = np.zeros((n, 1), dtype)
    start = Parameters((np.ones((n, 1), dtype),), (np.ones((n, 1), dtype),))
    return case, (start, Batch(np.ones((1, 1), dtype), y)), a


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(rng=seeds)
@PROFILE
def test_the_slope_of_an_own_activation_may_be_computed_on_any_route(
    route: str, dtype: str, rng: np.random.Generator
) -> None:
    case, start, a = own_activation(rng, dtype, 200)
    found = by_own_activation("delta2", case, start, a2=a)
    assert found is not None
    delta = ROUTES[route](a - start[1].y, a)
    assert compare(delta, found, case.type).problem == ""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@given(rng=seeds)
@PROFILE
def test_another_slope_than_that_of_the_own_activation_is_outside(
    dtype: str, rng: np.random.Generator
) -> None:
    case, start, a = own_activation(rng, dtype, 200)
    found = by_own_activation("delta2", case, start, a2=a)
    assert found is not None
    delta = a * (a * (1 - a)) * a.dtype.type(1 + 100 * np.finfo(dtype).eps)
    outside = deviation(delta, found).outside
    # 1 − a loses digits where a is about 1; f′ may be off by 6 units of the precision, whatever its
    # size, and is off by 200 of its own size
    assert outside[(a < 0.5) & (abs(a * (1 - a)) > 0.1)].all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_the_slope_of_a_hidden_activation_meets_a_sum_that_loses_every_term_but_one(
    dtype: Any,
) -> None:
    one, terms = np.ones((1, 1), dtype), 50
    above = np.full((terms, 1), np.finfo(dtype).eps / 2, dtype)
    above[0] = 1  # 1 + u rounds to 1, each time
    case, a = case_of((1, 1, terms), np.dtype(dtype).name), one / 4
    start = Parameters((one, np.ones((terms, 1), dtype)), (one, above))
    found = by_own_activation("delta2", case, (start, Batch(one, above)), a2=a, delta3=above)
    assert found is not None
    assert compare(a * (1 - a), found, case.type).problem == ""


@given(rng=seeds)
@PROFILE
def test_the_slope_of_an_own_activation_meets_an_error_that_cancels(
    rng: np.random.Generator,
) -> None:
    """The program forms a − y of an activation that had one rounding more than the one it shows."""
    case, (start, batch), a = own_activation(rng, "float32", 200)
    wide = a * (1 + rng.uniform(-0.5, 0.5, a.shape) * float(np.finfo(np.float32).eps))
    y = a * np.float32(1.001)
    found = by_own_activation("delta2", case, (start, replace(batch, y=y)), a2=a)
    assert found is not None
    delta = ((wide - y) * (a * (1 - a))).astype(np.float32)
    assert compare(delta, found, case.type).problem == ""


@pytest.mark.parametrize(
    ("name", "cost", "has_one"),
    [
        ("delta3", "quadratic", True),
        ("delta3", "cross-entropy", False),
        ("delta2", "cross-entropy", True),
        ("z2", "quadratic", False),
        ("cost", "quadratic", False),
    ],
)
def test_only_an_error_with_a_slope_has_one_of_the_own_activation(
    name: str, cost: str, has_one: bool
) -> None:
    one = np.ones((1, 1))
    start = Parameters((one, one), (one, one)), Batch(one, one)
    inputs = {"a2": one / 4, "a3": one / 4, "delta3": one}
    found = by_own_activation(name, case_of((1, 1, 1), "float64", cost), start, **inputs)
    assert (found is not None) is has_one


def test_an_own_activation_that_overflows_has_no_slope() -> None:
    one, case = np.ones((1, 1)), case_of((1, 1), "float64")
    start = Parameters((one,), (one,)), Batch(one, one)
    assert by_own_activation("delta2", case, start, a2=one * 1e200) is None


# Scalars that were rounded before they met an exact number


def moving(scalar: Callable[[float, int], float]) -> ExactRun:
    """On balls, the book's network whose steps are `scalar(η, m)` times the sums."""

    class Moving(book.Network):
        def update_mini_batch(self, mini_batch: book.Pairs, eta: float) -> None:
            m = len(mini_batch)
            super().update_mini_batch(mini_batch, scalar(eta, m) * m)

    return exactly(book_subject(Moving, "moving"), recorded("remainder-3-4-2"))


@pytest.mark.parametrize(
    "scalar",
    [lambda eta, m: eta / m, lambda eta, m: eta * (1 / m), lambda eta, m: 1 / (m * (1 / eta))],
    ids=["divided", "times one m-th", "inverted twice"],
)
def test_a_rounded_scalar_leaves_the_update_exactly_right(
    scalar: Callable[[float, int], float],
) -> None:
    assert moving(scalar).wrong == []


@pytest.mark.parametrize("bits", [23, 30, 40])
def test_a_scalar_that_is_off_by_more_than_rounding_makes_the_update_wrong(bits: int) -> None:
    outcome = moving(lambda eta, m: eta / m * (1 + 2.0**-bits))
    assert outcome.wrong == ["b2", "w2", "b3", "w3"]


# Doubts about the record itself


def edited(whole: Recorded, **changed: Array) -> Recorded:
    """The case with some recorded quantities of its first step replaced."""
    first = whole.steps[0]
    return replace(whole, steps=(replace(first, expected={**first.expected, **changed}),))


def failing(whole: Recorded) -> frozenset[str]:
    """What judging a record as if it were a subject accuses."""
    first = whole.steps[0]
    start, truth = (first.parameters, first.batch), recorded_truth(whole, 0)
    return failed_in(judge(whole.case, (0, RESTARTED), start, truth, first.expected), RESTARTED)


def doubted(whole: Recorded) -> set[str]:
    """The quantities at which the record is doubted."""
    return {name for name in causal_order(whole.case.layers) if _doubtful(whole, 0, name)}


@pytest.mark.parametrize("id_", ["contracting-5-4-3-2", "square-4-4-4-4-cross-entropy-float32"])
def test_a_record_is_doubted_where_it_fails_as_a_subject_would(id_: str) -> None:
    whole = recorded(id_)
    for name, array in whole.steps[0].expected.items():
        damaged = edited(whole, **{name: array * array.dtype.type(1.25)})
        assert doubted(damaged) == failing(damaged)
        assert name in doubted(damaged)


def test_a_record_is_not_doubted_where_its_error_follows_from_a_wrong_activation() -> None:
    whole = recorded("contracting-5-4-3-2")
    right = whole.steps[0].expected
    a = right["a3"] * 1.25
    delta = right["delta3"] * (a * (1 - a)) / (right["a3"] * (1 - right["a3"]))
    damaged = edited(whole, a3=a, delta3=delta)
    assert "a3" in doubted(damaged)
    assert "delta3" not in doubted(damaged)
    assert doubted(damaged) == failing(damaged)


# Who is wrong where the record is doubted


def accused(
    shown: Array, *, mode: str = RESTARTED, from_truth: bool = False, own: bool = False
) -> str:
    """Who is wrong at a damaged z² of a record, where a subject that shows an array fails."""
    whole = recorded("hand-2-3-1")
    damaged = edited(whole, z2=whole.steps[0].expected["z2"] + 0.5)
    failure = Verdict(whole.case.id, 0, mode, "z2", Status.FAIL, "differs", from_truth=from_truth)
    [verdict] = with_doubts([failure], damaged, 0, Observation({"z2": shown}), own=own)
    assert verdict.doubted
    return verdict.who


RIGHT = recorded("hand-2-3-1").steps[0].expected["z2"]


def test_the_equation_is_wrong_where_subject_and_record_agree_against_it() -> None:
    assert accused(RIGHT + 0.5) == EQUATION


def test_the_record_is_wrong_where_subject_and_equation_agree_against_it() -> None:
    assert accused(RIGHT, from_truth=True) == RECORD


def test_the_reference_is_no_witness_against_the_record() -> None:
    assert accused(RIGHT, from_truth=True, own=True) == UNDECIDED


def test_a_subject_that_agrees_with_nobody_leaves_it_undecided() -> None:
    assert accused(RIGHT - 0.5) == UNDECIDED


def test_what_is_seen_in_feedforward_alone_is_no_witness() -> None:
    assert accused(RIGHT, mode=FORWARD, from_truth=True) == UNDECIDED
