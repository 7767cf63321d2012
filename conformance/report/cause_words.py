"""What is said of a cause: the known mistake, the wrong formula beside the right one, or measures.

Left out: finding it (`conformance.diagnosis`).
"""

from collections.abc import Iterator

from conformance.diagnosis.cause import Cause
from conformance.mistakes.catalogue import CATALOGUE
from conformance.outcome import Report


def cause_words(report: Report, tag: str) -> Iterator[str]:
    """The lines on the cause of one wrong equation."""
    for cause in report.causes:
        if cause.tag == tag:
            yield from _known(cause) if cause.mistakes else _unknown(cause)


def _known(cause: Cause) -> Iterator[str]:
    for i, id_ in enumerate(cause.mistakes):
        mistake = CATALOGUE[id_]
        yield f"  {'or' if i else 'cause'}: {id_}: {mistake.sentence}"
        yield f"    wrong  {mistake.wrong}"
        yield f"    right  {mistake.right}"
    if len(cause.mistakes) > 1:
        yield "    no case tells them apart"


def _unknown(cause: Cause) -> Iterator[str]:
    yield "  cause: no catalogued mistake does this"
    for id_ in cause.partly:
        yield f"    where it is wrong, it is as in {id_}; but that would be wrong elsewhere too"
    for words in cause.measured:
        yield f"    {words}"
