"""A subject run through the steps of a case: what it shows, or how it stopped.

Left out: whether it is right (`judge.py`).
"""

from collections.abc import Iterator, Mapping, Sequence

from conformance.corpus.case import Case
from conformance.corpus.recorded import RecordedStep
from conformance.errors import ConformanceError, SubjectError
from conformance.judging.scale import unscaled
from conformance.running.tracebacks import stopped
from conformance.subjects import Subject
from conformance.subjects.observation import Observation, observed
from reference.step import Step


def observations(
    subject: Subject, case: Case, steps: Sequence[RecordedStep]
) -> Iterator[Observation]:
    """What the subject shows of each step in turn.

    Raises:
        SubjectError: it could not be run, or showed a quantity that does not exist.
        InternalError: the project's own code failed on it.
    """
    try:
        session = subject.start(case, steps[0].parameters)
        for step in steps:
            taken = session.step(step.batch)
            if not isinstance(taken, Observation | Step | Mapping):
                raise SubjectError(f"{subject.name} showed a {type(taken).__name__}, not a step")  # noqa: TRY301
            seen = observed(taken)
            unknown = sorted(str(name) for name in seen.shown.keys() - case.rows.keys())
            if unknown:
                raise SubjectError(f"{subject.name} showed {unknown[0]!r}, which is no quantity")  # noqa: TRY301
            yield seen if case.scale == 1 else unscaled(seen, step, case.scale)
    except ConformanceError:
        raise
    except (Exception, SystemExit) as error:
        raise stopped(f"{subject.name} stopped in {case.id}", error) from error
