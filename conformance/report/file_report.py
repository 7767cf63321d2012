"""The report on a file: each thing in it that was judged, what was not, and how it is shown."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from conformance.outcome import Blame
from conformance.report.backward_report import BackwardBlame, BackwardReport
from conformance.report.book_report import Report
from conformance.report.visible import visible
from conformance.shapes.found import NotHere, NotJudged, Recognised, Refused
from conformance.values import to_values


@dataclass(frozen=True, repr=False)
class ShapeReport(BackwardReport):
    """A program that is not the book's network, recognised and judged.

    Attributes:
        recognised: what it was taken for.
    """

    recognised: Recognised

    def __str__(self) -> str:
        """Three lines first: which gradients, which line, why; then what it was taken for."""
        return "\n".join([super().__str__(), *_recognised_words(self.recognised)])

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values, by `report/backward.schema.json`."""
        return {**super().to_json(), "recognised": to_values(self.recognised)}

    def as_markdown(self) -> str:
        """The report as GitHub-flavoured Markdown."""
        from conformance.report.gfm import text

        told = "\n".join(map(text, _recognised_words(self.recognised)))
        return f"{super().as_markdown()}\n{told}\n"

    def further(self) -> list[str]:
        """What it was taken for."""
        return _recognised_words(self.recognised)


Part = BackwardReport | Report


@dataclass(frozen=True, repr=False)
class FileReport:
    """What is known of a file.

    Attributes:
        place: the file, and the name if one was given.
        parts: what was judged, whole networks first.
        left: what was not.
        failed: what the file asked for that is not here; None if nothing.
    """

    place: str
    parts: tuple[Part, ...]
    left: tuple[NotJudged, ...] = ()
    failed: NotHere | None = None

    @property
    def the_books(self) -> Report | None:
        """The report on the book's network, if that is all that it has."""
        first = self.parts[0] if len(self.parts) == 1 and not self.left else None
        return first if isinstance(first, Report) else None

    @property
    def blames(self) -> tuple[Blame | BackwardBlame, ...]:
        """What is to blame in each part, in their order."""
        return tuple(blame for part in self.parts for blame in part.blames)

    @property
    def ok(self) -> bool:
        """Whether all that was judged is right, and something was."""
        return self.exit_code == 0

    @property
    def exit_code(self) -> int:
        """1 if something is wrong, 3 if something could not be judged, else 0."""
        codes = {each.exit_code for each in self.parts}
        if 1 in codes:
            return 1
        return 0 if codes == {0} and not any(each.network for each in self.left) else 3

    def __str__(self) -> str:
        """The whole report as text."""
        return "\n".join(_lines(self))

    def __repr__(self) -> str:
        """The verdicts in one line, as a failing `assert report.ok` shows them."""
        return f"<{self.in_one_line().replace(chr(10), '; ')}>"

    def in_one_line(self) -> str:
        """The verdict on each program, a line each."""
        return "\n".join(each.in_one_line() for each in self.parts)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON values: that of its one part, or a list `parts`."""
        parts = [each.to_json() for each in self.parts]
        left = [{"name": each.name, "why": each.why} for each in self.left]
        if len(parts) == 1 and not left:
            return parts[0]
        return {
            "report_version": parts[0]["report_version"] if parts else 1,
            "subject": self.place,
            "ok": self.ok,
            "exit_code": self.exit_code,
            "parts": parts,
            "not_judged": left,
        }

    def as_markdown(self) -> str:
        """The report as GitHub-flavoured Markdown."""
        return "\n".join(each.as_markdown() for each in self.parts)

    def as_page(self, _command: str = "") -> str:
        """The report as one page of HTML."""
        from conformance.report.backward_page import as_page

        return as_page(_in_one_line(self), self.parts, self.left)


def _lines(report: FileReport) -> Iterator[str]:
    """The whole report on a file, line by line."""
    for i, each in enumerate(report.parts):
        if i:
            yield ""
        named = isinstance(each, Report) or not each.exit_code
        if len(report.parts) > 1 and not named:
            yield visible(f"{_name(each)}:")
        yield from str(each).splitlines()
    for left in report.left:
        yield visible(f"not judged: {left.name}: {left.why}")
    yield from _failed_words(report.failed)


def _name(part: Part) -> str:
    return part.subject if isinstance(part, Report) else part.name


def _in_one_line(report: FileReport) -> str:
    """The verdict on the only program of a file, or how many of several are right."""
    if len(report.parts) == 1:
        return report.parts[0].in_one_line()
    right = sum(each.exit_code == 0 for each in report.parts)
    return f"{report.place}: {right} of {len(report.parts)} programs are right"


MANY = 12  # names of parameters that are written out

ALONE = {
    "output": "right for one output; for several the gradient is not that of the loss",
    "ones": "right where the first input of each sample is 1; for others the gradient is not that "
    "of the loss",
    "vector": "right for a vector; for a matrix a gradient is another, or has another shape",
}

SOURCES = {
    "returned": "gives the gradients",
    "moved": "updates the parameters itself",
    "kept": "keeps the derivatives in its values",
}


SUMS = "each call adds to the gradients of {}, and nothing in this file sets them back to 0"


UNDECAYED = "the loss has a decay that {} leaves out: what moves the parameters has to add it"


def _recognised_words(recognised: Recognised) -> list[str]:
    """What a program was taken for, in one line, after what of it is not clear."""
    calls = list(recognised.calls)
    at = next((i for i, each in enumerate(calls) if i == recognised.backward), len(calls) - 1)
    calls[at] += f" {SOURCES[recognised.source]}"
    laid = recognised.layout + (f", {recognised.coding}" if recognised.coding else "")
    parts = [recognised.made, laid, ", ".join(calls)]
    if recognised.parameters:
        parts.append(f"parameters {', '.join(_together(recognised.parameters))}")
    if recognised.constant:
        parts.append(f"never moved: {', '.join(_together(recognised.constant))}")
    parts += recognised.rule
    said = visible(f"recognised: {'; '.join(each for each in parts if each)}")
    off = [f"note: {each} is not tried" for each in recognised.off]
    off += [
        f"note: the rule by which {e} moves parameters is not judged" for e in recognised.unruled
    ]
    if recognised.sums:
        off.append(f"note: {SUMS.format(', '.join(_together(recognised.sums)))}")
    if recognised.undecayed:
        off.append(f"note: {UNDECAYED.format(calls[at].partition('(')[0])}")
    alone = [f"note: {ALONE[recognised.alone]}"] if recognised.alone else []
    return [*alone, *map(visible, off), said]


def _together(parameters: Sequence[str]) -> list[str]:
    """The names of parameters, of those of one list its name and how many there are, if many."""
    if len(parameters) <= MANY:
        return list(parameters)
    roots = Counter(each.partition("[")[0] for each in parameters)
    return [root if count == 1 else f"{root} ({count} of them)" for root, count in roots.items()]


def _failed_words(failed: NotHere | None) -> list[str]:
    """What a file asked for that is not here; nothing if there is none."""
    if failed is None:
        return []
    words = f"note: {failed.where}: {failed.why}; what the file defines is judged with other data"
    return [visible(words)]


NAMELESS = "no name says what goes backward, as `backward`, `backprop` or `gradients` would"


def refused_words(
    refusal: Refused, left: Sequence[NotJudged], failed: NotHere | None = None, idle: str = ""
) -> str:
    """Why nothing in a file is judged: what was found, what is missing, and what to write.

    Args:
        refusal: how far readings came.
        left: what fits no shape.
        failed: what the file asked for that is not here.
        idle: why nothing came of it when it was run.
    """
    lines = [f"{refusal.said} fits no known shape; it defines {refusal.defines}"]
    told = [f"  {each.name}: {each.why}" for each in left or refusal.unfit]
    lines += told or [f"  {NAMELESS}"]
    lines += _failed_words(failed)
    lines += [f"  when it was run: {visible(idle)}"] if idle else []
    if refusal.adapter:
        place = refusal.said.rpartition(":")[0] if ".py:" in refusal.said else refusal.said
        lines.append(
            f"`conformance init {place}` writes this, which runs; say there what is missing:"
        )
        lines += [f"    {line}".rstrip() for line in refusal.adapter.splitlines()]
    return "\n".join(lines)
