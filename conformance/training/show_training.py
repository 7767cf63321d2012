"""A training run on a terminal: the book's line an epoch, the drift, and the verdict.

Left out: the picture (`training_output.py`).
"""

from collections.abc import Iterator

from conformance.report.cause_words import NO_CAUSE, mistake_words
from conformance.training.training_record import Epoch, Jump, TrainOutcome, Walked


def epoch_lines(epoch: Epoch) -> Iterator[str]:
    """The book's line on the reference, and one on each partner."""
    reference, *partners = epoch.walked
    yield f"Epoch {epoch.number}: {reference.correct} / {epoch.tests}{_measures(reference)}"
    for each in partners:
        yield f"  {each.name}: {each.correct} / {epoch.tests}{_measures(each)}"
        yield f"    drift {each.drift:.2g}, {each.ratio:.2g} × what rounding can explain"
        yield f"    each step {each.apart:.2g} × its bound or less{_judged(each)}"


def _judged(walked: Walked) -> str:
    """The steps that were judged; after a jump there are none."""
    if not walked.judged:
        return ""
    steps = "1 step" if walked.judged == 1 else f"{walked.judged} steps"
    return f"; {steps} judged, worst {walked.worst:.2g} × tolerance"


def _measures(walked: Walked) -> str:
    return f"   cost {walked.cost:.5f}   {walked.seconds:.2f} s   {walked.rate:,.0f} samples/s"


def verdict_lines(run: TrainOutcome) -> Iterator[str]:
    """What the run says of each partner."""
    if run.stopped:
        yield f"stopped {run.stopped}"
    for fault in run.faults:
        yield f"{fault}; here it walks the mini-batches of the reference"
    for jump in run.jumps:
        yield from _jump_lines(jump)
    wrong = {jump.subject for jump in run.jumps}
    for i, each in enumerate(run.epochs[-1].walked[1:] if run.epochs else ()):
        if each.name not in wrong:
            yield f"{each.name}: {_right(run, i)}"


def _right(run: TrainOutcome, partner: int) -> str:
    steps, lost = sum(each.walked[partner + 1].judged for each in run.epochs), run.lost(partner)
    if lost is None:
        return (
            "rounding: each step ends where the reference's does from the same start; "
            f"{_steps(steps)} judged, all right"
        )
    return (
        f"from epoch {lost} on there are numbers that are not finite, the reference's too, and "
        f"nothing to compare; {_steps(steps)} judged before, all right"
    )


def _steps(count: int) -> str:
    return "1 step was" if count == 1 else f"{count:,} steps were"


def _jump_lines(jump: Jump) -> Iterator[str]:
    layer = "" if jump.layer is None else f", layer {jump.layer}"
    place = f"epoch {jump.epoch}, step {jump.step}{layer}"
    yield f"{jump.subject}: a jump at {place}: {jump.tag}  {jump.formula}"
    yield f"  {jump.message}"
    from conformance.mistakes.catalogue import CATALOGUE  # here: a right subject needs none

    for i, id_ in enumerate(jump.causes):
        yield from (f"  {line}" for line in mistake_words(i, id_, CATALOGUE[id_]))
    if not jump.causes:
        yield f"  {NO_CAUSE}"


class TrainReport(TrainOutcome):
    """All of a run, which says what it is."""

    def __str__(self) -> str:
        """What is said of each epoch and of each partner."""
        epochs = (line for each in self.epochs for line in epoch_lines(each))
        return "\n".join((*epochs, *verdict_lines(self)))

    def __repr__(self) -> str:
        """The verdicts in one line."""
        return "; ".join(each for each in verdict_lines(self) if not each.startswith(" "))
