"""The verdict in one sentence: where, and why if that is known."""

from dataclasses import replace

import pytest

from conformance.api import check
from conformance.diagnosis.measured import Cause, Measured, measure
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.mistake import subject_of
from conformance.report.book_report import Report
from conformance.report.sentence import sentence, verdict
from conformance.tests.support import answering, showing, wrong_at

SMALL = "square-4-4-4-4"
UNJUDGED = f"it could not be judged in 1 of 1 case, first in {SMALL}: "


def said_of(mistake: str) -> str:
    """The sentence on the subject that makes a mistake, and is right otherwise."""
    return sentence(check(subject_of(CATALOGUE[mistake]), case=SMALL))


@pytest.mark.parametrize(
    ("mistake", "expected"),
    [
        (
            "bp2-no-sigma-prime",
            "BP2 is wrong at layers 2 and 3: σ′(z^l) is left out in the hidden layers",
        ),
        (
            "ascends",
            "B and W are wrong at layers 2, 3 and 4: the gradient is added: the cost is climbed",
        ),
        (
            "sigma-prime-of-a",
            (
                "BP1 at layer 4 and BP2 at layers 2 and 3 are wrong: "
                "σ′ is taken at a, which has been through σ already"
            ),
        ),
        ("cost-without-half", "C is wrong: the quadratic cost lacks its ½"),
        ("inputs-mutated", "it overwrites its x"),
    ],
)
def test_a_known_cause_is_told_in_its_own_words(mistake: str, expected: str) -> None:
    assert said_of(mistake) == expected


def test_two_mistakes_of_one_formula_are_one_cause() -> None:
    report = check(subject_of(CATALOGUE["bp1-no-sigma-prime"]), case="dead-inputs-4-3-2")
    assert len(next(each.mistakes for each in report.causes if each.tag == "BP1")) == 2
    assert sentence(report).endswith(
        "σ′(z^L) is left out of the output error of the quadratic cost"
    )


def test_two_mistakes_of_two_formulas_are_no_cause() -> None:
    report = check(wrong_at("BP2"), case=SMALL)
    both = Cause("BP2", ("bp2-no-sigma-prime", "bp2-no-transpose"))
    assert sentence(replace(report, causes=(both,))) == "BP2 is wrong at layers 2 and 3"


def test_without_a_known_cause_it_says_what_is_measured() -> None:
    report = replace(
        check(wrong_at("BP2"), case=SMALL),
        causes=(Cause("BP2", measured=(measure(Measured.FACTOR, factor="2"),)),),
    )
    assert sentence(report) == "BP2 is wrong at layers 2 and 3: it is 2 × the right value"


def test_equations_of_different_causes_stand_side_by_side() -> None:
    words = sentence(check(wrong_at("BP2", "BP3"), case="remainder-3-4-2"))
    assert words == (
        "BP2 is wrong at layer 2: σ′(z^l) is left out in the hidden layers; "
        "BP3 is wrong at layers 2 and 3: ∂C/∂b is a sum where ∂C/∂w is a mean"
    )


@pytest.mark.parametrize(
    ("subject", "word", "expected"),
    [
        ("reference", "conformant", "all 264 quantities that it shows in 1 case are right"),
        (
            answering(lambda _: 1 / 0),
            "not judged",
            f"{UNJUDGED}ZeroDivisionError: division by zero",
        ),
        (
            showing(),
            "not judged",
            f"{UNJUDGED}nothing was compared",
        ),
    ],
    ids=["reference", "crash", "nothing"],
)
def test_a_subject_that_is_not_wrong_is_right_or_not_judged(
    subject: object, word: str, expected: str
) -> None:
    report = check(subject, case=SMALL)
    assert (verdict(report), sentence(report)) == (word, expected)


def test_a_report_on_nothing_says_so() -> None:
    assert sentence(Report("mine")) == "nothing was compared"


def test_a_record_that_is_wrong_is_not_laid_on_the_subject() -> None:
    report = check(wrong_at("BP2"), case=SMALL)
    doubted = [
        replace(
            each,
            verdicts=[replace(v, doubted=True, who="the recorded file") for v in each.verdicts],
        )
        for each in report.cases
    ]
    assert sentence(replace(report, cases=tuple(doubted))).startswith(
        "BP2 is wrong at layers 2 and 3: the recorded file is wrong"
    )
