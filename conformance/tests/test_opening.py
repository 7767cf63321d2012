"""The first lines of a report, how long it is, and what is said first."""

from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

import conformance
from conformance.api import check
from conformance.report.book_report import Report
from conformance.report.opening import in_one_line, opening
from conformance.report.terminal import MOST, show
from conformance.tests.networks.broken import BROKEN, broken_source
from conformance.tests.support import WRONG, answering, with_equations, wrong_at
from conformance.tracing.frames import Frame
from conformance.verdict.compare import RESTARTED, Status, Verdict
from conformance.verdict.finding import Kind, finding

FEW, MANY = "[ns]*-[45]-*", 40  # one case without hidden layers, some with; how many to show
EDIT = next(edit for edit in BROKEN if edit.tags == ("BP2",))
WIDTH = 80


def short(report: Report, width: int = WIDTH) -> list[str]:
    """The lines that a terminal shows of a report in short."""
    text = StringIO()
    show(Console(file=text, width=width, color_system=None), report)
    lines = text.getvalue().splitlines()
    return [line[i : i + width] for line in lines for i in range(0, max(len(line), 1), width)]


@pytest.fixture(scope="module")
def forgotten(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, int]:
    """The report on the book's network with one line of BP2 wrong, and the number of the line."""
    path = tmp_path_factory.mktemp("net") / "net.py"
    source, line = broken_source(EDIT)
    path.write_text(source, "utf-8")
    return check(f"{path}:Network", case="[cdel]*-[345]-*"), line


def test_a_verdict_begins_with_what_is_wrong_on_which_line_and_why(
    forgotten: tuple[Report, int],
) -> None:
    report, line = forgotten
    what, where, why, change, after, *_ = short(report, 2 * WIDTH)
    assert what.startswith("not conformant: BP2 is wrong at layers 2 and 3, in ")
    assert what.endswith(f"{len(report.cases)} of {len(report.cases)} cases")
    assert where.startswith(f"  net.py:{line}, in backprop: {EDIT.replace[:30]}")
    assert why.startswith("  cause: bp2-")
    assert change.startswith("  every case is right with:  delta = ")
    assert not after


def test_the_line_to_blame_is_whole() -> None:
    network = Path(conformance.__file__).parent / "examples" / "network.py"
    line = network.read_text("utf-8").splitlines()[53].strip()
    assert line in "".join(short(check(f"{network}:Network", case="hand*")))


def test_one_line_names_subject_equation_line_and_cause(forgotten: tuple[Report, int]) -> None:
    report, line = forgotten
    said = in_one_line(report)
    assert said.startswith(f"{report.subject}: not conformant: BP2 is wrong at layers 2 and 3, ")
    assert f", net.py:{line}: cause: bp2-" in said
    assert "\n" not in said


def many(*tags: str) -> Report:
    """The report on a subject that is wrong in some equations, on more cases than fit a screen."""
    subject = replace(wrong_at(*tags), name="a/long/path/to/a/network/of/mine.py:Network")
    report = check(subject, case=FEW)
    return replace(report, cases=report.cases * (MANY // len(report.cases)))


@pytest.mark.parametrize("tags", [(), ("BP2",), tuple(WRONG)])
def test_a_report_in_short_fits_a_screen(tags: Sequence[str]) -> None:
    lines = short(many(*tags))
    assert len(lines) <= MOST
    assert any(line.startswith("…") and line.endswith("-v shows all") for line in lines)


def test_where_a_case_is_wrong_it_stands_before_those_that_are_right() -> None:
    report = many("BP2")
    status = {each.case.id: each.status for each in report.cases}
    rows = [line.split()[0] for line in short(report) if line.startswith(tuple(status))]
    assert set(status.values()) == {Status.FAIL, Status.PASS}
    assert {status[each] for each in rows} == {Status.FAIL}


def test_a_right_subject_is_said_to_be_conformant_first() -> None:
    first, after, *_ = short(check("reference", case="hand*"))
    assert first.startswith("conformant, 2 cases: 30 quantities")
    assert not after


def test_each_other_equation_has_one_line_in_causal_order() -> None:
    report = check(wrong_at("BP4", "BP1", "W"), case="square-4-4-4-4")
    first, _, _, *others = opening(report)
    assert first.startswith("not conformant: BP1 is wrong at layer 4")
    assert [each.split()[:2] for each in others] == [["also", "BP4"], ["also", "W"]]


def test_without_a_line_the_right_equation_is_named() -> None:
    _, where, _ = opening(check(wrong_at("BP2"), case="square-4-4-4-4"))
    assert where.startswith("  no line is known; right: δ^l = ")
    assert where.endswith("(reference/equations.py: hidden_error)")


def stopping(after: int, line: Frame | None = None) -> Report:
    """The report on a subject without σ′ that stops after so many cases."""
    report = check(wrong_at("BP2"), case="[cde]*-2*")
    error = f"wrong stopped in {report.cases[after].case.id}: ValueError: no more\nTraceback …"
    stopped = [
        replace(each, verdicts=[], error=error, frames=() if line is None else (line,))
        for each in report.cases[after:]
    ]
    return replace(report, cases=(*report.cases[:after], *stopped))


def test_if_most_cases_stopped_that_is_said_first() -> None:
    report = stopping(1)
    first, what, *_ = opening(report)
    n = len(report.cases)
    assert first.startswith(f"not conformant: {n - 1} of {n} cases stopped, first ")
    assert first.endswith("; ValueError: no more")
    assert what.startswith("BP2 is wrong at layer 2, in 1 of ")


def test_if_few_cases_stopped_that_is_said_last() -> None:
    report = stopping(-1)
    *_, last = opening(report)
    assert last.startswith(f"also 1 of {len(report.cases)} cases stopped: ")
    assert last.endswith(": ValueError: no more")


def test_if_all_stopped_the_line_and_the_exception_follow() -> None:
    here = Frame(__file__, 1, "f")
    what, where, why = opening(stopping(0, here))
    assert what.startswith("not judged: ")
    assert where.startswith(f"  {Path(__file__).name}:1, in f: ")
    assert why == "  ValueError: no more"


def test_the_line_at_which_a_subject_stopped_is_known() -> None:
    def stop(_batch: object) -> object:
        raise ValueError("no")

    (case,) = check(answering(stop), case="hand-2-3-1").cases
    (frame,) = case.frames
    assert (Path(frame.file).name, frame.function) == (Path(__file__).name, "stop")


def test_what_is_wrong_beside_the_quantities_has_its_line() -> None:
    report = check(with_equations(), case="hand-2-3-1")
    stops = finding(Kind.STOPPED, [Frame(__file__, 1, "SGD")], error="ValueError: no")
    beside = Verdict("hand-2-3-1", 0, RESTARTED, "", Status.FAIL, finding=stops)
    (case,) = report.cases
    report = replace(report, cases=(replace(case, verdicts=[*case.verdicts, beside]),))
    what, where = opening(report)
    assert what == "not conformant: SGD stops: ValueError: no"
    assert where.startswith(f"  {Path(__file__).name}:1, in SGD")
    assert in_one_line(report).endswith(f": SGD stops: ValueError: no, {Path(__file__).name}:1")
