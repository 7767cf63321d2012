"""What is said of a finding, in every form that a report has.

Left out: its line of code (`source_words.py`).
"""

from collections.abc import Callable

from conformance.outcome import Outcome
from conformance.report.source_words import place, source
from conformance.verdict.compare import Verdict
from conformance.verdict.finding import Finding, Kind

_ORDER = "backprop returns {lists} with the last layer first"
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
    Kind.MISORDERED: _of(f"{_ORDER}; update_mini_batch takes the first layer first"),
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
    Kind.ENTRIES_IGNORED: _of(
        "{method} ignores all other entries of a sample where one is 0 · log 0: "
        "nan_to_num belongs inside the sum"
    ),
    Kind.OTHER: _of("{words}"),
}
