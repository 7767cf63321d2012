"""Any hand-written backward pass, checked: the front doors and the report they give.

Left out: the engine (`backward/`) and the words (`report/backward_words.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.backward.examine import examine
from conformance.backward.findings import Accused, Judged, Line


@dataclass(frozen=True)
class BackwardBlame:
    """A line that makes gradients wrong.

    Attributes:
        accused: what is known of it.
    """

    accused: Accused

    @property
    def gradients(self) -> tuple[str, ...]:
        """The names of the parameters whose gradients are wrong by it."""
        return self.accused.gradients

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines in question, the one to blame first."""
        return self.accused.lines

    @property
    def file(self) -> str | None:
        """The file of the line to blame."""
        return self.lines[0].file if self.lines else None

    @property
    def line(self) -> int | None:
        """The number of the line to blame."""
        return self.lines[0].line if self.lines else None

    @property
    def mends(self) -> bool:
        """Whether all gradients are right once this operation is mended."""
        return self.accused.mends

    @property
    def text(self) -> str:
        """Which gradients, which line, why."""
        from conformance.report.backward_words import blame_lines

        return "\n".join(blame_lines(self.accused))


@dataclass(frozen=True)
class BackwardReport:
    """What is known of a hand-written backward pass.

    Attributes:
        name: of the function.
        gradients: each gradient that was judged.
        accused: the operations to blame, the first to be read first.
    """

    name: str
    gradients: tuple[Judged, ...]
    accused: tuple[Accused, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every gradient is right."""
        return bool(self.gradients) and all(each.ok for each in self.gradients)

    @property
    def exit_code(self) -> int:
        """0 right, 1 wrong."""
        return 0 if self.ok else 1

    @property
    def blames(self) -> tuple[BackwardBlame, ...]:
        """The lines to blame, the first to be read first."""
        return tuple(map(BackwardBlame, self.accused))

    def __str__(self) -> str:
        """Three lines first: which gradients, which line, why."""
        from conformance.report.backward_words import report_lines

        return "\n".join(report_lines(self.name, self.gradients, self.accused))

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        from conformance.report.backward_words import report_html

        return report_html(self.name, self.gradients, self.accused)


def check_backward(f: Callable[..., Any], params: Any, *data: Any) -> BackwardReport:
    """Judge the gradients of a program and blame the line that makes them wrong.

    Args:
        f: called once, `f(params, *data)`, on copies; it returns the loss and the gradients.
        params: arrays of floats, in dicts, lists and tuples.
        data: whatever else the program takes.

    Raises:
        NotAGradientError: the program gave no loss, or no gradient for a parameter.
    """
    gradients, accused = examine(f, params, data)
    name = getattr(f, "__qualname__", type(f).__name__)
    return BackwardReport(name, tuple(gradients), tuple(accused))
