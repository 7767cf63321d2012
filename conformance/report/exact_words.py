"""What is said of balls: bug or rounding, where the digits went, and whether all is exactly right.

Left out: how a loss of digits is worded (`message.py`), colour (`terminal.py`).
"""

import math
from collections.abc import Iterator

from conformance.judging.observe import ExactRun
from conformance.outcome import LostEquation, Outcome
from conformance.report.blame_words import at_layers
from conformance.report.message import lost
from conformance.report.source_words import instead_words
from conformance.verdict.apart import Exactness
from conformance.verdict.compare import Verdict


def exact_words(report: Outcome, tag: str = "") -> Iterator[str]:
    """The lines that balls have to say of a blamed equation, or of the whole subject."""
    if not tag:
        yield from map(_of_all, report.exact)
        return
    asked = [
        (verdict, verdict.on_balls)
        for case in report.cases
        for verdict in case.blamed.get(tag, ())
        if verdict.on_balls is not None
    ]
    for verdict, found in sorted(asked, key=lambda each: _rank(each[1]))[:1]:
        yield f"exact arithmetic ({verdict.case}): {_of_failure(verdict, found)}"


def loss_text(report: Outcome, each: LostEquation) -> str:
    """That the formula of an equation is right and its digits are lost, and in how many cases."""
    where, of = f"{each.tag}{at_layers(each.layers)}", len(report.cases)
    count = f"in {each.cases} of {of} case{'s'[: of != 1]}"
    if each.badly:
        return f"{where} is the right formula, evaluated badly, {count}"
    return f"{where} is the right formula and loses digits, {count}"


def loss_words(each: LostEquation) -> str:
    """How the digits of an equation went."""
    found = each.first.lost
    if found is None or found.loss is None:
        return "no single operation loses the digits"
    it = found.loss.instead
    gain = "" if it is None else f"; {instead_words(it.write, it.digits, it.line)}"
    return f"{lost(found.loss)}{gain}"


def _rank(found: Exactness) -> int:
    """What is wrong first, then what is known to be right."""
    return 0 if found.wrong else 1 if found.right else 2


def _of_failure(verdict: Verdict, found: Exactness) -> str:
    if found.error is None:
        return f"floats decide: {found.why}"
    if found.right:
        return f"right formula; it {verdict.problem}"
    by = f" by {found.error:.2g} of the largest" if math.isfinite(found.error) else ""
    return f"wrong{by}: not rounding"


def _of_all(run: ExactRun) -> str:
    """The answer of a subject that is right in floats."""
    if run.left:
        return f"exact arithmetic: not run, since {run.left}"
    return f"exact arithmetic ({run.case}): {'; '.join(_parts(run))}"


def _parts(run: ExactRun) -> Iterator[str]:
    wrong = [run.errors[name] for name in run.wrong]
    if wrong:
        yield f"off by {max(wrong):.2g} of the largest, which floats do not show"
    elif run.errors:
        yield f"exactly right, to {max(run.errors.values()):.1g} of the largest"
    for name, why in [*run.undecided.items()][:1]:
        yield f"floats decide {name}: {why}"
