"""The cause of a wrong equation: named where a known mistake does it, else measured, never guessed.

The catalogue itself is proved in `test_prove.py`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import pytest

from conformance.api import check
from conformance.diagnosis.diagnose import diagnose
from conformance.diagnosis.measured import Cause
from conformance.judging.judge import check_case
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.mistake import Mistake, MistakenSession, mistaken
from conformance.mistakes.situation import Formulas, Situation, by_the_book
from conformance.model.row import Rows
from conformance.model.table import rows
from conformance.report.book_report import Report
from conformance.report.cause_words import cause_words
from conformance.report.measure_words import measure_text
from conformance.subjects import Subject
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.function.function_subject import function_subject
from conformance.tests.networks.book import Network
from conformance.tests.support import recorded
from conformance.tests.test_function_subject import changed
from conformance.verdict.compare import EQUATION, RECORD
from reference.equations import relu, sigmoid
from reference.step import Array, Batch

CASES = ("expanding-3-4-5-2", "remainder-3-4-2", "square-4-4-4-4")


def causes(formulas: Formulas, cases: tuple[str, ...] = CASES) -> dict[str, Cause]:
    """The causes that are found of some formulas, by their tags."""
    subject = mistaken(formulas, "drawn up here")
    reports = [check_case(subject, recorded(id_)) for id_ in cases]
    return {cause.tag: cause for cause in diagnose(reports)}


def words_of(cause: Cause) -> tuple[str, ...]:
    return tuple(map(measure_text, cause.measured))


def right(tag: str, change: Callable[[Any, Situation], Any]) -> Formulas:
    """The book's equation with something done to what it gives."""
    return {tag: lambda at: change(by_the_book(at, tag), at)}


def one_neuron_dead(value: Any, _at: Situation) -> Any:
    dead = value.copy()
    dead[0] = 0
    return dead


def twice_the_last(value: Any, at: Situation) -> Any:
    return value + at.delta(at.layer)[:, [-1]] @ at.a(at.layer - 1)[:, [-1]].T / at.m


def of_the_step_before(value: Any, at: Situation) -> Any:
    return value if at.previous is None else at.previous.nabla_w(at.layer)


def half_the_last_move(value: Any, at: Situation) -> Any:
    before = at if at.previous is None else at.previous
    return value + 0.5 * (at.b(at.layer) - before.b(at.layer))


def clipped_at_a_16th(nabla: Any) -> Any:
    return nabla - relu(nabla - 2**-4) + relu(-nabla - 2**-4)


@pytest.mark.parametrize("tag", ["BP4", "B", "W"])
def test_subnormal_numbers_that_are_flushed_to_zero_have_no_other_cause(tag: str) -> None:
    flushed = right(tag, lambda v, _: v * (abs(v) >= np.finfo(np.float32).smallest_normal))
    found = causes(flushed, ("saturated-2-8-3-float32",))[tag]
    assert found.mistakes == ()
    assert words_of(found) == ("subnormal numbers, below 1.18e-38, are flushed to zero",)


UNKNOWN: dict[str, tuple[Formulas, str]] = {
    "a constant factor": (
        right("BP1", lambda v, _: 1.5 * v),
        "it is 1.5 × the right value",
    ),
    "a factor that differs": (
        right("BP3", lambda v, at: v * at.m / (at.m + 1)),
        "it is proportional to the right value, by 0.5 to 0.75",
    ),
    "a sign": (right("C", lambda v, _: -v), "it is −1 × the right value"),
    "no bias": (
        {"Z": lambda at: at.w(at.layer) @ at.a(at.layer - 1)},
        "it is the right value without b^l",
    ),
    "a number added": (right("A", lambda v, _: v + 2**-12), "it is the right value + 0.000244141"),
    "neurons turned round": (
        right("BP3", lambda v, _: v[::-1]),
        "it is right but for the order of the neurons",
    ),
    "samples turned round": (
        right("BP1", lambda v, _: v[:, ::-1]),
        "it is right but for the order of the samples",
    ),
    "half a step": (
        {"B": lambda at: at.b(at.layer) - at.eta * at.nabla_b(at.layer) / 2},
        "it moves ½ × as far as it should",
    ),
    "a smaller step": (
        {"W": lambda at: by_the_book(at.with_given(eta=at.eta * 0.3), "W")},
        "it moves 0.3 × as far as it should",
    ),
    "a step that differs": (
        right("B", lambda v, at: v - at.eta * at.nabla_b(at.layer) / (1 + at.case.steps)),
        "it moves 1.111 to 1.143 × as far as it should",
    ),
    "a step by the root of m": (
        {"B": lambda at: at.b(at.layer) - at.eta * at.nabla_b(at.layer) * np.sqrt(at.m)},
        "it moves √m × as far as it should",
    ),
    "gradients that are clipped": (
        right("BP4", lambda v, _: clipped_at_a_16th(v)),
        "it is clipped to [−0.0625, 0.0625]",
    ),
    "moves that are clipped": (
        {"B": lambda at: by_the_book(at, "B", nabla_b=clipped_at_a_16th(at.nabla_b(at.layer)))},
        "it moves as if its gradient were clipped to [−0.0625, 0.0625]",
    ),
    "no η": (
        {"W": lambda at: (1 - at.eta * at.decay) * at.w(at.layer) - at.nabla_w(at.layer)},
        "it moves 1/η × as far as it should",
    ),
    "the step before": (right("BP4", of_the_step_before), "it is the value of the step before"),
    "another momentum": (
        right("B", half_the_last_move),
        "it is the right value + 0.5 × the last change of b^l: momentum",
    ),
    "the last sample for all": (
        right("BP3", lambda _, at: at.delta(at.layer)[:, [-1]]),
        "it is made of the last sample alone, m times",
    ),
    "the first sample": (
        right("BP4", lambda _, at: at.delta(at.layer)[:, :1] @ at.a(at.layer - 1)[:, :1].T / at.m),
        "it is made of the first sample alone",
    ),
    "an error for each sample": (
        right("BP3", lambda _, at: at.delta(at.layer)),
        "its mean over the samples is the right value",
    ),
    "one neuron": (right("BP2", one_neuron_dead), "only neuron 0 is wrong"),
    "the last sample twice": (right("BP4", twice_the_last), "it is off by up to"),
}
"""Mistakes that the catalogue does not have, and what can be measured of them."""


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_an_unknown_mistake_is_blamed_and_measured(name: str) -> None:
    formulas, words = UNKNOWN[name]
    found = causes(formulas)
    assert found.keys() == formulas.keys()
    (cause,) = found.values()
    assert not cause.mistakes
    assert not cause.alone
    assert words in "; ".join(map(measure_text, cause.measured))
    report = Report("it", causes=tuple(found.values()))
    assert "no catalogued mistake does this" in next(iter(cause_words(report, cause.tag)))


def test_a_single_number_that_is_off_is_proportional_to_nothing() -> None:
    (cause,) = causes(right("C", lambda v, at: v + at.a(2).sum())).values()
    assert cause.measured
    assert "proportional" not in "; ".join(map(measure_text, cause.measured))


@cache
def bp1_alone() -> dict[str, Cause]:
    return causes({"BP1": CATALOGUE["sigma-prime-of-a"].formulas["BP1"]})


def test_a_mistake_in_one_of_its_equations_is_named_as_such() -> None:
    cause = bp1_alone()["BP1"]
    assert (cause.mistakes, cause.alone) == ((), ("sigma-prime-of-a",))
    assert "in BP1 alone" in next(iter(cause_words(Report("it", causes=(cause,)), "BP1")))


def test_a_mistake_at_one_layer_is_no_cause_but_said() -> None:
    def at_the_second(at: Situation) -> Any:
        wrong = CATALOGUE["bp4-no-delta"].formulas["BP4"]
        return wrong(at) if at.layer == 2 else by_the_book(at, "BP4")

    cause = causes({"BP4": at_the_second})["BP4"]
    assert (cause.mistakes, cause.partly) == ((), ("bp4-no-delta",))


def test_the_mistake_that_explains_most_is_named() -> None:
    """With η = 1 and m = 3 the quotient of integers is 0: as if nothing were updated."""
    case = ("duplicates-3-3-2",)
    assert causes(CATALOGUE["integer-eta"].formulas, case)["W"].mistakes == ("integer-eta",)
    alone = causes({"W": lambda at: at.w(at.layer)}, case)
    assert alone["W"].mistakes == ("update-not-assigned",)


def test_what_no_case_tells_apart_is_named_together() -> None:
    cause = causes(CATALOGUE["bp1-no-sigma-prime"].formulas)["BP1"]
    assert cause.mistakes == ("bp1-no-sigma-prime", "cross-entropy-delta-on-quadratic")
    assert "no case tells them apart" in list(cause_words(Report("it", causes=(cause,)), "BP1"))[-1]


SATURATED = "saturated-2-2-3-cross-entropy"


def test_a_mistake_that_makes_the_cost_infinite_is_named() -> None:
    """Of an infinite cost no tolerance is known, so it does not refute the mistake."""
    id_ = "label-off-by-one"
    found = causes(CATALOGUE[id_].formulas, (SATURATED, "square-4-4-4-4-cross-entropy"))
    assert {tag: cause.mistakes for tag, cause in found.items()} == {"C": (id_,), "BP1": (id_,)}


def test_a_mistake_of_which_nothing_is_known_is_not_named() -> None:
    """The labels are right; with other ones the cost would be infinite, which nothing refutes."""
    targets = CATALOGUE["label-off-by-one"].formulas["C"]
    infinite = Mistake("infinite", "", "wrong", "right", {"C": targets})
    zero = mistaken(right("C", lambda v, _: 0 * v), "it")
    (cause,) = diagnose([check_case(zero, recorded(SATURATED))], [infinite])
    assert (cause.mistakes, cause.alone, cause.partly) == ((), (), ())


def test_a_cause_of_several_equations_is_told_once() -> None:
    subject = mistaken(CATALOGUE["sums-shown"].formulas, "it")
    report = check(subject, case="remainder-3-4-2")
    assert [blame.tag for blame in report.blames] == ["BP3", "BP4", "B", "W"]
    first, *others = ([*cause_words(report, blame.tag)] for blame in report.blames)
    assert first[0].startswith("cause: sums-shown: ")
    assert others == [["cause: the same as of BP3: sums-shown"]] * 3


def test_it_is_said_of_a_cause_when_it_is_a_convention() -> None:
    report = check(mistaken(CATALOGUE["no-batch-mean"].formulas, "it"), case="remainder-3-4-2")
    said = [words.strip() for words in cause_words(report, "B")]
    assert CATALOGUE["no-batch-mean"].convention in said


def test_two_mistakes_have_two_causes() -> None:
    ids = ("bp2-no-sigma-prime", "bias-frozen")
    formulas = {tag: f for id_ in ids for tag, f in CATALOGUE[id_].formulas.items()}
    assert {tag: cause.mistakes for tag, cause in causes(formulas).items()} == {
        "BP2": (ids[0],),
        "B": (ids[1],),
    }


def test_the_mean_of_squares_over_the_outputs_is_measured_as_such() -> None:
    mean = right("BP1", lambda v, at: v / at.y.shape[0] * 2)
    found = causes(mean, ("hand-2-3-1", "layout-3-2-4", "narrow-5-1"))
    assert measure_text(found["BP1"].measured[0]) == "it is 2/n_L × the right value"


def test_right_numbers_with_their_bytes_turned_round_are_told() -> None:
    found = causes(right("Z", lambda v, _: v.byteswap()), ("layout-3-2-4",))
    assert words_of(found["Z"]) == ("z2 is right, but its bytes are big-endian, not little-endian",)


def test_right_numbers_written_column_by_column_are_told() -> None:
    """Layer 2 has as many neurons as there are samples, where it could be a transpose."""
    columns = right("Z", lambda v, _: v.ravel("F").reshape(v.shape))
    found = causes(columns, ("layout-3-2-4",))
    assert words_of(found["Z"]) == (
        "z3 is right, but it was written column by column, not row by row",
    )


def written(text: str, dtype: str = "") -> dict[str, tuple[str, ...]]:
    """What is measured of a right program that shows its numbers in a format of text."""

    class Written(MistakenSession):
        def step(self, batch: Batch) -> dict[str, Array]:
            shown = super().step(batch)
            return {
                name: np.array([float(text % each) for each in array.flat], array.dtype).reshape(
                    array.shape
                )
                for name, array in shown.items()
            }

    subject = Subject("written", partial(Written, {}))
    reports = [check_case(subject, recorded(f"{id_}{dtype}")) for id_ in ("hand-2-3-1", *CASES)]
    return {cause.tag: cause.mistakes or words_of(cause) for cause in diagnose(reports)}


@pytest.mark.parametrize(
    ("text", "dtype", "digits", "needed"),
    [
        ("%.15g", "", 15, "a float64 needs 17"),
        ("%.9g", "", 9, "a float64 needs 17"),
        ("%g", "-float32", 6, "a float32 needs 9"),
        ("%f", "", 7, "a float64 needs 17"),
    ],
)
def test_numbers_that_were_written_with_few_digits_are_told(
    text: str, dtype: str, digits: int, needed: str
) -> None:
    """And not taken for rounding within the program, such as a float32 inside."""
    words = f"no number that was shown has more than {digits} digits: as text, {needed}"
    found = written(text, dtype)
    assert len(found) > 3
    assert set(found.values()) == {(words,)}


def test_a_number_of_few_digits_that_is_right_is_no_cause() -> None:
    """Frozen biases are the fractions of the case; all other numbers have all their digits."""
    found = causes(CATALOGUE["bias-frozen"].formulas, ("hand-2-3-1",))
    assert found["B"].mistakes == ("bias-frozen",)


def test_a_factor_of_one_is_none() -> None:
    """What is off by less than is shown, or by 2/n_L where n_L is 2."""
    nearly = right("BP4", lambda v, _: v * (1 + 1e-9))
    (words,) = words_of(causes(nearly, ("expanding-3-4-5-2",))["BP4"])
    assert words == "it is off by up to 1e-09 of the largest entry"


def test_a_right_program_has_no_cause() -> None:
    assert causes({}) == {}


def test_a_value_that_is_not_finite_is_said_to_be_none() -> None:
    found = causes(right("A", lambda v, _: v * np.nan), CASES[:1])
    assert words_of(found["A"]) == ("it is not a finite number",)


def wrong_hidden_error(w_above: Any, delta_above: Any, z: Any) -> Any:
    """δ^l with σ(z) in the place of σ′(z)."""
    return (w_above.T @ delta_above) * sigmoid(z)


def test_where_our_equation_is_wrong_it_is_accused_and_not_the_subject(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def wrong(*network: Any) -> Rows:
        table = rows(*network)
        bp2 = {name: row for name, row in table.items() if row.tag == "BP2"}
        return {
            **table,
            **{name: replace(row, function=wrong_hidden_error) for name, row in bp2.items()},
        }

    monkeypatch.setattr("conformance.corpus.case.rows", wrong)
    afresh = replace(recorded("contracting-5-4-3-2"))  # what is known of the other is kept
    report = check_case(book_subject(Network, "right"), afresh)
    assert {verdict.who for verdict in report.failures} == {EQUATION}
    assert {verdict.name for verdict in report.failures} == {"delta2", "delta3"}
    assert diagnose([report]) == ()


def test_where_the_record_is_wrong_it_is_accused_and_not_the_subject() -> None:
    whole = recorded("hand-2-3-1")
    step = whole.steps[0]
    edited = {**step.expected, "z2": step.expected["z2"] + 0.5}
    report = check_case(
        book_subject(Network, "right"),
        replace(whole, steps=(replace(step, expected=edited),)),
    )
    assert {(verdict.name, verdict.who) for verdict in report.failures} == {("z2", RECORD)}
    assert diagnose([report]) == ()


@pytest.mark.filterwarnings("ignore:Casting complex")
def test_of_complex_numbers_no_size_is_measured() -> None:
    class Other(Network):
        def backprop(self, x: Any, y: Any) -> Any:
            nabla_b, nabla_w = super().backprop(x, y)
            return [each.astype(np.complex128) for each in nabla_b], nabla_w

    report = check_case(book_subject(Other, "it"), recorded("layout-3-2-4"))
    found = {cause.tag: words_of(cause) for cause in diagnose([report])}
    assert found == {"B": ("its numbers are complex",)}


def test_of_right_numbers_in_another_dtype_no_size_is_measured() -> None:
    narrow = changed(("z2", lambda z, _m: z.astype(np.float16)))
    report = check_case(function_subject(narrow, "it"), recorded("hand-2-3-1"))
    found = {cause.tag: words_of(cause) for cause in diagnose([report])}
    assert found == {"Z": ("its numbers are right: only their dtype is not",)}


def test_nearly_once_is_no_factor() -> None:
    found = causes(right("BP3", lambda v, _: v * (1 + 1e-9)), CASES[:1])["BP3"]
    assert words_of(found) == ("it is off by up to 1e-09 of the largest entry",)
