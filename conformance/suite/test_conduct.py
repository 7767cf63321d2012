"""What is no equation: the subject shows something, and leaves alone what is not its own."""

import pytest

from conformance.report.ascii import for_stdout
from conformance.report.message import failure
from conformance.suite.asked import Asked
from conformance.suite.judge_subject import (
    compared,
    fitting,
    free_run_verdicts,
    restarted_right,
    restarted_verdicts,
)
from conformance.verdict.compare import Status


def test_conduct(conduct: Asked) -> None:
    """Something of the case was compared, and nothing beside the equations is wrong."""
    subject, (case, _, name, family) = fitting(conduct), conduct
    verdicts = [*compared(restarted_verdicts(case, name, family))]
    if case.steps > 1 and subject.runs_freely(case) and restarted_right(case, name, family):
        verdicts += compared(free_run_verdicts(case, name, family))
    remarks = [v for v in verdicts if not v.name and v.status is Status.FAIL]
    if remarks:
        pytest.fail(for_stdout(failure(case, name, remarks)), pytrace=False)
    if not {Status.PASS, Status.FAIL} & {verdict.status for verdict in verdicts}:
        pytest.fail(f"{name} in {case.id}: nothing was compared", pytrace=False)
