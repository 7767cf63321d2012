"""A mistake that changes nothing in the cases at hand is never named as a cause.

The subjects are wrong in one equation, by little more than the tolerance or by far, so that nothing
but the numbers of a case tells what they do. Left out: mistakes that are named rightly
(`test_prove.py`).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from conformance.diagnosis.diagnose import diagnose
from conformance.diagnosis.measured import Cause
from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.mistake import mistaken, subject_of
from conformance.mistakes.situation import Formulas, Situation, by_the_book
from conformance.model.table import TAGS, name_of
from conformance.tests.parts import few
from conformance.tests.support import hiding, recorded
from conformance.verdict.oracle import expectations
from reference.step import Batch, Parameters

BOOK_TAGS = [tag for tag in TAGS if tag != "V"]  # whose update keeps nothing
OTHERS = (
    *("cancelling-2-2-2", "layout-3-2-4", "narrow-5-1"),
    *("saturated-2-2-3-cross-entropy", "single-4-3-2"),
)
"""Cases of few steps in which other mistakes change nothing."""

HAND = "hand-2-3-1"
"""Here many mistakes change nothing: one output, one sample, one step, λ = 0."""


def nearly(at: Situation, tag: str) -> Any:
    """The book's value and 1.5 tolerances, in every entry."""
    start, batch = Parameters.of({**at.given}), Batch(at.x, at.y)
    expected = expectations(at.case, start, batch, at.named)[name_of(tag, at.layer)]
    return by_the_book(at, tag) + 1.5 * expected.tolerance()


def far(at: Situation, tag: str) -> Any:
    """The book's value times 1.3, and 0.1"""
    return 1.3 * by_the_book(at, tag) + 0.1


WRONG: dict[str, Callable[[Situation, str], Any]] = {"by little": nearly, "by far": far}


def wrong(tag: str, how: str) -> Formulas:
    """A formula that is wrong in one equation, as no known mistake is."""
    return {tag: lambda at: WRONG[how](at, tag)}


@cache
def unseen(id_: str) -> frozenset[str]:
    """The mistakes that change nothing in a case: nothing fails of a subject that makes them."""
    return frozenset(
        mistake.id
        for mistake in CATALOGUE.values()
        if not check_case(subject_of(mistake), recorded(id_)).failures
    )


def named(*reports: CaseReport) -> set[str]:
    """All mistakes that are named for what these reports say, in whatever words."""
    return {id_ for cause in diagnose(reports) for id_ in ids(cause)}


def ids(cause: Cause) -> tuple[str, ...]:
    return (*cause.mistakes, *cause.alone, *cause.unseen, *cause.partly)


def assert_unnamed(tag: str, how: str, id_: str) -> None:
    subject = mistaken(wrong(tag, how), "it")
    shown_alone = name_of(tag, 2).rstrip("0123456789")
    for each in (subject, hiding(subject, shown_alone)):
        report = check_case(each, recorded(id_))
        assert not named(report) & unseen(id_), (id_, each.name)


@pytest.mark.parametrize("how", sorted(WRONG))
@pytest.mark.parametrize("tag", BOOK_TAGS)
def test_what_changes_nothing_in_a_case_is_not_named(tag: str, how: str) -> None:
    assert_unnamed(tag, how, HAND)


@pytest.mark.seldom
@pytest.mark.parametrize("id_", few(OTHERS[:1], OTHERS))
def test_what_changes_nothing_is_not_named_in_other_cases(id_: str) -> None:
    for tag in BOOK_TAGS:
        for how in WRONG:
            assert_unnamed(tag, how, id_)


CHANGES_NOTHING = {
    "aliased-layers": "W",
    "bp2-wrong-layer": "BP2",
    "bp3-mean-for-sum": "BP3",
    "bp3-sum-for-mean": "BP3",
    "divided-by-n": "B",
    "divided-twice": "W",
    "gradients-accumulate": "BP4",
    "label-off-by-one": "BP1",
    "last-sample-only": "BP4",
    "mean-over-outputs": "C",
    "momentum-left-on": "W",
    "no-batch-mean": "W",
    "quadratic-delta-on-cross-entropy": "BP1",
    "remainder-dropped": "B",
    "sums-for-means": "BP3",
    "z-accumulates": "Z",
    "l2-after-step": "W",
    "l2-doubled": "W",
    "l2-halved": "W",
    "l2-on-biases": "B",
    "l2-over-m": "W",
    "l2-sign": "W",
    "l2-without-n": "W",
}
"""Mistakes, and the equation in which they change nothing in this case."""


@pytest.mark.parametrize("id_", sorted(CHANGES_NOTHING))
def test_a_mistake_is_not_named_where_there_is_nothing_for_it_to_change(id_: str) -> None:
    tag = CHANGES_NOTHING[id_]
    assert id_ in unseen(HAND)
    report = check_case(mistaken(wrong(tag, "by little"), "it"), recorded(HAND))
    assert list(report.blamed) == [tag]
    assert id_ not in named(report)


def test_a_mistake_is_named_if_one_of_two_cases_shows_it() -> None:
    """In the other nothing is wrong, and nothing could be."""
    subject = subject_of(CATALOGUE["l2-sign"])
    reports = [check_case(subject, recorded(each)) for each in (HAND, "expanding-2-3-2")]
    assert not reports[0].failures
    assert {cause.tag: cause.mistakes for cause in diagnose(reports)} == {"W": ("l2-sign",)}


def test_a_mistake_is_no_cause_of_an_equation_in_which_it_changes_nothing() -> None:
    """With the cross-entropy σ′(a) for σ′(z) is in BP2 alone, and BP1 is off by something else."""
    case, known = "square-4-4-4-4-cross-entropy", CATALOGUE["sigma-prime-of-a"]
    both = {**wrong("BP1", "by little"), "BP2": known.formulas["BP2"]}
    report = check_case(mistaken(both, "it"), recorded(case))
    found = {cause.tag: ids(cause) for cause in diagnose([report])}
    assert found == {"BP1": (), "BP2": (known.id,)}
