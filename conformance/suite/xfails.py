"""The tests that an implementer expects to fail: `--conformance-xfails`, one test id a line.

An id is what pytest prints, `test_equation.py::test_equation[...]`; it counts from `::` on, because
what stands before depends on where pytest is started. `*` stands for any letters and `?` for one.
What follows ` #` is the reason.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Entry:
    """One line of the file."""

    place: str  # file and line number
    id: str
    reason: str

    def found_in(self, tests: dict[str, pytest.Item]) -> list[pytest.Item]:
        """The tests that are meant, by their plain ids."""
        wanted = plain(self.id)
        if wanted in tests:
            return [tests[wanted]]
        if not {"*", "?"} & set(wanted):
            return []
        pattern = re.compile(re.escape(wanted).replace(r"\*", ".*").replace(r"\?", "."))
        return [test for name, test in tests.items() if pattern.fullmatch(name)]


def expect_failures(file: Path, tests: Iterable[pytest.Item]) -> None:
    """Make the listed tests strict xfails.

    Raises:
        pytest.UsageError: the file cannot be read, or an entry matches no test.
    """
    named = {plain(test.nodeid): test for test in tests}
    lost = []
    for entry in _entries(file):
        found = entry.found_in(named)
        for test in found:
            test.add_marker(pytest.mark.xfail(reason=entry.reason, strict=True))
        if not found:
            lost.append(entry)
    if lost:
        raise pytest.UsageError(*(f"{each.place}: {each.id} matches no test" for each in lost))


def plain(id_: str) -> str:
    """A test id without the file before it and the group that xdist puts after it."""
    return re.sub(r"\]@[^\]]*$", "]", id_.rpartition("::")[2])


def _entries(file: Path) -> Iterator[Entry]:
    for number, line in enumerate(_lines(file), start=1):
        id_, reason = re.fullmatch(r"\s*(.*?)\s*(?:(?:^|\s)#\s*(.*))?", line).groups()  # type: ignore[union-attr]
        if id_:
            yield Entry(f"{file}:{number}", id_, (reason or "").strip())


def _lines(file: Path) -> Sequence[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise pytest.UsageError(f"--conformance-xfails {file}: {reason}") from error
