"""All steps on the subject's own parameters, one test an equation.

Only here do stale gradients, momentum left on and aliased arrays show. After a wrong step a free
run would only say so again, and less exactly, so there is none.
"""

import pytest

from conformance.suite.asked import Asked
from conformance.suite.judge_subject import fitting, free_run_verdicts, restarted_right, settle


def test_free_run(run: Asked) -> None:
    """The equation holds in all layers of all steps."""
    if not fitting(run).runs_freely(run.case):
        pytest.skip(f"{run.subject} cannot be followed through the steps of {run.case.id}")
    if not restarted_right(run.case, run.subject, run.family):
        pytest.xfail("not run: restarted steps fail")
    settle(run, free_run_verdicts(run.case, run.subject, run.family))
