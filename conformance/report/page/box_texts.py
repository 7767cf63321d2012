"""What stands in the boxes of the two passes: names, shapes, derivatives, and lines of the program.

Left out: where the boxes stand (`passes_drawing.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.backward.findings import Examined, Line, Named, Passed
from conformance.report.backward_causes import of
from conformance.report.backward_words import COSTS, has_factor, shape_text
from conformance.report.page.highlight import Run, Runs, source_lines, wrapped
from conformance.report.page.two_passes import Row

WHOLE = 9  # lines into which one that is to blame may be broken


@dataclass(frozen=True)
class Texts:
    """What stands in the two boxes of a row.

    Attributes:
        examined: what is known.
        row: which one.
        again: how often each value was computed before.
        width: characters of a line.
        most: lines of code.
    """

    examined: Examined
    row: Row
    again: Sequence[int]
    width: int
    most: int

    @property
    def passed(self) -> Passed:
        """The value."""
        return self.examined.passes[self.row.place]

    def forward(self) -> Iterator[Runs]:
        """The value, its shape and its line."""
        if self.row.kind == "several":
            yield from self._title(("soft", f"⋮ {self._several()}"))
        elif self.row.kind == "cost":
            known = COSTS.get(self.examined.cost, "the cost")
            yield from self._title(("name", "C"), ("soft", f"  {known}"))
            yield from self._code(self.passed.forward.line if self.row.places else None)
        else:
            each, nth = self.passed, self.again[self.row.place]
            time = f" ({nth + 1})" if nth else ""
            shape = f"  {shape_text(each.shape)}"
            yield from self._title(("name", each.forward.name + time), ("soft", shape))
            yield from self._code(each.forward.line)

    def backward(self) -> Iterator[Runs]:
        """What the backward pass has there, and its line."""
        if self.row.kind == "several":
            yield from self._given_of_several()
        elif self.row.kind == "cost" and not self.row.state:
            yield from self._title(("name", "1"), ("soft", "  = ∂C/∂C"))
        elif self.row.state == "blamed":
            yield from self._blamed()
        elif self.row.state == "missing":
            yield from self._title(("soft", f"∂C/∂{of(self.passed.forward)} is not given"))
        elif self.passed.backward is not None:
            yield from self._given(self.passed.backward)

    def _title(self, *runs: Run) -> Iterator[Runs]:
        yield from wrapped(runs, self.width, 3)

    def _given_of_several(self) -> Iterator[Runs]:
        passes = [self.examined.passes[k] for k in self.row.places]
        wrong = sum(each.wrong for each in passes)
        right = sum(each.backward is not None and not each.wrong for each in passes)
        if wrong:
            yield from self._title(("soft", "⋮ "), ("fail", f"✗ {wrong} gradients are wrong"))
        if right:
            yield from self._title(("soft", f"⋮ {right} ∂C/∂v are given, right"))

    def _given(self, back: Named) -> Iterator[Runs]:
        if self.row.state == "wrong":
            name = back.name if back.line is not None else "its gradient"
            yield from self._title(("name", name), ("fail", "  ✗ wrong"))
        else:
            factor = self.passed.factor
            times = f"{factor:.4g} × " if has_factor(factor) else ""
            value = "C" if self.row.kind == "cost" else of(self.passed.forward)
            yield from self._title(("name", back.name), ("soft", f"  = {times}∂C/∂{value}"))
        yield from self._code(back.line)

    def _blamed(self) -> Iterator[Runs]:
        """What is needed there, and the line that does not give it."""
        each = self.passed
        if each.wrong and each.backward is not None and each.backward.line is not None:
            yield from self._title(("fail", f"✗ {each.backward.name}"), ("soft", "  is wrong"))
            yield from self._code(each.backward.line)
            return
        needed = f"✗ ∂C/∂{of(each.forward)}"
        yield from self._title(("fail", needed), ("soft", "  is needed, not given by"))
        for accused in self.examined.accused:
            if accused.cause.needed == each.forward and accused.lines:
                yield from self._code(accused.lines[0])

    def _code(self, line: Line | None) -> Iterator[Runs]:
        """A line of the program behind its number."""
        if line is None:
            return
        number = f"{line.line} "
        for _, runs in source_lines(line.file, range(line.line, line.line + 1)):
            most = WHOLE if self.row.state == "blamed" else self.most
            lines = wrapped(runs, self.width - len(number), most)
            for i, each in enumerate(lines):
                yield (("soft", " " * len(number) if i else number), *each)
            return
        yield (("soft", f"line {line.line}"),)

    def _several(self) -> str:
        """How many values, and of which lines."""
        passes = self.examined.passes
        lines = [
            e.forward.line.line for e in (passes[k] for k in self.row.places) if e.forward.line
        ]
        where = f", lines {min(lines)} to {max(lines)}" if len(lines) > 1 else ""
        where = f", line {lines[0]}" if len(set(lines)) == 1 else where
        return f"{len(self.row.places)} values{where}"
