"""One step as a self-contained page that explains it: the network, and why each factor is there.

The equations are in the page as text, so that it can be read where no script runs; the script shows
them again from its own arithmetic. It, the style and the numbers stand in the page itself, and a
policy forbids everything else. Left out: what the script does (`network.js` and those after it).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby, starmap
from pathlib import Path

from conformance.corpus.case import Case
from conformance.explain.example import Row
from conformance.explain.formulas import NBSP
from conformance.explain.step_lines import given, heading, legend, parts_of, rows
from conformance.explain.worked import Line, Worked
from conformance.files import put
from conformance.lesson.lesson_data import formulas, is_whole, known, numbers
from conformance.model.row import Row as TableRow
from conformance.report.document import OPTION, ready, rendered
from conformance.report.mathml import mathml

SCRIPTS = (
    *("network", "formulas", "state", "symbols", "steps", "explain", "drawing", "flow", "chart"),
    *("walk", "turning", "breaking", "training", "fields", "start"),
)
SMALL = "small"
"""With what the id begins of a case that was made from its sizes."""


@dataclass(frozen=True)
class Equation:
    """One quantity in the page: its name, the equation in general, and its lines as text."""

    name: str
    tag: str
    general: str
    about: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """A part of the step, and its equations in causal order."""

    title: str
    equations: tuple[Equation, ...]


def write_lesson(path: Path, worked: Worked) -> None:
    """Write the page, whole or not at all.

    Raises:
        UsageError: jinja2 is not there, or the file cannot be written.
    """
    ready(path)
    put(OPTION, path, lesson(worked))


def lesson(worked: Worked) -> str:
    """The page of a worked example, for which jinja2 must be there."""
    return rendered(
        "lesson/lesson.html.j2",
        text_of("lesson.css"),
        "\n".join(text_of(f"{name}.js") for name in SCRIPTS),
        title=str(list(worked.case.sizes)),
        heading=heading(worked),
        legend=legend(worked),
        given="   ".join(f"{name} = {array}" for name, array in given(worked).items()),
        whole=is_whole(worked),
        samples=worked.given["x"].shape[1],
        why=_why(worked.case),
        parts=tuple(_parts(worked)),
        mistakes=[(each, *formulas(each)) for each in known()] if is_whole(worked) else [],
        typeset=lambda formula: mathml(formula, block=True),
        command=_command(worked.case),
        numbers=numbers(worked),
    )


def text_of(name: str) -> str:
    """A file beside this one."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _parts(worked: Worked) -> Iterator[Part]:
    table = worked.case.rows

    def row_of(line: tuple[Line, Row]) -> TableRow:
        return table[line[0].name.replace("prime", "delta")]  # σ′ belongs to the δ that it enters

    written = zip(worked.lines, rows(worked), strict=True)
    for part, lines in groupby(written, lambda line: row_of(line).quantity.part):
        yield Part(part, tuple(starmap(_equation, groupby(lines, row_of))))


def _equation(row: TableRow, lines: Iterable[tuple[Line, Row]]) -> Equation:
    about = row.quantity.about.format(layer=row.layer)
    texts = (" ".join(parts_of(line.name, each)).replace(NBSP, " ") for line, each in lines)
    return Equation(row.name, row.tag, row.formula, about, tuple(texts))


def _why(case: Case) -> str:
    """The name of a recorded case, and why it exists."""
    return f"{case.id}: {case.why}." if _is_recorded(case) else ""


def _is_recorded(case: Case) -> bool:
    return not case.id.startswith(f"{SMALL}-")


def _command(case: Case) -> str:
    """What prints the same example."""
    if _is_recorded(case):
        return f"conformance explain --case {case.id}"
    sizes, m = ",".join(map(str, case.sizes)), len(case.batches[0])
    cost = "" if case.cost == "quadratic" else f" --cost {case.cost}"
    samples = "" if m == 1 else f" --samples {m}"
    return f"conformance explain --sizes {sizes}{cost}{samples}"
