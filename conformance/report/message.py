"""What a failure says: one line a quantity, the blamed equation first.

Left out: tables and colour (`terminal.py`).
"""

import math
import sys
from collections.abc import Iterable, Sequence

from conformance.corpus.case import Case
from conformance.model.table import entry
from conformance.report.finding_words import problem_text
from conformance.tracing.digits import Loss
from conformance.verdict.compare import (
    EQUATION,
    FORWARD,
    FREE,
    RECORD,
    RESTARTED,
    RETURNED,
    SUBJECT,
    Status,
    Verdict,
    doubtful,
)
from conformance.verdict.deviation import Worst
from reference.step import split

_SYMBOLS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**"}
_ORDER = (Status.FAIL, Status.LOST, Status.EXPLAINED, Status.ERROR)


def failure(case: Case, subject: str, verdicts: Sequence[Verdict]) -> str:
    """All that is wrong in some verdicts on one case, as one message; empty if nothing is."""
    wrong = [verdict for verdict in verdicts if verdict.status in _ORDER]
    if not wrong:
        return ""
    first = next((verdict for verdict in wrong if verdict.status is Status.FAIL), wrong[0])
    lines = [headline(case, subject, first)]
    blamed_first = sorted(wrong, key=lambda verdict: _ORDER.index(verdict.status))
    lines += [line(case, verdict, _explained(verdict, wrong)) for verdict in blamed_first]
    return "\n".join(lines)


def headline(case: Case, subject: str, verdict: Verdict) -> str:
    """Which equation is wrong, at which layer, where, with its formula."""
    if not verdict.name:
        return f"{subject} in {case.id}, step {verdict.step}:"
    equation = case.rows[verdict.name]
    layer = split(verdict.name)[1]
    at = "" if layer is None else f" at layer {layer}"
    run = run_words(verdict)
    text = (
        f"{subject}: {equation.tag} is wrong{at} in {case.id}, step {verdict.step}{run}\n"
        f"  {equation.tag}: {equation.formula}   (reference/equations.py: {equation.field})"
    )
    return f"{text}\n  {accused(verdict, equation.field)}" if verdict.doubted else text


def run_words(verdict: Verdict) -> str:
    """In which run it is, or on which process."""
    words = {RESTARTED: "", FORWARD: "", RETURNED: "", FREE: " of the free run"}
    return words.get(verdict.mode, f", {verdict.mode}")


def accused(verdict: Verdict, field: str) -> str:
    """Who is wrong, by the certified truth, and the function that has the right equation."""
    ours = f"{EQUATION}: {field}"
    return {
        SUBJECT: f"the subject is wrong; right: {ours}",
        EQUATION: f"{ours} is wrong: the subject agrees with the record against it",
        RECORD: f"the recorded file is wrong: the subject agrees with {ours}",
    }.get(
        verdict.who,
        f"{ours} or the record was changed: they differ, as `conformance fixtures verify` shows",
    )


def line(case: Case, verdict: Verdict, explains: Iterable[str] = ()) -> str:
    """One quantity: where, both values to the digit where they part, how far they are apart."""
    tag = case.rows[verdict.name].tag if verdict.name else ""
    text = f"  {verdict.status:<10} {tag:<4} {what(verdict)}"
    if verdict.worst is not None:
        text += f": {difference(verdict.worst)}"
    if verdict.frames:
        text += f"; {verdict.frames[0].file}:{verdict.frames[0].line}"
    if verdict.hidden:
        text += f"; {doubtful(case, verdict)}"
    if verdict.explained_by:
        text += f"; explained by {verdict.explained_by}"
    names = list(explains)
    return text + (f"; explains {', '.join(names)}" if names else "")


def what(verdict: Verdict) -> str:
    """The quantity, its problem, and the worst entry in words."""
    where = entry(verdict.name, verdict.worst.index) if verdict.name and verdict.worst else ""
    return f"{verdict.name} {problem_text(verdict)}{' at ' + where if where else ''}".strip()


def difference(worst: Worst) -> str:
    """Both values to the digit where they part, and how far they are apart."""
    pair = zip(parting(worst.got, worst.right), (worst.got, worst.right), strict=True)
    got, right = (text if number else "0" for text, number in pair)
    ulps = [f"{in_ulps(worst.ulps)} ulp"] if worst.right else []  # those of 0 say nothing
    ratio = [f"{worst.ratio:.3g} × tolerance"] if math.isfinite(worst.ratio) else []
    measures = f"; {', '.join(ulps + ratio)}" if ulps + ratio else ""
    return f"got {got}, expected {right}{measures}; {worst.outside} of {worst.entries} entries"


def in_ulps(ulps: float) -> str:
    """A number of ulps; beside zero, whose ulp is the least of numbers, there may be too many."""
    most = ulps == sys.float_info.max  # as `deviation` says
    return "over 1e308" if most else f"{ulps:.3g}"


def lost(loss: Loss) -> str:
    """How many digits go, and in which operation."""
    numbers = [_number(each) for each in loss.operands]
    sign = _SYMBOLS.get(loss.operation, "")
    made = f" {sign} ".join(numbers) if sign else f"{loss.operation}({', '.join(numbers)})"
    exactly = f", exactly {loss.right:.4g}" if math.isfinite(loss.right - loss.result) else ""
    shown = f" ({made} = {_number(loss.result)}{exactly})" if numbers else ""
    return f"{loss.digits} of {loss.of} digits {loss.how} in {loss.operation}{shown}"


def _number(number: float) -> str:
    short = f"{number:.8g}"
    return short if float(short) == number else repr(number)


def parting(got: float, right: float) -> tuple[str, str]:
    """Two numbers to the digit where they part for good, and one more."""
    pairs = [(f"{got:.{digits}e}", f"{right:.{digits}e}") for digits in range(18)]
    alike = max((digits for digits, (one, other) in enumerate(pairs) if one == other), default=-1)
    return pairs[min(alike + 2, len(pairs) - 1)]


def _explained(verdict: Verdict, wrong: Sequence[Verdict]) -> list[str]:
    """The names of what a failure explains in its own step."""
    if verdict.status is not Status.FAIL or not verdict.name:
        return []
    here = (verdict.step, verdict.mode, verdict.name)
    return [other.name for other in wrong if (other.step, other.mode, other.explained_by) == here]
