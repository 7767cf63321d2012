"""The comparer: what it lets pass, what it fails, and which equation it blames."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from conformance.corpus.case import Case
from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case, free_run, restarted
from conformance.model.table import tag_of
from conformance.report.message import problem_text
from conformance.subjects import ReferenceSession, Session, Subject
from conformance.subjects.named import find
from conformance.tests.support import WRONG, answering, recorded, showing, with_equations, wrong_at
from conformance.verdict.compare import FREE, RESTARTED, Status, Verdict, judge, recorded_truth
from conformance.verdict.deviation import Finding, Target, compare
from conformance.verdict.oracle import expectation, expectations
from reference.equations import BOOK, COSTS
from reference.step import Array, Batch, Parameters, causal_order, split

SQUARE = "square-4-4-4-4"
DTYPES = [np.float32, np.float64]
EXPLAINED = {
    "Z": "a2 a3 a4 cost delta4 delta3 delta2 nabla_b2 nabla_w2 nabla_b3 nabla_w3 nabla_b4 "
    "nabla_w4 b2 w2 b3 w3 b4 w4",
    "A": "z3 z4 cost delta4 delta3 delta2 nabla_b2 nabla_w2 nabla_b3 nabla_w3 nabla_b4 "
    "nabla_w4 b2 w2 b3 w3 b4 w4",
    "C": "",
    "BP1": "delta3 delta2 nabla_b2 nabla_w2 nabla_b3 nabla_w3 nabla_b4 nabla_w4 b2 w2 b3 w3 b4 w4",
    "BP2": "nabla_b2 nabla_w2 nabla_b3 nabla_w3 b2 w2 b3 w3",
    "BP3": "b2 b3 b4",
    "BP4": "w2 w3 w4",
    "B": "",
    "W": "",
}
"""What is wrong against the truth because an earlier quantity is, on four layers."""


def centre(dtype: type) -> Array:
    """A matrix of which no entry is like another."""
    return np.array([[1, -2, 0.5], [3, 0.25, -8]], dtype)


def found(shown: object, dtype: type, tolerance: float = 0.125) -> Finding:
    """The finding on what is shown in place of the centre."""
    right = centre(dtype)
    return compare(shown, Target(right, np.full(right.shape, tolerance, dtype)), np.dtype(dtype))


def changed(dtype: type, index: tuple[int, int], value: float) -> Array:
    """The centre with another entry."""
    array = centre(dtype)
    array[index] = value
    return array


def names(verdicts: list[Verdict], status: Status) -> list[str]:
    """The quantities of this status."""
    return [verdict.name for verdict in verdicts if verdict.status is status]


def blamed(verdicts: list[Verdict], case: Case) -> set[str]:
    """The tags of the equations that are blamed."""
    return {tag_of(name, case.layers) for name in names(verdicts, Status.FAIL)}


# One array


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_arrays_pass(dtype: type) -> None:
    assert not found(centre(dtype), dtype, tolerance=0).problem


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("lost", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_fails_and_is_named_with_its_index(dtype: type, lost: float) -> None:
    array = changed(dtype, (1, 2), lost)
    array[0, 0] += 1  # as far off as can be, where nothing is tolerated
    finding = found(array, dtype, tolerance=0.0)
    assert finding.problem == "is not finite"
    assert finding.worst
    assert finding.worst.index == (1, 2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 2), (6,), (2, 3, 1), (), (2, 1)])
def test_another_shape_fails_with_both_shapes(dtype: type, shape: tuple[int, ...]) -> None:
    problem = found(np.ones(shape, dtype), dtype).problem
    assert problem.removesuffix(": it is transposed") == f"has shape {shape}, expected (2, 3)"
    assert problem.endswith("transposed") == (shape == (3, 2))


@pytest.mark.parametrize(
    ("dtype", "other"),
    [
        (np.float32, "float64"),
        (np.float64, "float32"),
        *((dtype, other) for dtype in DTYPES for other in ("float16", "int64", "bool", "object")),
    ],
)
def test_another_dtype_fails_with_both_dtypes(dtype: type, other: str) -> None:
    problem = found(np.ones((2, 3), other), dtype).problem
    assert problem == f"has dtype {other}, expected {np.dtype(dtype)}"


@pytest.mark.parametrize("shown", [[[1.0]], 1.0, None, "z", [[1, -2, 0.5], [3, 0.25, -8]]])
def test_what_is_no_array_fails_with_its_type(shown: object) -> None:
    problem = found(shown, np.float64).problem
    assert problem == f"is a {type(shown).__name__}, expected an array"


def test_the_shape_is_looked_at_before_the_dtype_and_the_dtype_before_the_values() -> None:
    assert "shape" in found(np.full(6, np.nan, np.float32), np.float64).problem
    assert "dtype" in found(np.full((2, 3), np.nan, np.float32), np.float64).problem


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_zeros_fail_in_every_entry(dtype: type) -> None:
    finding = found(np.zeros((2, 3), dtype), dtype)
    assert finding.worst is not None
    assert (finding.problem, finding.worst.outside, finding.worst.entries) == ("differs", 6, 6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("index", [(0, 0), (1, 0), (1, 2)])
def test_an_entry_exactly_at_the_bound_passes(
    dtype: type, sign: int, index: tuple[int, int]
) -> None:
    at = centre(dtype)[index] + sign * dtype(0.125)
    finding = found(changed(dtype, index, at), dtype)
    assert finding.worst is not None
    assert (finding.problem, finding.worst.ratio) == ("", 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("index", [(0, 0), (1, 0), (1, 2)])
def test_an_entry_one_float_beyond_the_bound_fails(
    dtype: type, sign: int, index: tuple[int, int]
) -> None:
    at = centre(dtype)[index] + sign * dtype(0.125)
    beyond = np.nextafter(at, dtype(sign * np.inf))
    finding = found(changed(dtype, index, beyond), dtype)
    assert finding.worst is not None
    assert finding.problem == "differs"
    assert (finding.worst.index, finding.worst.outside) == (index, 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_worst_entry_is_the_one_furthest_beyond_its_own_tolerance(dtype: type) -> None:
    right = centre(dtype)
    tolerance: Array = np.full((2, 3), 1, dtype)
    tolerance[1, 1] = 2.0**-10
    shown = right + np.array([[4, 0, 0], [0, 2.0**-5, 0]], dtype)
    worst = compare(shown, Target(right, tolerance), np.dtype(dtype)).worst
    assert worst is not None
    assert (worst.index, worst.ratio, worst.outside) == ((1, 1), 32, 2)
    assert (worst.got, worst.right) == (0.28125, 0.25)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("steps", [1, 5])
def test_the_error_is_counted_in_units_in_the_last_place(dtype: type, steps: int) -> None:
    value = dtype(3)
    for _ in range(steps):
        value = np.nextafter(value, dtype(np.inf))
    worst = found(changed(dtype, (1, 0), value), dtype, tolerance=0).worst
    assert worst is not None
    assert (worst.index, worst.ulps) == ((1, 0), steps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tolerance_of_zero_admits_the_very_value_alone(dtype: type) -> None:
    beside = np.nextafter(dtype(1), dtype(2))
    finding = found(changed(dtype, (0, 0), beside), dtype, tolerance=0)
    assert finding.worst is not None
    assert (finding.problem, finding.worst.ratio) == ("differs", np.inf)


def test_minus_zero_is_zero() -> None:
    target = Target(np.zeros((1, 1)), np.zeros((1, 1)))
    assert not compare(np.full((1, 1), -0.0), target, np.dtype(float)).problem


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_infinity_is_admitted_where_nothing_can_be_bounded(dtype: type) -> None:
    assert not found(changed(dtype, (0, 1), np.inf), dtype, tolerance=np.inf).problem


@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_is_admitted_nowhere(dtype: type) -> None:
    finding = found(changed(dtype, (0, 1), np.nan), dtype, tolerance=np.inf)
    assert finding.problem == "is not finite"


@pytest.mark.parametrize("bad", [np.nan, -1.0])
def test_a_tolerance_that_is_none_admits_nothing(bad: float) -> None:
    assert found(changed(np.float64, (0, 0), 1.5), np.float64, tolerance=bad).problem


# One step


def test_the_book_passes_with_every_quantity() -> None:
    verdicts = restarted(find("reference"), recorded(SQUARE), 0)
    assert names(verdicts, Status.PASS) == list(causal_order(4))


@pytest.mark.parametrize("id_", ["square-4-4-4-4", "square-4-4-4-4-float32"])
@pytest.mark.parametrize("tag", WRONG)
def test_one_wrong_equation_is_blamed_at_all_its_layers_and_no_other(tag: str, id_: str) -> None:
    verdicts = restarted(wrong_at(tag), recorded(id_), 0)
    mine = [name for name in causal_order(4) if tag_of(name, 4) == tag]
    assert names(verdicts, Status.FAIL) == mine


@pytest.mark.parametrize("tag", WRONG)
def test_what_is_wrong_after_a_wrong_equation_is_explained_by_it(tag: str) -> None:
    verdicts = restarted(wrong_at(tag), recorded(SQUARE), 0)
    explained = [verdict for verdict in verdicts if verdict.status is Status.EXPLAINED]
    assert {verdict.name for verdict in explained} == set(EXPLAINED[tag].split())
    fields = {tag_of(verdict.explained_by, 4) for verdict in explained}
    assert fields <= {tag}


def test_an_explanation_names_the_nearest_failure() -> None:
    verdicts = restarted(wrong_at("BP2"), recorded(SQUARE), 0)
    causes = {v.name: v.explained_by for v in verdicts if v.status is Status.EXPLAINED}
    assert (causes["w3"], causes["b2"]) == ("delta3", "delta2")


@pytest.mark.parametrize(
    "tags", [("BP2", "B"), ("A", "W"), ("C", "BP1"), ("Z", "BP4"), ("BP3", "BP4"), ("Z", "A")]
)
def test_two_wrong_equations_are_both_blamed(tags: tuple[str, str]) -> None:
    record = recorded(SQUARE)
    assert blamed(restarted(wrong_at(*tags), record, 0), record.case) == set(tags)


@pytest.mark.parametrize("tag", WRONG)
def test_an_error_of_1e_9_in_an_equation_is_blamed_on_it(tag: str) -> None:
    field = WRONG[tag][0]
    right = getattr(BOOK, field)
    off = with_equations(**{field: lambda *arguments: right(*arguments) * (1 + 1e-9)})
    record = recorded(SQUARE)
    assert blamed(restarted(off, record, 0), record.case) == {tag}


def test_the_other_costs_output_error_is_blamed_on_bp1() -> None:
    record = recorded(SQUARE)
    subject = with_equations(output_error=COSTS["cross-entropy"].delta)
    assert blamed(restarted(subject, record, 0), record.case) == {"BP1"}


def shown_by_the_book(id_: str) -> dict[str, Array]:
    """What the reference shows of the first step of a case."""
    step = recorded(id_).steps[0]
    session = find("reference").start(recorded(id_).case, step.parameters)
    return dict(session.step(step.batch).named())  # type: ignore[union-attr]


def verdicts_on(shown: Mapping[str, Any], id_: str = SQUARE) -> list[Verdict]:
    """The verdicts on these quantities as the first step of a case."""
    record = recorded(id_)
    start = record.steps[0].parameters, record.steps[0].batch
    return judge(record.case, (0, RESTARTED), start, recorded_truth(record, 0), shown)


@pytest.mark.parametrize("name", causal_order(4))
def test_nan_in_one_quantity_fails_it_and_leaves_what_came_before_alone(name: str) -> None:
    shown = shown_by_the_book(SQUARE)
    shown[name] = np.full_like(shown[name], np.nan)
    verdicts = verdicts_on(shown)
    assert names(verdicts, Status.FAIL) == [name]


@pytest.mark.parametrize("name", causal_order(4))
def test_a_misshapen_quantity_fails_alone(name: str) -> None:
    shown = shown_by_the_book(SQUARE)
    shown[name] = np.zeros((7, 7))
    assert names(verdicts_on(shown), Status.FAIL) == [name]


@pytest.mark.parametrize("name", causal_order(4))
def test_a_quantity_of_zeros_fails(name: str) -> None:
    shown = shown_by_the_book(SQUARE)
    shown[name] = np.zeros_like(shown[name])
    assert name in names(verdicts_on(shown), Status.FAIL)


def test_what_follows_from_its_inputs_but_parts_from_the_truth_unexplained_is_blamed() -> None:
    record = recorded(SQUARE)
    truth = recorded_truth(record, 0)
    truth["z2"] = truth["z2"]._replace(centre=truth["z2"].centre + 1)
    start = record.steps[0].parameters, record.steps[0].batch
    verdicts = judge(record.case, (0, RESTARTED), start, truth, shown_by_the_book(SQUARE))
    failed = {
        verdict.name: problem_text(verdict) for verdict in verdicts if verdict.status is Status.FAIL
    }
    assert failed == {"z2": "differs from the truth"}


def test_equal_layers_shown_in_the_wrong_order_fail() -> None:
    shown = shown_by_the_book(SQUARE)
    shown["nabla_w2"], shown["nabla_w3"] = shown["nabla_w3"], shown["nabla_w2"]
    failed = names(verdicts_on(shown), Status.FAIL)
    assert {"nabla_w2", "nabla_w3"} <= set(failed)


# Subjects that show some of it


@pytest.mark.parametrize("id_", ["expanding-2-3-2", "saturated-2-8-3-float32"])
@pytest.mark.parametrize(
    "shown", ["nabla", "a", "w b", "cost", "w", "delta", "z", "nabla_w", "nabla_b w"]
)
def test_a_correct_subject_that_hides_much_passes_and_the_rest_is_not_observed(
    shown: str, id_: str
) -> None:
    report = check_case(showing(*shown.split()), recorded(id_))
    assert names(report.verdicts, Status.FAIL) == []
    seen = set(names(report.verdicts, Status.PASS))
    unseen = set(names(report.verdicts, Status.NOT_OBSERVED))
    everything = set(causal_order(recorded(id_).case.layers))
    assert seen == {name for name in everything if name.startswith(tuple(shown.split()))}
    assert unseen == everything - seen
    assert report.status is Status.PASS


class Hiding:
    """A wrong subject that shows some quantities."""

    def __init__(self, session: Session, shown: tuple[str, ...]) -> None:
        """Wrap a session."""
        self.session, self.shown = session, shown

    def step(self, batch: Batch) -> dict[str, Array]:
        """Take one step and show the quantities whose names begin so."""
        taken = self.session.step(batch).named()  # type: ignore[union-attr]
        return {name: array for name, array in taken if name.startswith(self.shown)}


@pytest.mark.parametrize(
    ("tag", "shown", "first"),
    [
        ("BP2", "nabla", "nabla_b2"),
        ("A", "a", "a2"),
        ("BP1", "w b", "b2"),
        ("Z", "cost", "cost"),
        ("W", "w", "w2"),
    ],
)
def test_a_wrong_subject_that_hides_much_fails_at_the_first_quantity_it_shows(
    tag: str, shown: str, first: str
) -> None:
    inner = wrong_at(tag)
    subject = Subject("h", lambda c, p: Hiding(inner.start(c, p), tuple(shown.split())))
    assert names(restarted(subject, recorded(SQUARE), 0), Status.FAIL)[0] == first


def test_a_subject_that_shows_nothing_is_an_error_and_no_pass() -> None:
    report = check_case(showing(), recorded(SQUARE))
    assert report.status is Status.ERROR
    assert "nothing was compared" in report.error


# Subjects that are none


def crashing(_batch: Batch) -> object:
    """Fail in the middle."""
    raise ZeroDivisionError("my own fault")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (crashing, "ZeroDivisionError: my own fault"),
        (lambda _: {"z9": np.ones(1)}, "'z9', which is no quantity"),
        (lambda _: {7: np.ones(1)}, "which is no quantity"),
        (lambda _: "w2", "a str, not a step"),
        (lambda _: None, "a NoneType, not a step"),
        (lambda _: [1, 2], "a list, not a step"),
    ],
)
def test_a_subject_that_cannot_be_run_is_an_error_that_says_why(answer: Any, words: str) -> None:
    report = check_case(answering(answer), recorded("hand-2-3-1"))
    assert report.status is Status.ERROR
    assert words in report.error


def test_a_subject_that_leaves_the_program_is_an_error_and_no_pass() -> None:
    def leave(_batch: Batch) -> object:
        raise SystemExit(0)

    assert check_case(answering(leave), recorded("hand-2-3-1")).status is Status.ERROR


def test_a_subject_that_shows_a_list_in_place_of_an_array_fails() -> None:
    report = check_case(answering(lambda _: {"cost": 0.1}), recorded("hand-2-3-1"))
    assert report.failures[0].problem == "is a float, expected an array"


def test_a_failure_outweighs_an_error_and_an_error_a_pass() -> None:
    case = recorded("hand-2-3-1").case
    right = Verdict(case.id, 0, RESTARTED, "z2", Status.PASS)
    wrong = replace(right, status=Status.FAIL)
    assert CaseReport(case, "s", [right, wrong], "stopped").status is Status.FAIL
    assert CaseReport(case, "s", [right], "stopped").status is Status.ERROR
    assert CaseReport(case, "s", [right]).status is Status.PASS
    assert CaseReport(case, "s").status is Status.ERROR


# Mistakes of the loop


class Momentum:
    """Plain SGD with the velocity of the last step left in."""

    def __init__(self, case: Case, parameters: Parameters) -> None:
        """Start with no velocity."""
        self.case, self.parameters = case, parameters
        self.velocity: dict[str, Array] = {}

    def step(self, batch: Batch) -> dict[str, Array]:
        """Take one step."""
        book = BOOK.with_cost(COSTS[self.case.cost])
        start = dict(self.parameters.named())
        named = dict(ReferenceSession(self.case, self.parameters, book).step(batch).named())
        for name, before in start.items():
            left_over = 0.5 * self.velocity.get(name, np.zeros_like(before))
            self.velocity[name] = named[name] - before + left_over
            named[name] = named[name] + left_over
        self.parameters = Parameters.of(named)
        return named


class Accumulating:
    """A subject whose gradients are not set back to zero."""

    def __init__(self, case: Case, parameters: Parameters) -> None:
        """Start with no gradients."""
        self.case, self.parameters = case, parameters
        self.sums: dict[str, Array] = {}

    def step(self, batch: Batch) -> dict[str, Array]:
        """Take one step."""
        book = BOOK.with_cost(COSTS[self.case.cost])
        session = ReferenceSession(self.case, self.parameters, book)
        named = dict(session.step(batch).named())
        for name, before in self.parameters.named():
            nabla = f"nabla_{name}"
            self.sums[nabla] = named[nabla] + self.sums.get(nabla, np.zeros_like(named[nabla]))
            named[nabla] = self.sums[nabla]
            if split(name)[0] == "b":
                named[name] = book.updated_bias(before, named[nabla], self.case.eta)
            else:
                rates = self.case.eta, self.case.decay
                named[name] = book.updated_weight(before, named[nabla], *rates)
        self.parameters = Parameters.of(named)
        return named


class Aliased:
    """A subject two of whose layers share one array after the update."""

    def __init__(self, case: Case, parameters: Parameters) -> None:
        """Start with arrays of its own."""
        self.session = ReferenceSession(case, parameters, BOOK.with_cost(COSTS[case.cost]))

    def step(self, batch: Batch) -> dict[str, Array]:
        """Take one step."""
        named = dict(self.session.step(batch).named())
        named["w3"] = named["w2"]
        self.session.parameters = Parameters.of(named)
        return named


@pytest.mark.parametrize(
    ("session", "tags"), [(Momentum, {"W", "B"}), (Accumulating, {"BP3", "BP4"})]
)
def test_state_left_over_from_the_last_step_is_blamed_in_the_free_run(
    session: Any, tags: set[str]
) -> None:
    record = recorded("expanding-2-3-2")
    verdicts = free_run(Subject("stale", session), record)
    failed = [verdict for verdict in verdicts if verdict.status is Status.FAIL]
    assert {verdict.step for verdict in failed} == {1, 2}
    assert blamed(verdicts, record.case) == tags


@pytest.mark.parametrize("session", [Momentum, Accumulating])
def test_state_left_over_from_the_last_step_is_hidden_where_each_step_is_restarted(
    session: Any,
) -> None:
    record = recorded("expanding-2-3-2")
    verdicts = [v for t in range(3) for v in restarted(Subject("stale", session), record, t)]
    assert names(verdicts, Status.FAIL) == []


def test_layers_that_share_an_array_are_blamed_on_the_update_of_one_of_them() -> None:
    verdicts = restarted(Subject("aliased", Aliased), recorded(SQUARE), 0)
    assert names(verdicts, Status.FAIL) == ["w3"]


def test_a_wrong_step_of_a_free_run_explains_the_steps_after_it() -> None:
    class Once(ReferenceSession):
        """Wrong in its first step alone, and only where it stores the weights."""

        first = True

        def step(self, batch: Batch) -> Any:
            """Take one step."""
            named = dict(super().step(batch).named())
            if self.first:
                named["w2"] = named["w2"] + 0.5
                self.first = False
            self.parameters = Parameters.of(named)
            return named

    verdicts = free_run(Subject("once", Once), recorded("remainder-3-4-2"))
    failed = [(v.step, v.name) for v in verdicts if v.status is Status.FAIL]
    assert failed == [(0, "w2")]
    later = {v.explained_by for v in verdicts if v.step and v.status is Status.EXPLAINED}
    assert later == {"w2 of step 0"}


@pytest.mark.parametrize("id_", ["ten-steps-3-4-2", "ten-steps-3-4-2-float32"])
def test_the_reference_walks_ten_steps_freely_without_a_failure(id_: str) -> None:
    verdicts = free_run(find("reference"), recorded(id_))
    assert {verdict.mode for verdict in verdicts} == {FREE}
    assert {verdict.status for verdict in verdicts} == {Status.PASS}
    assert {verdict.step for verdict in verdicts} == set(range(10))


@pytest.mark.parametrize("name", causal_order(4))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_quantity_alone_is_expected_as_within_its_step(name: str, dtype: str) -> None:
    case = recorded(SQUARE if dtype == "float64" else f"{SQUARE}-float32")
    step = case.steps[0]
    start = step.parameters, step.batch
    alone = expectation(name, case.case, start, step.expected)
    among = expectations(case.case, *start, step.expected)[name]
    np.testing.assert_array_equal(alone.value, among.value)
    np.testing.assert_array_equal(alone.bound, among.bound)


@pytest.mark.parametrize("cost", COSTS)
def test_the_output_error_alone_is_expected_as_within_its_step(cost: str) -> None:
    case = recorded(SQUARE)
    step = case.steps[0]
    asked = replace(case.case, cost=cost)
    for name in ("cost", "delta4"):
        alone = expectation(name, asked, (step.parameters, step.batch), step.expected)
        among = expectations(asked, step.parameters, step.batch, step.expected)[name]
        np.testing.assert_array_equal(alone.bound, among.bound)
