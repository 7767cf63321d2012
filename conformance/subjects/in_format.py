"""A subject that computes in a short format: the reference rounded, the twin under autocast.

What it shows in a wider format, as mixed precision keeps gradients and parameters, is rounded: who
computes in more digits than are judged does nothing wrong, and it is noted. Left out: the cases in
that format (`cases/build.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from conformance.arithmetic.formats import FLOATS, SHORT, Format, Short
from conformance.corpus.case import Case
from conformance.model.table import of_layers
from conformance.subjects import ReferenceSession, Session, Subject
from conformance.subjects.named import find
from conformance.subjects.observation import Observation, narrowed, observed
from reference.step import Array, Batch, Parameters, Step

SCALES = {"float16": 1024.0}
"""By which the twin multiplies its cost before it differentiates; 1 if there is nothing."""

Start = Callable[[Case, Parameters], Session]


def in_format(subject: Subject, dtype: str) -> Subject:
    """The subject in a short format, in which alone it is judged then."""
    own = {"reference": ShortSession.begin, "torch_impl": _torch_impl}.get(subject.name)
    start, free = own or subject.start, None if own else subject.start_free
    return replace(
        subject,
        name=f"{subject.name} in {dtype}" if own else subject.name,
        start=_rounding(start, FLOATS[dtype]),
        start_free=None if free is None else _rounding(free, FLOATS[dtype]),
        dtypes=(dtype,),
    )


def cases_for(subject: Subject, cases: Sequence[Case]) -> Sequence[Case]:
    """The cases as a subject is given them: those in float64 in its short format, if it has one."""
    short = short_format(subject)
    whole = [each for each in cases if each.dtype == "float64"]
    return [each.in_format(short) for each in whole] if short and whole else cases


def short_format(subject: Subject) -> str | None:
    """The short format in which a subject computes, if it is one."""
    return next((each for each in subject.dtypes if each in SHORT), None)


def _rounding(start: Start, of: Format) -> Start:
    return lambda case, parameters: _Rounding(start(case, parameters), of)


@dataclass(frozen=True)
class _Rounding:
    """A session whose numbers are judged as they round to a format."""

    session: Session
    format: Format

    def step(self, batch: Batch) -> Observation:
        seen = observed(self.session.step(batch))
        return narrowed(seen, self._wider, self.format.rounded, ("it shows", self.format.name))

    def _wider(self, shown: Any) -> bool:
        """Whether an array has numbers that are not of the format."""
        if not isinstance(shown, np.ndarray) or shown.dtype.kind != "f":
            return False
        return shown.dtype != self.format.container or bool(
            np.any((shown != self.format.rounded(shown)) & ~np.isnan(shown))
        )


class ShortSession(ReferenceSession):
    """The reference, each of whose operations rounds to the format of the case."""

    kind = Short

    @classmethod
    def begin(cls, case: Case, parameters: Parameters) -> Session:
        """Start from the parameters of a case, with its equations."""
        return cls(case, parameters, of_layers(case.cost, case.activations))

    def step(self, batch: Batch) -> Step:
        """Take one step."""

        def short(array: Array) -> Array:
            return self.kind.of(array, self.case.format)

        self.parameters = self.parameters.map(short)
        with np.errstate(all="ignore"):  # a constant such as 1 − ρ may round to 0
            return super().step(batch.map(short))


def _torch_impl(case: Case, parameters: Parameters) -> Session:
    import torch

    made: Any = find("torch_impl").start(case, parameters.map(lambda each: each.astype(np.float32)))
    made.short, made.scale = getattr(torch, case.dtype), SCALES.get(case.dtype, 1.0)
    return cast("Session", made)
