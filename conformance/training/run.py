"""A whole training run: epochs one after the other, kept and reported, and ended cleanly.

Left out: an epoch (`lockstep.py`), how it is shown (`show.py`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from conformance.corpus.case import Case
from conformance.errors import UsageError
from conformance.report.message import finding_text
from conformance.subjects import Subject
from conformance.subjects.adapt import adapt
from conformance.subjects.command.subject import CommandSubject
from conformance.subjects.load import is_spec, load
from conformance.subjects.named import find
from conformance.training.checkpoint import restore, write
from conformance.training.data import Source
from conformance.training.lockstep import Done, Lockstep
from conformance.training.record import Epoch, Jump
from conformance.training.settings import Settings
from conformance.training.show import TrainReport

Told = Callable[[Epoch], None]


def subjects(
    names: Sequence[str], settings: Settings, python_path: Sequence[Path] = ()
) -> tuple[Subject, ...]:
    """The subjects of these names, each fit for the run.

    Args:
        names: as for `conformance check`, but for a command or a recording.
        settings: of the run.
        python_path: folders from which a file or module may import.

    Raises:
        UsageError: there is no such subject, or it cannot take part in this run.
        SubjectError: it could not be loaded.
    """
    found = [
        adapt(load(name, python_path), name) if is_spec(name) else find(name) for name in names
    ]
    case = settings.case(settings.mini_batch)
    for each in found:
        if reason := _unfit(each, case):
            raise UsageError(f"{each.name} cannot take part: it {reason}")
    return tuple(found)


def _unfit(subject: Subject, case: Case) -> str:
    """Why a subject cannot walk along, or nothing."""
    if isinstance(subject, CommandSubject):
        return "runs recorded cases alone"
    return subject.unfit(case) or ("" if subject.runs_freely(case) else "knows no weight decay")


def train(
    settings: Settings,
    source: Source,
    partners: tuple[Subject, ...],
    told: Told = lambda _: None,
    done: Done = lambda *_: None,
    *,
    begun: Callable[[], None] = lambda: None,
    checkpoint: Path | None = None,
    resume: Path | None = None,
) -> TrainReport:
    """Train, epoch by epoch; Ctrl-C ends it with what was measured.

    Args:
        settings: of the run.
        source: the digits.
        partners: who walks beside the reference.
        told: called with the record of each epoch.
        done: called after each step.
        begun: called when nothing is wrong with what was asked for, before the first step.
        checkpoint: written after each epoch.
        resume: a checkpoint to go on from.

    Raises:
        UsageError: the checkpoint cannot be written, or is of another run.
        SubjectError: a partner could not be run.
    """
    settings.fit_digits()
    mnist, dtype = source.mnist, np.dtype(settings.dtype)
    with threadpool_limits(1), np.errstate(all="ignore"):  # a NaN is reported, not warned of
        walk = Lockstep(settings, mnist.training.batch(dtype), mnist.test.batch(dtype), partners)
        epochs = [] if resume is None else list(restore(resume, walk))
        begun()
        stopped = ""
        try:
            while walk.epoch < settings.epochs:
                epochs.append(walk.walk(done))
                told(epochs[-1])
                if checkpoint is not None:
                    write(checkpoint, walk, epochs)
        except KeyboardInterrupt:
            stopped = f"in epoch {walk.epoch}, step {walk.step}"
    return result(settings, source.words, epochs, walk, stopped)


def result(
    settings: Settings, data: str, epochs: Sequence[Epoch], walk: Lockstep, stopped: str = ""
) -> TrainReport:
    """The record of a run."""
    jumps: list[Jump] = [each.jump for each in walk.partners if each.jump is not None]
    faults = tuple(
        f"{each.name}: {finding_text(found)}" for each in walk.partners for found in each.findings
    )
    return TrainReport(settings, data, tuple(epochs), tuple(jumps), stopped, faults)
