"""What is said of a cause: the known mistake, the wrong formula beside the right one, or measures.

Left out: finding it (`conformance.diagnosis`).
"""

from collections.abc import Iterator, Sequence

from conformance.diagnosis.cause import Cause
from conformance.outcome import Report
from conformance.smallest.example import WRONG, Example


def cause_words(report: Report, tag: str) -> Iterator[str]:
    """The lines on the cause of one wrong equation."""
    for cause in report.causes:
        if cause.tag == tag:
            known = cause.mistakes or cause.alone
            yield from _known(cause, known) if known else _unknown(cause)


def _known(cause: Cause, ids: Sequence[str]) -> Iterator[str]:
    from conformance.mistakes.catalogue import CATALOGUE  # here: a right subject needs none

    alone = "" if cause.mistakes else f", in {cause.tag} alone"
    for i, id_ in enumerate(ids):
        mistake = CATALOGUE[id_]
        yield f"  {'or' if i else 'cause'}: {id_}{alone}: {mistake.sentence}"
        yield f"    wrong  {mistake.wrong}"
        yield f"    right  {mistake.right}"
    if len(ids) > 1:
        yield "    no case tells them apart"


def _unknown(cause: Cause) -> Iterator[str]:
    yield "  cause: no catalogued mistake does this"
    for id_ in cause.partly:
        yield f"    where it is wrong, it does what {id_} does; elsewhere it does not"
    for words in cause.measured:
        yield f"    {words}"


def example_words(report: Report, example: Example, *, verbose: bool) -> str:
    """A small network on which equations are wrong, to the last wrong line, or all of it."""
    lines = example.text.rstrip("\n").split("\n")
    wrong = [i for i, line in enumerate(lines, start=1) if WRONG in line]
    end = len(lines) if verbose or not wrong else wrong[-1]
    left = len(lines) - end
    more = [f"… {left} lines more: -v shows them"] if left else []
    first = f"the smallest network on which {report.subject} is wrong in {_and(example.tags)}:"
    return "\n".join((first, "", *lines[:end], *more))


def _and(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
