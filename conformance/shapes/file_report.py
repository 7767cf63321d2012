"""What is known of a file: each thing in it that was judged, and what was not.

Left out: the words (`report/shape_words.py`).
"""

from dataclasses import dataclass

from conformance.backward.findings import Examined
from conformance.backward_check import BackwardReport
from conformance.outcome import Report
from conformance.shapes.judging import Recognised


@dataclass(frozen=True)
class ShapeReport:
    """A program that is not the book's network, recognised and judged.

    Attributes:
        name: of what was judged, as one gives it: `net.py:Network`.
        recognised: what it was taken for.
        examined: what is known of its gradients.
    """

    name: str
    recognised: Recognised
    examined: Examined

    @property
    def backward(self) -> BackwardReport:
        """The report on its gradients."""
        return BackwardReport(self.name, self.examined)

    @property
    def exit_code(self) -> int:
        """0 right, 1 wrong."""
        return self.backward.exit_code


@dataclass(frozen=True)
class NotJudged:
    """A thing that fits no shape, though its names say that it goes backwards.

    Attributes:
        name: of it.
        why: how far the readings came.
    """

    name: str
    why: str


@dataclass(frozen=True)
class FileReport:
    """What is known of a file.

    Attributes:
        place: the file, and the name if one was given.
        parts: what was judged, in the order of the file.
        left: what was not.
    """

    place: str
    parts: tuple[ShapeReport | Report, ...]
    left: tuple[NotJudged, ...] = ()

    @property
    def is_the_books(self) -> bool:
        """Whether the book's network is all that it has."""
        return len(self.parts) == 1 and isinstance(self.parts[0], Report) and not self.left

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
        return 0 if codes == {0} else 3

    def __str__(self) -> str:
        """The whole report as text."""
        from conformance.report.shape_words import file_lines  # here: it imports this module

        return "\n".join(file_lines(self))
