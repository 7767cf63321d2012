"""A mistake in what a subject hides is told by what it shows, or not at all."""

import pytest

from conformance.diagnosis.diagnose import diagnose
from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.mistake import mistaken
from conformance.mistakes.situation import Formulas, by_the_book
from conformance.report.book_report import Report
from conformance.report.cause_words import cause_words
from conformance.tests.support import hiding, recorded

CASES = ("expanding-3-4-5-2", "remainder-3-4-2")


def reports(formulas: Formulas, *kept: str) -> list[CaseReport]:
    """The reports on a subject that computes by these formulas and shows these quantities."""
    subject = hiding(mistaken(formulas, "whole"), *kept)
    return [check_case(subject, recorded(id_)) for id_ in CASES]


def formulas_of(*ids: str) -> Formulas:
    return {tag: formula for id_ in ids for tag, formula in CATALOGUE[id_].formulas.items()}


def named(*checked: CaseReport) -> dict[str, tuple[str, ...]]:
    """The mistakes in hidden equations that are named, by the tags of the blamed ones."""
    return {cause.tag: cause.unseen for cause in diagnose(checked)}


@pytest.mark.parametrize(
    ("id_", "kept", "blamed"),
    [
        ("bp2-no-sigma-prime", ("nabla_b", "nabla_w"), ("BP3", "BP4")),
        ("bp2-no-sigma-prime", ("nabla_w",), ("BP4",)),
        ("bp2-no-sigma-prime", ("b", "w"), ("B", "W")),
        ("sigma-prime-of-a", ("a", "nabla_b", "nabla_w"), ("BP3", "BP4")),
        ("sigmoid-sign", ("nabla_b", "nabla_w"), ("BP3", "BP4")),
    ],
)
def test_a_mistake_in_hidden_equations_is_named_for_what_it_makes_wrong(
    id_: str, kept: tuple[str, ...], blamed: tuple[str, ...]
) -> None:
    assert named(*reports(formulas_of(id_), *kept)) == dict.fromkeys(blamed, (id_,))


def test_it_is_said_in_which_equation_it_is() -> None:
    causes = diagnose(reports(formulas_of("bp2-no-sigma-prime"), "nabla_w"))
    first = next(cause_words(Report("hiding", causes=causes), "BP4"))
    assert first.startswith("cause: bp2-no-sigma-prime, in BP2, which cannot be seen: ")


def test_two_mistakes_in_what_is_hidden_are_not_named() -> None:
    both = formulas_of("bp1-no-sigma-prime", "bp2-no-sigma-prime")
    assert named(*reports(both, "nabla_b", "nabla_w")) == {"BP3": (), "BP4": ()}


def test_a_mistake_that_does_not_give_all_that_is_shown_is_not_named() -> None:
    wrong = CATALOGUE["bp2-no-sigma-prime"].formulas["BP2"]
    at_the_second: Formulas = {
        "BP2": lambda at: wrong(at) if at.layer == 2 else by_the_book(at, "BP2")
    }
    assert named(*reports(at_the_second, "nabla_b", "nabla_w")) == {"BP3": (), "BP4": ()}


def test_only_what_nothing_shows_to_be_right_may_be_to_blame() -> None:
    """That ∇ of the output layer is right clears all before it, though it comes later."""
    seen = reports(formulas_of("bp2-no-sigma-prime"), "nabla_b", "nabla_w")[1]
    assert {verdict.hidden for verdict in seen.failures} == {("delta2",)}
