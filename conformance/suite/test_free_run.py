"""All steps on the subject's own parameters, one test an equation.

Only here do stale gradients, momentum left on and aliased arrays show.
"""

from conformance.corpus.case import Case
from conformance.suite.judging import free_run_verdicts, settle


def test_free_run(run: Case, tag: str, subject: str) -> None:
    """The equation holds in all layers of all steps."""
    settle(run, subject, tag, free_run_verdicts(run, subject))
