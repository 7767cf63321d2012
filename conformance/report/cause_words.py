"""What is said of a cause: the known mistake, the wrong formula beside the right one, or measures.

Left out: finding it (`conformance.diagnosis`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.explain.example import Example
from conformance.outcome import Outcome
from conformance.report.measure_words import measure_text

if TYPE_CHECKING:
    from conformance.mistakes.mistake import Mistake

NO_CAUSE = "cause: no catalogued mistake does this"


def mistakes(report: Outcome, tag: str) -> "list[Mistake]":
    """The known mistakes that explain one wrong equation; several if no case tells them apart."""
    ids = [id_ for cause in report.causes if cause.tag == tag for id_ in cause.known]
    if not ids:  # a right subject needs no catalogue
        return []
    from conformance.mistakes.catalogue import ALL

    return [ALL[id_] for id_ in ids]


@dataclass(frozen=True)
class Formula:
    """A wrong formula beside the right one, and the known mistakes that are this one.

    Attributes:
        names: of the mistakes.
        sentences: theirs.
        wrong: what the subject has.
        right: what it has to have.
    """

    names: tuple[str, ...]
    sentences: tuple[str, ...]
    wrong: str
    right: str

    @property
    def name(self) -> str:
        """All names."""
        return " or ".join(self.names)

    @property
    def sentence(self) -> str:
        """All sentences."""
        return " ".join(self.sentences)


def formulas(report: Outcome, tag: str) -> list[Formula]:
    """The formulas that the subject may have instead of an equation, each once."""
    found: dict[tuple[str, str], list[Mistake]] = {}
    for each in mistakes(report, tag):
        found.setdefault((each.wrong, each.right), []).append(each)
    return [
        Formula(
            tuple(cause_name(report, tag, each) for each in same),
            tuple(dict.fromkeys(each.sentence for each in same)),
            *pair,
        )
        for pair, same in found.items()
    ]


def cause_words(report: Outcome, tag: str) -> Iterator[str]:
    """The lines on the cause of one wrong equation; one, if it has been told of another."""
    told = told_of(report, tag)
    if told:
        yield f"cause: the same as of {told}: {' or '.join(_names(report, tag))}"
        return
    for i, each in enumerate(formulas(report, tag)):
        yield from mistake_words(i, each.name, each)
    for words in beside_cause(report, tag):
        yield words if words == NO_CAUSE else f"  {words}"


def mistake_words(i: int, name: str, of: "Formula | Mistake") -> Iterator[str]:
    """The lines on a mistake that explains something, the first that does or another one."""
    yield f"{'or' if i else 'cause'}: {name}: {of.sentence}"
    yield f"  wrong  {of.wrong}"
    yield f"  right  {of.right}"


def told_of(report: Outcome, tag: str) -> str:
    """The first wrong equation before this one that has the same cause; empty if none has."""
    names = _names(report, tag)
    tags = [blame.tag for blame in report.blames]
    earlier = tags[: tags.index(tag)] if names and tag in tags else []
    return next((each for each in earlier if _names(report, each) == names), "")


def _names(report: Outcome, tag: str) -> list[str]:
    return [cause_name(report, tag, mistake) for mistake in mistakes(report, tag)]


def cause_name(report: Outcome, tag: str, mistake: "Mistake") -> str:
    """The id of a mistake, and whether it explains this equation alone, or is in a hidden one."""
    causes = [cause for cause in report.causes if cause.tag == tag]
    if any(mistake.id in cause.mistakes for cause in causes):
        return mistake.id
    hidden = any(mistake.id in cause.unseen for cause in causes)
    before = f"in {joined(mistake.blames)}, which cannot be seen"
    return f"{mistake.id}, {before if hidden else f'in {tag} alone'}"


def beside_cause(report: Outcome, tag: str) -> Iterator[str]:
    """What is said of a cause beside the mistakes that explain it, or if none does."""
    for cause in report.causes:
        if cause.tag != tag:
            continue
        known = cause.known
        if len(known) > 1:
            yield "no case tells them apart"
        yield from dict.fromkeys(
            each.convention for each in mistakes(report, tag) if each.convention
        )
        if not known:
            yield NO_CAUSE
            for id_ in cause.partly:
                yield f"where {tag} is wrong, it is what {id_} makes it, and right elsewhere"
            yield from map(measure_text, cause.measured)


def example_words(report: Outcome, example: Example) -> str:
    """A small network on which equations are wrong, every equation with its numbers."""
    return "\n".join((example_heading(report, example), "", example.text.rstrip("\n")))


def example_heading(report: Outcome, example: Example) -> str:
    """What a small network shows."""
    return f"the smallest network on which {report.subject} is wrong in {joined(example.tags)}:"


def joined(words: Sequence[str]) -> str:
    """`Z, A and C`"""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
