"""What a terminal of few columns is given: whole words, no line that is too long, nothing lost."""

import io

import pytest

from conformance.api import check
from conformance.cli.progress import _Console
from conformance.cli.say import folded
from conformance.report.ascii import HANDLER
from conformance.report.book_report import Report
from conformance.report.terminal import show
from conformance.tests.support import wrong_at

DEEP = "deep-3-2-4-3-2-4-3-cross-entropy*"  # the longest names


@pytest.fixture(scope="module")
def report() -> Report:
    """Of a network that is wrong, in cases with long names."""
    found: Report = check(wrong_at("BP2"), case=DEEP)
    return found


def printed(
    report: Report, width: int, *, terminal: bool, verbose: bool = False, encoding: str = "utf-8"
) -> list[str]:
    """The lines of a report on a console."""
    file = io.TextIOWrapper(io.BytesIO(), encoding, errors=HANDLER)
    console = _Console(file=file, width=width, force_terminal=terminal, color_system=None)
    show(console, report, verbose=verbose)
    file.seek(0)
    return file.read().splitlines()


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_no_line_is_longer_than_the_terminal(report: Report, width: int, encoding: str) -> None:
    lines = printed(report, width, terminal=True, verbose=True, encoding=encoding)
    assert [each for each in lines if len(each) > width] == []
    assert [each for each in lines if each != each.rstrip()] == []


def test_folding_loses_no_word_and_a_pipe_is_given_whole_lines(report: Report) -> None:
    narrow = printed(report, 80, terminal=True, verbose=True)
    whole = printed(report, 80, terminal=False, verbose=True)
    assert " ".join(narrow).split() == " ".join(whole).split()
    assert max(map(len, whole)) > 80
    assert not any("…" in each for each in whole)  # the table has room for its names


@pytest.mark.parametrize(
    ("line", "width", "lines"),
    [
        ("short", 20, ["short"]),
        ("  two words and more", 12, ["  two words", "    and more"]),
        ("a/very/long/path.py:12", 10, ["a/very/long/path.py:12"]),
        ("well-known words", 11, ["well-known", "  words"]),
    ],
)
def test_a_line_is_broken_between_words(line: str, width: int, lines: list[str]) -> None:
    assert folded(line, width).split("\n") == lines
