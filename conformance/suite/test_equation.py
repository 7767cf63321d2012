"""Each step from the recorded parameters, one test an equation: `-k bp2` picks BP2."""

from conformance.corpus.case import Case
from conformance.suite.judging import restarted_verdicts, settle


def test_equation(case: Case, step: int, tag: str, subject: str) -> None:
    """The equation holds in all layers, from the subject's own inputs and against the truth."""
    settle(case, subject, tag, restarted_verdicts(case, step, subject))
