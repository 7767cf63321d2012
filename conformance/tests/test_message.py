"""What a failure says: which equation, where, both values, and what it explains."""

import math
import re
import sys

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from conformance.judging.judge import free_run, restarted
from conformance.model.table import entry, rows
from conformance.report.message import difference, failure, parting
from conformance.subjects.named import find
from conformance.tests.support import PROFILE, recorded, wrong_at
from conformance.verdict.compare import FREE, RESTARTED, Status, Verdict
from conformance.verdict.deviation import Worst

SQUARE = "square-4-4-4-4"
NUMBER = r"-?\d\.\d+e[+-]\d+"


def told(*tags: str, id_: str = SQUARE) -> list[str]:
    """The lines of the message on a subject with these equations wrong."""
    record = recorded(id_)
    return failure(record.case, "mine", restarted(wrong_at(*tags), record, 0)).splitlines()


def quantity(line: str) -> str:
    """The quantity on which a line is, the first that it names."""
    found = re.search(r"\b(cost|(?:nabla_)?[a-z]+\d)\b", line)
    assert found is not None
    return found[1]


def line_of(name: str, lines: list[str]) -> str:
    """The line on a quantity."""
    return next(line for line in lines if f" {name} " in line)


def test_the_first_line_names_subject_equation_layer_case_and_step() -> None:
    assert told("BP2")[0] == f"mine: BP2 is wrong at layer 3 in {SQUARE}, step 0"


def test_the_cost_has_no_layer() -> None:
    assert told("C")[0] == f"mine: C is wrong in {SQUARE}, step 0"


def test_the_second_line_gives_the_formula_and_the_function() -> None:
    line = told("BP2")[1]
    assert "δ^l = ((w^{l+1})ᵀ δ^{l+1}) ⊙ σ′(z^l)" in line
    assert "hidden_error" in line


def test_the_formula_is_that_of_the_cases_cost() -> None:
    line = told("BP1", id_="square-4-4-4-4-cross-entropy")[1]
    assert "δ^L = a^L − y" in line
    assert "σ′" not in line


def test_a_failure_of_the_free_run_says_so() -> None:
    record = recorded("expanding-2-3-2")
    verdicts = [v for v in free_run(wrong_at("BP2"), record) if v.step == 1]
    assert verdicts[0].mode == FREE
    first = failure(record.case, "mine", verdicts).splitlines()[0]
    assert first == "mine: BP2 is wrong at layer 2 in expanding-2-3-2, step 1 of the free run"


def test_every_wrong_quantity_has_one_line_and_right_ones_none() -> None:
    named = [quantity(line) for line in told("BP2")[2:]]
    explained = [f"{kind}{n}" for kind in ("nabla_b", "nabla_w", "b", "w") for n in (2, 3)]
    assert sorted(named) == sorted(["delta3", "delta2", *explained])


def test_the_blamed_come_first_in_causal_order() -> None:
    lines = [(line.split()[0], quantity(line)) for line in told("BP2", "B")[2:]]
    assert [name for status, name in lines if status == "fail"] == [
        "delta3",
        "delta2",
        "b2",
        "b3",
        "b4",
    ]
    assert [status for status, _ in lines] == sorted((s for s, _ in lines), reverse=True)


def test_a_blamed_quantity_has_its_tag_and_what_it_explains() -> None:
    line = line_of("delta3", told("BP2"))
    assert " BP2 " in line
    assert line.endswith("explains nabla_b3, nabla_w3, b3, w3")


def test_an_explained_quantity_says_by_what() -> None:
    assert line_of("nabla_w3", told("BP2")).endswith("explained by delta3")


def test_the_worst_entry_stands_in_words_with_both_values_ulps_and_tolerance() -> None:
    line = line_of("delta3", told("BP2"))
    assert re.search(rf"at neuron \d, sample \d: got {NUMBER}, expected {NUMBER};", line)
    assert re.search(r"[\d.e+]+ ulp, [\d.e+]+ × tolerance; 12 of 12 entries", line)


def test_the_values_told_are_those_of_the_worst_entry() -> None:
    record = recorded(SQUARE)
    verdict = next(v for v in restarted(wrong_at("W"), record, 0) if v.status is Status.FAIL)
    assert verdict.worst is not None
    line = line_of("w2", failure(record.case, "mine", [verdict]).splitlines())
    got, expected = map(float, re.findall(rf"(?:got|expected) ({NUMBER})", line))
    assert got == pytest.approx(verdict.worst.got, rel=0.1)
    assert expected == pytest.approx(verdict.worst.right, rel=0.1)
    assert got != expected


@pytest.mark.parametrize(
    ("name", "index", "words"),
    [
        ("z2", (1, 2), "neuron 1, sample 2"),
        ("delta3", (0, 4), "neuron 0, sample 4"),
        ("nabla_w2", (3, 0), "neuron 3, from neuron 0"),
        ("w3", (0, 1), "neuron 0, from neuron 1"),
        ("b2", (2, 0), "neuron 2"),
        ("nabla_b4", (1, 0), "neuron 1"),
        ("cost", (), ""),
    ],
)
def test_an_entry_in_words(name: str, index: tuple[int, ...], words: str) -> None:
    assert entry(name, index) == words


@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy"])
@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("z2", "Z"),
        ("a3", "A"),
        ("cost", "C"),
        ("delta3", "BP1"),
        ("delta2", "BP2"),
        ("nabla_b3", "BP3"),
        ("nabla_w2", "BP4"),
        ("b2", "B"),
        ("w3", "W"),
    ],
)
def test_a_quantity_belongs_to_its_equation(name: str, tag: str, cost: str) -> None:
    equation = rows(3, cost)[name]
    assert equation.tag == tag
    assert "=" in equation.formula or "←" in equation.formula


def test_nothing_wrong_gives_no_message() -> None:
    record = recorded(SQUARE)
    assert not failure(record.case, "reference", restarted(find("reference"), record, 0))


def test_what_has_no_worst_entry_is_told_all_the_same() -> None:
    case = recorded(SQUARE).case
    problem = "has shape (4,), expected (4, 1)"
    verdict = Verdict(case.id, 2, RESTARTED, "nabla_b2", Status.FAIL, problem)
    assert problem in failure(case, "mine", [verdict])


def test_nan_is_told() -> None:
    case = recorded(SQUARE).case
    worst = Worst((0, 0), float("nan"), 0.5, float("inf"), float("inf"), 1, 12)
    verdict = Verdict(case.id, 0, RESTARTED, "z2", Status.FAIL, "is not finite", worst)
    line = failure(case, "mine", [verdict]).splitlines()[2]
    assert "z2 is not finite at neuron 0, sample 0: got nan, expected 5.0e-01" in line


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, finite)
@example(1.4999999, 1.5000001)
@example(9.9999999, 10.0000001)
@example(1.0, 1.0000000000000002)
@example(0.0, 5e-324)
@example(1.7976931348623157e308, 1.7976931348623155e308)
@example(-0.1, 0.1)
@PROFILE
def test_two_numbers_are_told_apart(got: float, right: float) -> None:
    assume(got != right)
    one, other = parting(got, right)
    assert one != other


@given(finite, finite)
@example(1.4999999, 1.5000001)
@PROFILE
def test_both_numbers_have_the_same_digits_and_are_rounded_rightly(
    got: float, right: float
) -> None:
    assume(got != right)
    one, other = parting(got, right)
    digits = {len(text.split("e")[0].split(".")[1]) for text in (one, other)}
    assert len(digits) == 1
    places = digits.pop()
    assert (one, other) == (f"{got:.{places}e}", f"{right:.{places}e}")


@given(finite, st.integers(1, 200))
@PROFILE
def test_neighbouring_numbers_are_told_with_no_more_digits_than_a_float_has(
    got: float, ulps: int
) -> None:
    right = got
    for _ in range(ulps):
        right = math.nextafter(right, 0.0 if got > 1 else 10.0)
    assume(got != right)
    assert all(len(text.split("e")[0].lstrip("-")) <= 19 for text in parting(got, right))


@pytest.mark.parametrize(
    ("ulps", "said"), [(sys.float_info.max, "over 1e308"), (4.5e15, "4.5e+15"), (math.inf, "inf")]
)
def test_a_distance_that_no_float_holds_is_no_number_of_ulps(ulps: float, said: str) -> None:
    assert f"; {said} ulp," in difference(Worst((0,), 0.5, 0.25, ulps, 9.0, 1, 1))


def test_zero_has_no_sign_and_is_no_measure() -> None:
    worst = Worst((0,), 0.5, -0.0, sys.float_info.max, math.inf, 1, 3)
    assert difference(worst) == "got 5.0e-01, expected 0; 1 of 3 entries"


def test_numbers_that_part_early_are_told_with_few_digits() -> None:
    assert parting(7.14159, 2.71828) == ("7.1e+00", "2.7e+00")
