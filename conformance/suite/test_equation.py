"""All steps, each from the recorded parameters, one test an equation: `-k bp2` picks BP2."""

from conformance.suite.asked import Asked
from conformance.suite.judge_subject import fitting, restarted_verdicts, settle


def test_equation(equation: Asked) -> None:
    """The equation holds in all layers, from the subject's own inputs and against the truth."""
    fitting(equation)
    settle(equation, restarted_verdicts(equation.case, equation.subject, equation.family))
