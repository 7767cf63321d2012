"""Who is wrong where a subject fails: itself, our equation, or the recorded file.

Left out: the failures themselves (`judge.py`).
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from conformance.corpus.recorded import Recorded
from conformance.subjects.observation import Observation
from conformance.verdict.compare import (
    EQUATION,
    RECORD,
    RESTARTED,
    UNDECIDED,
    Status,
    Verdict,
    judge,
    recorded_truth,
)
from conformance.verdict.deviation import Target, compare
from conformance.verdict.oracle import expectation

OWN = "reference"  # the subject that computes by the equations of the judge


def failed_in(verdicts: Sequence[Verdict], mode: str) -> frozenset[str]:
    """The names of the quantities of which the subject is accused in a mode."""
    failed = (v for v in verdicts if v.status is Status.FAIL and v.mode == mode)
    return frozenset(verdict.name for verdict in failed if verdict.name and not verdict.doubted)


def with_doubts(
    verdicts: list[Verdict], recorded: Recorded, t: int, seen: Observation, *, own: bool
) -> list[Verdict]:
    """The verdicts, each failure marked at which the record itself would fail, and who is wrong.

    If the subject is our `own` reference, it is no witness for it.
    """
    if not any(verdict.status is Status.FAIL for verdict in verdicts):
        return verdicts
    truth = recorded_truth(recorded, t)

    def marked(verdict: Verdict) -> Verdict:
        failed = verdict.status is Status.FAIL and verdict.name
        if not failed or not _doubtful(recorded, t, verdict.name):
            return verdict
        who = UNDECIDED
        if verdict.mode == RESTARTED and verdict.name in seen.shown:
            shown, type_ = seen.shown[verdict.name], recorded.case.type
            if not compare(shown, truth[verdict.name], type_).problem:
                who = EQUATION  # the subject and the record agree against it
            elif verdict.from_truth and not own:
                who = RECORD  # the subject and the equation agree against it
        return replace(verdict, doubted=True, who=who)

    return [marked(verdict) for verdict in verdicts]


@lru_cache(maxsize=4096)  # the proof of the mistakes asks for it with every one of them
def _doubtful(recorded: Recorded, t: int, name: str) -> bool:
    """Whether the record itself would fail at a quantity.

    The first question spares the second, a judgement of the whole step, and changes no answer.
    """
    step = recorded.steps[t]
    start, truth = (step.parameters, step.batch), recorded_truth(recorded, t)
    local = Target.of(expectation(name, recorded.case, start, step.expected))
    if not compare(step.expected[name], local, recorded.case.type).problem:
        return False
    judged = judge(recorded.case, (t, RESTARTED), start, truth, step.expected)
    return name in failed_in(judged, RESTARTED)  # and does not follow from another
