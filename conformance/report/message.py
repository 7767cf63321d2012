"""What a failure or a finding says, in every form that a report has: the blamed equation first.

Left out: tables and colour (`terminal.py`), and lines of code (`source_words.py`).
"""

import math
import sys
from collections.abc import Callable, Iterable, Sequence

from conformance.corpus.case import Case
from conformance.model.table import entry
from conformance.outcome import Outcome
from conformance.report.source_words import place, source
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
from conformance.verdict.finding import Finding, Kind
from reference.step import split

_LAST_FIRST = "backprop returns {lists} with the last layer first"
_RUNS = "two runs of the same command differ"


def finding_text(finding: Finding) -> str:
    """The finding in one sentence, without a full stop."""
    return _WORDS[finding.kind](finding)


def problem_text(verdict: Verdict) -> str:
    """What is wrong in a verdict, in words; may be empty."""
    if verdict.finding is not None:
        return finding_text(verdict.finding)
    return f"{verdict.problem} from the truth" if verdict.from_truth else verdict.problem


def finding_texts(report: Outcome) -> list[str]:
    """What is wrong beside the equations, each said once."""
    return list(dict.fromkeys(finding_text(each) for each in report.findings))


def finding_lines(finding: Finding) -> list[str]:
    """Where it is, and the line to blame with its neighbours; empty if no line is known."""
    return [*(place(frame) for frame in finding.frames[:1]), *source(finding.frames)]


def _of(text: str) -> Callable[[Finding], str]:
    return lambda finding: text.format(**dict(finding.values))


def _unrepeatable(finding: Finding) -> str:
    return {
        "backprop": "a second call of backprop with the same sample gives another gradient",
        "module": "a second call with the same samples gives another output: dropout, or a state "
        "of its own",
    }.get(str(finding["method"]), "a second call with the same arguments gives other numbers")


def _repeated(finding: Finding) -> str:
    if finding["left"]:
        said = "SGD takes some samples twice in an epoch and leaves others out"
        return f"{said} (shuffle-duplicates-rows)"
    return _of("SGD takes {repeated} of {n} samples in two mini-batches of an epoch")(finding)


def _left_out(finding: Finding) -> str:
    later = f" in epoch {finding['epoch']}" if finding["epoch"] != 1 else ""
    return _of("SGD leaves out {left} of {n} samples in mini-batches of {m}")(finding) + later


def _decay(finding: Finding) -> str:
    if finding["each"]:
        return "total_cost adds n times the L2 term λ/2n Σw²: once a sample, or without 1/n"
    return f"total_cost adds {finding['factor']:.4g} times the L2 term λ/2n Σw²"


_WORDS: dict[Kind, Callable[[Finding], str]] = {
    Kind.OVERWRITTEN: _of("{method} overwrites {what}"),
    Kind.UNREPEATABLE: _unrepeatable,
    Kind.MEMORY_SHARED: _of(
        "two layers share memory after the parameters were given as separate arrays"
    ),
    Kind.ARRAY_SHARED: _of("two layers of a new {sizes} network share one array"),
    Kind.MISORDERED: _of(f"{_LAST_FIRST}; update_mini_batch takes the first layer first"),
    Kind.MOVED_EARLY: _of(
        "update_mini_batch moves the weights or biases before all samples were sent through them "
        "(update-inside-sample-loop)"
    ),
    Kind.RATE_IGNORED: _of(
        "with half of η, update_mini_batch does not move the {what} half as far"
    ),
    Kind.RUNS_DIFFER: _of(
        f"{_RUNS} in {{name}}, as with an array that is not set, a generator without a seed, or "
        "threads that write to the same place"
    ),
    Kind.ONE_RUN_STOPPED: _of(f"{_RUNS}: one wrote its numbers, the other stopped"),
    Kind.STOPPED: _of("SGD stops: {error}"),
    Kind.PAIRS_BROKEN: _of(
        "SGD pairs inputs with the targets of other samples (x-and-y-shuffled-apart)"
    ),
    Kind.SAMPLES_REPEATED: _repeated,
    Kind.REMAINDER_DROPPED: _of(
        "SGD leaves out the last, short mini-batch of {n} samples by {m} (remainder-dropped)"
    ),
    Kind.SAMPLES_LEFT_OUT: _left_out,
    Kind.EPOCH_EMPTY: _of(
        "SGD has no mini-batch in epoch {epoch}: what gave the mini-batches is used up"
    ),
    Kind.NOMINAL_RATE: _of(
        "SGD gives the last, short mini-batch an η as if it were whole (remainder-nominal-size)"
    ),
    Kind.DECAY_FACTOR: _decay,
    Kind.COSTS_SUMMED: _of(
        "total_cost adds up the costs of the samples, and not their mean, beside the L2 term "
        "λ/2n Σw²"
    ),
    Kind.ENTRIES_IGNORED: _of(
        "{method} ignores all other entries of a sample where one is 0 · log 0: "
        "nan_to_num belongs inside the sum"
    ),
    Kind.OTHER: _of("{words}"),
}


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
