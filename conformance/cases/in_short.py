"""A case of the corpus in a short format: its inputs rounded, its truth computed again.

The files stay as they are. Left out: the formats (`arithmetic/formats.py`).
"""

from dataclasses import replace
from pathlib import Path

from conformance.cases.build import recorded_run
from conformance.corpus import store
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded


def read(place: Path, case: Case) -> Recorded:
    """The numbers of a case of the corpus, or of one of its float64 cases in a short format.

    Each later step starts from the truth of the one before, rounded to the format.

    Raises:
        CorpusError: the file is missing or damaged.
        ArithmeticError: in this format there is no such case: a number is beyond its largest, or
            z is 0 where f′ jumps.
    """
    plain = replace(case, scale=1.0)
    if case.format.short:
        return in_short(case, store.read(place, plain.in_format("float64")))
    return replace(store.read(place, plain), case=case)


def in_short(case: Case, whole: Recorded) -> Recorded:
    """A case in another format, with the numbers of one rounded to it; as `read`."""
    for name, constant in case.constants:
        if case.format.rounded(constant) == 0:
            raise ArithmeticError(f"{name} = {constant} rounds to 0")
    start = whole.steps[0].parameters.map(case.format.rounded)
    return recorded_run(case, start, (e.batch.map(case.format.rounded) for e in whole.steps))
