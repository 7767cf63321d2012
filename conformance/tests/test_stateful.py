"""State that outlives a step or a call: found in the free run or the second call, and placed.

Restarted at each step such a network is right; only a whole run, or a second call, shows it.
"""

import linecache
from collections import Counter

import pytest

from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.model.table import tag_of
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.book.conduct import AGAIN
from conformance.tests.networks import stateful
from conformance.tests.support import recorded
from conformance.verdict.compare import FREE, Verdict
from conformance.verdict.finding import Kind, finding


def checked(cls: type) -> CaseReport:
    return check_case(book_subject(cls, cls.__name__), recorded("remainder-3-4-2"))


def blamed(report: CaseReport) -> dict[str, str]:
    """The source lines that most failures of each equation lead to, by its tag."""
    found: dict[str, list[str]] = {}
    for verdict in report.failures:
        if verdict.name:
            tag = tag_of(verdict.name, report.case.layers)
            found.setdefault(tag, []).append(_line(verdict))
    return {tag: Counter(lines).most_common(1)[0][0] for tag, lines in found.items()}


def _line(verdict: Verdict) -> str:
    frame = verdict.frames[0]
    return linecache.getline(frame.file, frame.line).strip()


@pytest.mark.parametrize(
    ("cls", "lines"),
    [
        pytest.param(
            stateful.GradientsKept,
            {
                "BP3": "self.nabla_b = [nb + dnb for nb, dnb in zip(self.nabla_b, delta_b)]",
                "BP4": "self.nabla_w = [nw + dnw for nw, dnw in zip(self.nabla_w, delta_w)]",
            },
            marks=pytest.mark.seldom,
        ),
        pytest.param(
            *(stateful.GradientsKeptInPlace, {"BP3": "nb += dnb", "BP4": "nw += dnw"}),
            marks=pytest.mark.seldom,
        ),
        (
            stateful.Momentum,
            {"W": "self.weights = [w + v for w, v in zip(self.weights, self.velocity)]"},
        ),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_what_a_step_leaves_is_blamed_on_its_equation_and_line(
    cls: type, lines: dict[str, str]
) -> None:
    report = checked(cls)
    assert {verdict.mode for verdict in report.failures} == {FREE}
    assert blamed(report) == lines


def test_what_a_call_leaves_is_blamed_on_its_equation_and_line() -> None:
    report = checked(stateful.InputsKept)
    assert blamed(report) == {"Z": "self.zs[i] += np.dot(w, activations[-1]) + b"}
    assert AGAIN in {verdict.finding for verdict in report.failures}


def test_layers_that_share_an_array_are_named() -> None:
    found = {verdict.finding for verdict in checked(stateful.LayersShared).failures}
    assert found == {finding(Kind.ARRAY_SHARED, sizes="[2, 2, 2, 2]")}
